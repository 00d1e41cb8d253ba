"""The record of one decision of dedup: what was decided, and all that the state keeps of it (topic `dedup-log`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec

from pipeline import codec
from pipeline.dedup.clock import Clock
from pipeline.dedup.credits import Credit
from pipeline.dedup.versions import Status
from pipeline.records import Annotated, Article, Copy, CopyKind, EditorWord, RawArticle, Verdict, Void
from pipeline.text.clean import Cleaned, clean
from pipeline.text.language import language_of

NOTHING = "~"
"""Log key of decisions that change no article's remembered state: only the last of them is worth keeping."""


NO_WORDS = "0" * 24
"""`Memory.exact` of what has no words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A copy group that got another root: articles remembered with group `old` before `seq` now belong to `new`."""

    old: str
    new: str
    seq: int


class Memory(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the state remembers of an article from a decision on. Replaces what it remembered before.

    Times are microseconds since 1970. A withdrawn article keeps no trace of its body.

    Attributes:
        status: of the newest version; canceled and withheld are remembered so that a delayed original is held back.
        version, version_created, published, content: of the newest version; `content` is a hash.
        origin: the earliest publication time that any version stated: its place in the total order of origins.
        since: when its time to live begins; None when no time is known yet.
        group: root of its copy group, at this decision.
        signature: hashes of the sketch, little-endian uint32; base64 in JSON, as are the next two.
        bound, shingles, words: the rest of the sketch.
        figures: its numbers in their places, little-endian uint32.
        headline: words of its headline, little-endian uint32.
        exact: hash of its words in order, the same for texts that differ in case, accents and punctuation only.
        moves: every re-rooting this article ever caused that may still concern a remembered article.
    """

    status: Status
    version: int | None
    version_created: int | None
    published: int | None
    content: str | None
    origin: int | None
    since: int | None
    group: str | None = None
    signature: bytes = b""
    bound: int = 0
    shingles: int = 0
    words: int = 0
    figures: bytes = b""
    headline: bytes = b""
    exact: str = NO_WORDS
    moves: tuple[Move, ...] = ()


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What dedup decided about one input of an edition.

    Attributes:
        prev_seq: the seq decided before this one; -1 for the first.
        event_time: `published`, or the watermark where the article says no time.
        watermark: event time of the edition after this decision.
        copy_of, copy_kind, copy_why: see `records.Copy`.
        credits: agencies that the text names as where it comes from.
        added: half-open character spans of the cleaned text that the source has not.
        copy_group: root of the copy group; the article's own id when it is no copy; None when nothing is published.
        regrouped: copy groups that got another root by this decision, old root -> new root.
        clock: event time after this decision, as the state keeps it.
        memory: what is remembered of the article from now on; None: as before.
        embargoed_until: of a version that is remembered; only to be counted, no decision depends on it.
    """

    seq: int
    prev_seq: int
    article_id: str | None
    verdict: Verdict
    reason: str
    event_time: datetime | None
    watermark: datetime | None
    copy_of: str | None = None
    copy_kind: CopyKind | None = None
    copy_why: dict[str, Any] = {}
    credits: tuple[Credit, ...] = ()
    added: tuple[tuple[int, int], ...] = ()
    copy_group: str | None = None
    regrouped: dict[str, str] = {}
    clock: Clock = Clock()
    memory: Memory | None = None
    embargoed_until: datetime | None = None

    @property
    def key(self) -> str:
        """Key in the compacted log: one article's newest record is enough to rebuild what is remembered of it."""
        return NOTHING if self.memory is None or self.article_id is None else self.article_id


class Logged(msgspec.Struct, frozen=True, gc=False):
    """The part of a decision that the state is made of: all that a restore needs of most of the log."""

    seq: int
    article_id: str | None
    clock: Clock
    memory: Memory | None = None
    embargoed_until: datetime | None = None


_logged = msgspec.json.Decoder(Logged)


def read_logged(value: bytes) -> Logged:
    """Read back the bytes of a decision; several times faster than the whole of it.

    Raises:
        InvalidEvent: kind `schema`; the detail says what is wrong.
    """
    return codec.read(_logged, value, "Decision")


def annotated(
    decision: Decision, item: RawArticle | EditorWord | Void, edition: int, cleaned: Cleaned | None = None
) -> Annotated:
    """The record that leaves dedup for one input: a function of the input and its decision alone.

    Args:
        decision: of `Dedup.decide`, or read back from the log.
        item: the input that was decided.
        edition: partition of `raw`.
        cleaned: the item's text, if it was cleaned already.
    """
    article = None
    copy = None
    if isinstance(item, RawArticle) and decision.verdict in ("new", "update", "correction", "copy"):
        cleaned = cleaned or clean(item)
        article = Article(
            provider=item.provider,
            native_id=item.native_id,
            source=item.source,
            title=cleaned.title,
            text=cleaned.text,
            published=item.published,
            published_precision=item.published_precision,
            url=item.url,
            language=language_of(item.language, cleaned.title, cleaned.text),
            version=item.version,
            version_created=item.version_created,
            embargoed_until=item.embargoed_until,
            ednote=item.ednote,
        )
        if decision.copy_of is not None and decision.copy_kind is not None:
            added = "\n\n".join(cleaned.text[start:end] for start, end in decision.added)
            why = decision.copy_why
            if decision.credits:
                why = why | {"credits": [asdict(credit) for credit in decision.credits]}
            copy = Copy(of=decision.copy_of, kind=decision.copy_kind, why=why, added=added)
    return Annotated(
        edition=edition,
        seq=decision.seq,
        prev_seq=decision.prev_seq,
        article_id=decision.article_id,
        verdict=decision.verdict,
        reason=decision.reason,
        event_time=decision.event_time,
        provider=item.provider if isinstance(item, RawArticle) else None,
        native_id=item.native_id if isinstance(item, RawArticle) else None,
        copy=copy,
        copy_group=decision.copy_group,
        regrouped=decision.regrouped,
        article=article,
        word=item if isinstance(item, EditorWord) and decision.verdict == "word" else None,
    )

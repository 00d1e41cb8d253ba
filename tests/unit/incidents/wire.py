"""A small made-up wire for the ledger: articles of a few invented events, and every verdict that dedup knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline import ids
from pipeline.editor_word import make
from pipeline.records import Annotated, Article, Copy, Verdict, WordKind

START = datetime(2023, 3, 24, 6, 0, tzinfo=UTC)

EVENTS = (
    (
        "Ferry sinks off Port Velasco",
        "A ferry carrying ninety passengers sank off Port Velasco, the Marena coast guard",
    ),
    (
        "Refinery fire in Tarnow Bay",
        "A fire at the Halvorsen refinery in Tarnow Bay burned through three storage tanks",
    ),
    ("Mayor of Quillon resigns", "Mayor Ingrid Sallow of Quillon resigned after auditors found forged road contracts"),
    (
        "Train derails near Osk",
        "A freight train loaded with ammonia derailed at the Osk viaduct, closing the valley line",
    ),
)

ANGLES = (
    "said on Friday. Rescuers worked through the night.",
    "reported in a statement. An inquiry was opened by prosecutors.",
    "told reporters, while residents described what they had seen from their windows.",
    "confirmed. The cause was not known.",
)


def article(native_id: str, event: int, angle: int, at: datetime | None, provider: str = "wire") -> Article:
    title, body = EVENTS[event]
    return Article(
        provider=provider,
        native_id=native_id,
        source=f"outlet {angle}",
        title=title if angle else None,
        text=f"{body} {ANGLES[angle]}",
        published=at,
        published_precision="time",
        url=None,
        language="en",
        version=None,
        version_created=None,
    )


class Wire:
    """Numbers items as dedup would: seqs with gaps, prev_seq the one before."""

    def __init__(self) -> None:
        self.prev_seq = -1
        self.words = 0

    def item(self, native_id: str | None, verdict: Verdict, body: Article | None = None, **more: Any) -> Annotated:
        seq = self.prev_seq + 1 + (self.prev_seq % 3 == 1)
        article_id = None if native_id is None else ids.article_id("wire", native_id)
        fields: dict[str, Any] = {
            "edition": 0,
            "seq": seq,
            "prev_seq": self.prev_seq,
            "article_id": article_id,
            "provider": None if native_id is None else "wire",
            "native_id": native_id,
            "verdict": verdict,
            "reason": "test",
            "event_time": None if body is None else body.published,
            "copy_group": article_id,
            "article": body,
        }
        self.prev_seq = seq
        return Annotated(**(fields | more))

    def new(self, native_id: str, event: int, angle: int = 1, hours: float = 0.0, **more: Any) -> Annotated:
        return self.item(native_id, "new", article(native_id, event, angle, START + timedelta(hours=hours)), **more)

    def update(self, native_id: str, event: int, angle: int = 1, hours: float = 0.0, **more: Any) -> Annotated:
        return self.item(native_id, "update", article(native_id, event, angle, START + timedelta(hours=hours)), **more)

    def copy(self, native_id: str, of: str, event: int, hours: float = 0.0, **more: Any) -> Annotated:
        source = ids.article_id("wire", of)
        body = article(native_id, event, 1, START + timedelta(hours=hours))
        fields: dict[str, Any] = {"copy": Copy(of=source, kind="near", why={"jaccard": 0.9}), "copy_group": source}
        return self.item(native_id, "copy", body, **(fields | more))

    def word(self, kind: WordKind, **said: Any) -> Annotated:
        """An editor's word; each is another word, even when it says the same."""
        self.words += 1
        note = said.pop("note", f"word {self.words}")
        word = make(kind, by="anna", at=START, note=note, **said)
        return self.item(None, "word", word=word)

    def kill(self, native_id: str, **more: Any) -> Annotated:
        return self.item(native_id, "kill", **more)


def aid(native_id: str) -> str:
    return ids.article_id("wire", native_id)

"""A ledger's state as bytes, so that a restart need not fold the whole log.

The bytes are a function of the state alone: two ledgers with equal states have equal bytes, however they came there.
What follows from the rest (postings, groups, queues) is not written but made again.
"""

from __future__ import annotations

from datetime import datetime
from sys import intern

import msgspec

from pipeline.incidents.decision import Floor, Mark, Ruling, Watermark
from pipeline.incidents.entry import Entry
from pipeline.incidents.profile import Profile
from pipeline.incidents.state import State

FORMAT = 3
"""Of the bytes; a change to what the state keeps of an article, or how, makes it another."""


class _Article(msgspec.Struct, array_like=True, gc=False):
    """An `Entry`; `indexed` is its vector in the index, with words numbered as in the snapshot."""

    article_id: str
    seq: int
    placed_seq: int
    assigned_seq: int
    time: datetime
    event_time: datetime | None  # None: the same as `time`
    incident_id: str | None
    scored: bool
    copy_of: str | None
    copy_group: str | None  # None: its own
    outlet: str
    stowed: bytes
    vector: bytes | None
    indexed: bytes | None
    profile: Profile | None


class _Snapshot(msgspec.Struct, array_like=True):
    last_seq: int
    watermark: Watermark
    floor: Floor | None
    words: list[str]
    articles: list[_Article]
    marks: list[Mark]
    rulings: list[tuple[int, Ruling]]
    effects: list[tuple[str, str, str]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Snapshot)


def dump(state: State) -> bytes:
    """The state as bytes; takes about 10 microseconds an article."""
    words, vectors = state.index.export()
    return _encoder.encode(
        _Snapshot(
            last_seq=state.last_seq,
            watermark=state.watermark,
            floor=state.floor,
            words=words,
            articles=[_article(e, vectors.get(e.seq)) for _, e in sorted(state.by_seq.items())],
            marks=[mark for _, mark in sorted(state.marks.items())],
            rulings=state.rulings.items(),
            effects=sorted((*effect, key) for effect, key in state.effects.holders().items()),
        )
    )


def load(data: bytes, state: State) -> None:
    """Put what `dump` gave into an empty state.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        found = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot of a ledger: {error}") from None
    # Ids stand in many places: once in memory is enough.
    ids = {mark.incident_id: mark.incident_id for mark in found.marks}
    entries = [_entry(article, ids) for article in found.articles]
    ids |= {entry.article_id: entry.article_id for entry in entries}
    state.index.fill(found.words, {a.seq: a.indexed for a in found.articles if a.indexed is not None})
    for mark in found.marks:
        state.put_mark(mark)
    for seq, ruling in found.rulings:
        state.rulings.put(seq, ruling)
    state.fill(entries)
    for kind, name, key in found.effects:
        state.effects.hold((intern(kind), ids.get(name, name)), ids.get(key, key))
    state.last_seq, state.watermark, state.floor = found.last_seq, found.watermark, found.floor


def _article(entry: Entry, indexed: bytes | None) -> _Article:
    return _Article(
        article_id=entry.article_id,
        seq=entry.seq,
        placed_seq=entry.placed_seq,
        assigned_seq=entry.assigned_seq,
        time=entry.time,
        event_time=None if entry.event_time == entry.time else entry.event_time,
        incident_id=entry.incident_id,
        scored=entry.scored,
        copy_of=entry.copy_of,
        copy_group=None if entry.copy_group == entry.article_id else entry.copy_group,
        outlet=entry.outlet,
        stowed=entry.stowed,
        vector=entry.vector,
        indexed=indexed,
        profile=entry.profile,
    )


def _entry(article: _Article, ids: dict[str, str]) -> Entry:
    entry = Entry.__new__(Entry)
    entry.article_id = article.article_id
    entry.seq = article.seq
    entry.placed_seq = article.placed_seq
    entry.assigned_seq = article.assigned_seq
    entry.time = article.time
    entry.event_time = article.time if article.event_time is None else article.event_time
    entry.incident_id = None if article.incident_id is None else ids.get(article.incident_id, article.incident_id)
    entry.scored = article.scored
    entry.copy_of = article.copy_of
    entry.copy_group = article.article_id if article.copy_group is None else article.copy_group
    entry.outlet = intern(article.outlet)
    entry.stowed = article.stowed
    entry.vector = article.vector
    entry.profile = None if article.profile is None else article.profile.shared()
    return entry

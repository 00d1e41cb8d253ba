"""The articles that are remembered: a function of the newest record of each, whatever order they came in.

One article is one `bytes` object (about 500 bytes), so that a million of them cost little more than their sketches.
"""

from __future__ import annotations

import heapq
import struct
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.dedup.compare import Text
from pipeline.dedup.decision import Memory, Move
from pipeline.dedup.overlap import Several
from pipeline.dedup.sketch import U32, Sketch
from pipeline.dedup.versions import Status

NEVER = (1 << 63) - 1
"""Stands for "no time" where times are ordered: later than all."""

_STATUS: tuple[Status, ...] = ("usable", "withheld", "canceled")
# article, group, content, exact, seq, version_created, published, origin, since, which of them and of the version are
# None, status, bound, shingles, words; number of hashes, figures, headline words. These follow, and then the version,
# where there is one: few wires have it.
_HEAD = struct.Struct("<16s16s16s12sqqqqqBBqIIHHH")
_HASHES = _HEAD.size
# Parts of it that are often needed alone, and where they stand: since, and which are None; bound to number of headline
# words; origin to which are None; article, exact, origin and which are None.
_SINCE, _SINCE_AT = struct.Struct("<qB"), struct.calcsize("<16s16s16s12sqqqq")
_TEXT, _TEXT_AT = struct.Struct("<qIIHHH"), struct.calcsize("<16s16s16s12sqqqqqBB")
_TEXT_FIELDS = np.dtype("<i8, <u4, <u4, <u2, <u2, <u2")
# Where the same stands in an article taken for uint16.
_TEXT_CELLS = np.arange(_TEXT_AT >> 1, _HASHES >> 1)
_IDENTITY = struct.Struct("<16s32x12s24xq8xB")
_HASHES_AT = struct.calcsize("<16s16s16s12sqqqqqBBqII")
_ORIGIN, _ORIGIN_AT = struct.Struct("<qqB"), struct.calcsize("<16s16s16s12sqqq")
_PACKED = np.dtype("<u4")
_IS_LITTLE = sys.byteorder == "little"
_NOTHING = bytes(16)
_NO_ORIGIN, _NO_SINCE, _NO_VERSION = 4, 8, 16
_VERSION_BYTES = 16
_KEY = (1 << 128) - 1
_VERSION_MOST = (1 << 127) - 1


@dataclass(slots=True)
class Entry:
    """One remembered article: `Memory`, unpacked. Times are microseconds since 1970."""

    article_id: str
    group: str | None
    content: str | None
    exact: str
    seq: int
    version: int | None
    version_created: int | None
    published: int | None
    origin: int | None
    since: int | None
    status: Status
    _packed: bytes

    @property
    def text(self) -> Text:
        """What the close comparison needs of it."""
        return _text(self._packed)

    @property
    def rank(self) -> tuple[int, str]:
        """Place in the total order of origins: first published, then id; undated articles come last."""
        return (NEVER if self.origin is None else self.origin, self.article_id)


def _text(data: bytes) -> Text:
    bound, shingles, words, hashes, figures, headline = _TEXT.unpack_from(data, _TEXT_AT)
    after_hashes = _HASHES + 4 * hashes
    return Text(
        Sketch(np.frombuffer(data, _PACKED, hashes, _HASHES), bound, shingles, words),
        np.frombuffer(data, _PACKED, figures, after_hashes),
        np.frombuffer(data, _PACKED, headline, after_hashes + 4 * figures),
    )


def _packed_sketches(articles: Iterable[bytes]) -> list[bytes]:
    return [data[_HASHES : _HASHES + 4 * (data[_HASHES_AT] | data[_HASHES_AT + 1] << 8)] for data in articles]


def packed(hashes: U32) -> bytes:
    """Hashes as little-endian uint32."""
    return hashes.tobytes() if _IS_LITTLE else hashes.astype(_PACKED).tobytes()


def _pack(key: bytes, article_id: str, seq: int, m: Memory) -> bytes:
    group = m.group
    absent = 0 if m.version_created is not None else 1
    if m.published is None:
        absent |= 2
    if m.origin is None:
        absent |= _NO_ORIGIN
    if m.since is None:
        absent |= _NO_SINCE
    if m.version is None:
        absent |= _NO_VERSION
    if group is None:
        absent |= 32
    if m.content is None:
        absent |= 64
    head = _HEAD.pack(
        key,
        key if group == article_id else _NOTHING if group is None else bytes.fromhex(group),
        _NOTHING if m.content is None else bytes.fromhex(m.content),
        bytes.fromhex(m.exact),
        seq,
        m.version_created or 0,
        m.published or 0,
        m.origin or 0,
        m.since or 0,
        absent,
        _STATUS.index(m.status),
        m.bound,
        m.shingles,
        m.words,
        len(m.signature) // 4,
        len(m.figures) // 4,
        len(m.headline) // 4,
    )
    return b"".join((head, m.signature, m.figures, m.headline, b"" if m.version is None else _version(m.version)))


def _version(version: int) -> bytes:
    return max(-_VERSION_MOST, min(_VERSION_MOST, version)).to_bytes(_VERSION_BYTES, "little", signed=True)


def _unpack(data: bytes) -> Entry:
    (
        article_id,
        group,
        content,
        exact,
        seq,
        version_created,
        published,
        origin,
        since,
        absent,
        status,
        *_,
    ) = _HEAD.unpack_from(data)
    return Entry(
        article_id.hex(),
        None if absent & 32 else group.hex(),
        None if absent & 64 else content.hex(),
        exact.hex(),
        seq,
        None if absent & _NO_VERSION else int.from_bytes(data[-_VERSION_BYTES:], "little", signed=True),
        None if absent & 1 else version_created,
        None if absent & 2 else published,
        None if absent & _NO_ORIGIN else origin,
        None if absent & _NO_SINCE else since,
        _STATUS[status],
        data,
    )


class Remembered:
    """Entries by article id, bounded in event time and number. A slot is a small number that stands for an article.

    Args:
        ttl: microseconds.
        max_entries: the oldest are forgotten beyond this.
    """

    def __init__(self, ttl: int, max_entries: int) -> None:
        self._ttl = ttl
        self._max = max_entries
        self._slot_of: dict[bytes, int] = {}
        self._packed: list[bytes] = []
        self._moves: dict[int, tuple[Move, ...]] = {}
        self._free: list[int] = []
        self._left: list[int] = []
        # (since, article id) in one integer each: smallest is forgotten first.
        self._oldest: list[int] = []
        self.evicted: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._slot_of)

    def slot_of(self, article_id: str) -> int | None:
        return self._slot_of.get(bytes.fromhex(article_id))

    def at(self, slot: int) -> Entry:
        return _unpack(self._packed[slot])

    def is_taken(self, slot: int) -> bool:
        """False when the article that the slot stood for was forgotten or remembered anew."""
        return bool(self._packed[slot])

    def identity_at(self, slot: int) -> tuple[bytes, bytes, int | None]:
        """Article id and `exact` as bytes, and origin of an article: the part of `at` that tells most articles off."""
        key, exact, origin, absent = _IDENTITY.unpack_from(self._packed[slot])
        return key, exact, None if absent & _NO_ORIGIN else origin

    def text_at(self, slot: int) -> Text:
        """`Entry.text` of an article."""
        return _text(self._packed[slot])

    def packed_sketches_at(self, slots: Iterable[int]) -> list[bytes]:
        """Hashes of the sketches of many articles."""
        return _packed_sketches(map(self._packed.__getitem__, slots))

    def sketches_at(self, slots: Sequence[int]) -> Several:
        """The sketches of many articles."""
        every = [self._packed[slot] for slot in slots]
        # To take all of each at once costs least: hardly anything of it is in a cache, and most of it is sketch.
        told = b"".join(every)
        sizes = np.fromiter(map(len, every), np.int64, len(every))
        starts = np.cumsum(sizes) - sizes
        heads = np.frombuffer(told, "<u2").take((starts >> 1)[:, None] + _TEXT_CELLS).view(_TEXT_FIELDS)
        bounds, shingles, words, lengths = (heads[f"f{n}"].ravel().astype(np.int64) for n in range(4))
        at = np.repeat((starts + _HASHES >> 2) - np.cumsum(lengths) + lengths, lengths)
        at += np.arange(len(at))
        return Several(
            np.frombuffer(told, _PACKED).take(at),
            lengths,
            bounds,
            shingles,
            words,
        )

    def rank_at(self, slot: int) -> tuple[int, str]:
        """`Entry.rank` of an article."""
        data = self._packed[slot]
        origin, _, absent = _ORIGIN.unpack_from(data, _ORIGIN_AT)
        return (NEVER if absent & _NO_ORIGIN else origin, data[:16].hex())

    def get(self, article_id: str) -> Entry | None:
        slot = self.slot_of(article_id)
        return None if slot is None else self.at(slot)

    def moves(self, article_id: str) -> tuple[Move, ...]:
        slot = self.slot_of(article_id)
        return () if slot is None else self._moves.get(slot, ())

    def put(self, article_id: str, seq: int, memory: Memory) -> int:
        """Remember an article, in place of what was remembered of it before; returns its slot, always another one."""
        key = bytes.fromhex(article_id)
        data = _pack(key, article_id, seq, memory)
        old = self._slot_of.get(key)
        if old is not None:
            self._clear(old)
        if self._free:
            slot = self._free.pop()
            self._packed[slot] = data
        else:
            slot = len(self._packed)
            self._packed.append(data)
        self._slot_of[key] = slot
        if memory.moves:
            self._moves[slot] = memory.moves
        heapq.heappush(self._oldest, _age(key, memory.since))
        return slot

    def would_last(self, article_id: str, since: int | None, watermark: int | None) -> bool:
        """False when an article remembered now would be forgotten at once."""
        if since is not None and watermark is not None and since + self._ttl < watermark:
            return False
        if len(self._slot_of) < self._max or self.slot_of(article_id) is not None:
            return True
        oldest = self._next()
        return oldest is None or _age(bytes.fromhex(article_id), since) > oldest[1]

    def oldest_to_forget(self, watermark: int | None) -> tuple[int, str] | None:
        """Slot of the next article that is too old or too much, and why ("age", "size"); None when there is none."""
        if not self._oldest:
            return None
        late = watermark is not None and (self._oldest[0] >> 128) - NEVER + self._ttl < watermark
        if not late and len(self._slot_of) <= self._max:
            return None
        oldest = self._next()
        if oldest is None:
            return None
        if watermark is not None and (oldest[1] >> 128) - NEVER + self._ttl < watermark:
            return oldest[0], "age"
        return (oldest[0], "size") if len(self._slot_of) > self._max else None

    def _next(self) -> tuple[int, int] | None:
        """Slot and age of the oldest article."""
        while self._oldest:
            age = self._oldest[0]
            slot = self._slot_of.get((age & _KEY).to_bytes(16, "big"))
            if slot is not None and self._age_at(slot) == age:
                return slot, age
            # Forgotten already, or remembered anew with a later time.
            heapq.heappop(self._oldest)
        return None

    def _age_at(self, slot: int) -> int:
        data = self._packed[slot]
        since, absent = _SINCE.unpack_from(data, _SINCE_AT)
        return _age(data[:16], None if absent & _NO_SINCE else since)

    def forget(self, slot: int, reason: str) -> str:
        """Forget an article; returns its id."""
        key = self._packed[slot][:16]
        del self._slot_of[key]
        self._clear(slot)
        self.evicted[reason] += 1
        return key.hex()

    def _clear(self, slot: int) -> None:
        self._packed[slot] = b""
        self._moves.pop(slot, None)
        self._left.append(slot)

    def reuse_slots(self) -> None:
        """Let the slots that were left stand for other articles: until then whoever notes slots can tell they are."""
        self._free += self._left
        self._left.clear()


def _age(key: bytes, since: int | None) -> int:
    return ((NEVER if since is None else since) + NEVER << 128) | int.from_bytes(key, "big")

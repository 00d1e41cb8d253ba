"""An article's features as they lie in memory: compact, and quick to compare with many others at once.

Whatever is compared by equality (names, stems of the opening, persons, streets, ages, days) is a *token*: a 32-bit
checksum of its kind and itself. The tokens of many articles are joined and looked up in one step (`score.signals`). Two
different words have one token in one of four billion cases, and then on every machine alike.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from zlib import crc32

import msgspec
import numpy as np

from pipeline.incidents.decision import Features
from pipeline.incidents.index import WEIGHT_ONE

TOKEN = np.dtype([("token", "<u4"), ("weight", "<u2"), ("kind", "u1"), ("role", "u1")])
"""What an article says, by kind: NAME with its rarity as weight and PLACE or LEAD as role; OPENING, a stem of the title
or the lead, with its weight there and, as role, its weight in the title alone (HEADLINE_ONE stands for 1)."""

NAME, OPENING, PERSON, STREET, AGE, DAY = range(6)
PLACE, LEAD = 1, 2
HEADLINE_ONE = 255


class Profile(msgspec.Struct, array_like=True, gc=False):
    """Features of one remembered article, but for its words, which the index holds; see `Features` for their meaning.

    Attributes:
        seq: of the decision that the features came with; identifies the article version in the index.
        tokens: records of TOKEN, each token once.
        persons, streets, ages, days: how many of them `tokens` has.
        has_title, has_places, has_leads: whether there is any.
        opening_norm: as in `Features`.
        extent: how many stems the text has, MAX_WORDS at most.
        on: days that are spoken of, for comparing with `back`.
        crowd: how alike the article is to articles that are not its nearest (`match.crowd`); frozen like the weights.
    """

    seq: int
    tokens: bytes
    persons: int
    streets: int
    ages: int
    days: int
    has_title: bool
    has_places: bool
    has_leads: bool
    on: tuple[int, ...]
    back: tuple[int, ...]
    clocks: tuple[int, ...]
    killed: tuple[int, ...]
    wounded: tuple[int, ...]
    day: int | None
    scenes: int
    crowd: float
    opening_norm: float
    extent: int

    @classmethod
    def of(cls, seq: int, features: Features, crowd: float = 0.0) -> Profile:
        """The profile of the features of the decision `seq`."""
        return cls(
            seq=seq,
            tokens=_tokens(features),
            persons=len(features.persons),
            streets=len(features.addresses),
            ages=len(features.ages),
            days=len(features.days),
            has_title=any(features.headline_weights),
            has_places=bool(features.places),
            has_leads=bool(features.leads),
            on=features.days,
            back=features.back,
            clocks=features.clocks,
            killed=features.killed,
            wounded=features.wounded,
            day=features.day,
            scenes=features.scenes,
            crowd=crowd,
            opening_norm=features.opening_norm,
            extent=len(features.words),
        ).shared()

    @classmethod
    def read(cls, packed: bytes) -> Profile:
        """What `packed` gave."""
        return _decoder.decode(packed).shared()

    def packed(self) -> bytes:
        return _encoder.encode(self)

    def shared(self) -> Profile:
        """This profile, with one object for equal tuples and days of all articles: those of a day say the same days."""
        for name in _TUPLES:
            numbers = getattr(self, name)
            if numbers:
                setattr(self, name, _one(numbers))
        if self.day is not None:
            self.day = _one((self.day,))[0]
        return self


_TUPLES = ("on", "back", "clocks", "killed", "wounded")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)


def _tokens(features: Features) -> bytes:
    places, leads = frozenset(features.places), frozenset(features.leads)
    found: dict[int, int] = {}
    for name, rarity in zip(features.names, features.rarity, strict=True):
        role = PLACE * (name in places) + LEAD * (name in leads)
        found.setdefault(token(NAME, name), rarity << 32 | NAME << 48 | role << 56)
    words = features.words
    for n, weight, in_title in zip(features.opening, features.opening_weights, features.headline_weights, strict=True):
        role = round(in_title * HEADLINE_ONE / WEIGHT_ONE) if in_title else 0
        found.setdefault(token(OPENING, words[n]), weight << 32 | OPENING << 48 | role << 56)
    for kind, said in (
        (PERSON, features.persons),
        (STREET, features.addresses),
        (AGE, map(str, features.ages)),
        (DAY, map(str, features.days)),
    ):
        for one in said:
            found.setdefault(token(kind, one), kind << 48)
    # Each a record of TOKEN, as one little-endian integer.
    return struct.pack(f"<{len(found)}Q", *[key | rest for key, rest in found.items()])


@lru_cache(maxsize=1 << 16)
def token(kind: int, said: str) -> int:
    """What stands for something of a kind that an article says."""
    return crc32(f"{kind}{said}".encode())


@lru_cache(maxsize=4096)
def _one(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return numbers

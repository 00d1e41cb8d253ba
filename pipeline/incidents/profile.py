"""An article's features as they lie in memory: compact, and quick to compare with many others at once.

Whatever is compared by equality (names, stems of the title, persons, streets, ages, days) is a *token*: a 32-bit
checksum of its kind and itself. The tokens of many articles are joined and looked up in one step (`score.signals`). Two
different words have one token in one of four billion cases, and then on every machine alike.
"""

from __future__ import annotations

from functools import lru_cache
from zlib import crc32

import numpy as np

from pipeline.incidents.decision import Features

TOKEN = np.dtype([("token", "<u4"), ("weight", "<u2"), ("kind", "u1"), ("role", "u1")])
"""weight: rarity of a name, weight of a stem of the title; role: of a name, see PLACE and LEAD."""

NAME, TITLE, PERSON, STREET, AGE, DAY = range(6)
PLACE, LEAD = 1, 2


class Profile:
    """Features of one remembered article, but for its words, which the index holds; see `Features` for their meaning.

    Attributes:
        seq: of the decision that the features came with; identifies the article version in the index.
        tokens: records of TOKEN, each token once.
        persons, streets, ages, days: how many of them `tokens` has.
        has_title, has_places, has_leads: whether there is any.
        on: days that are spoken of, for comparing with `back`.
    """

    __slots__ = (
        "ages",
        "back",
        "clocks",
        "crowd",
        "day",
        "days",
        "has_leads",
        "has_places",
        "has_title",
        "killed",
        "on",
        "persons",
        "scenes",
        "seq",
        "streets",
        "tokens",
        "wounded",
    )

    def __init__(self, seq: int, features: Features) -> None:
        self.seq = seq
        self.tokens = _tokens(features)
        self.persons = len(features.persons)
        self.streets = len(features.addresses)
        self.ages = len(features.ages)
        self.days = len(features.days)
        self.has_title = bool(features.title)
        self.has_places = bool(features.places)
        self.has_leads = bool(features.leads)
        self.on = _one(features.days)
        self.back = _one(features.back)
        self.clocks = _one(features.clocks)
        self.killed = _one(features.killed)
        self.wounded = _one(features.wounded)
        self.day = None if features.day is None else _one((features.day,))[0]
        self.scenes = features.scenes
        self.crowd = features.crowd


def _tokens(features: Features) -> bytes:
    names, title = features.names, features.title
    places, leads = frozenset(features.places), frozenset(features.leads)
    rest = (*features.persons, *features.addresses, *map(str, features.ages), *map(str, features.days))
    kinds = bytes([NAME]) * len(names) + bytes([TITLE]) * len(title)
    for kind, said in (
        (PERSON, features.persons),
        (STREET, features.addresses),
        (AGE, features.ages),
        (DAY, features.days),
    ):
        kinds += bytes([kind]) * len(said)
    found = np.zeros(len(kinds), dtype=TOKEN)
    tokens = [token(kind, said) for kind, said in zip(kinds, (*names, *title, *rest), strict=True)]
    found["token"] = tokens
    found["weight"] = (*features.rarity, *features.title_weights, *(0,) * len(rest))
    found["kind"] = np.frombuffer(kinds, dtype=np.uint8)
    found["role"][: len(names)] = [PLACE * (n in places) + LEAD * (n in leads) for n in names]
    if len(set(tokens)) < len(tokens):
        found = found[np.sort(np.unique(found["token"], return_index=True)[1])]
    return found.tobytes()


@lru_cache(maxsize=1 << 16)
def token(kind: int, said: str) -> int:
    """What stands for something of a kind that an article says."""
    return crc32(f"{kind}{said}".encode())


@lru_cache(maxsize=4096)
def _one(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """One tuple for equal ones: articles of a day say the same days."""
    return numbers

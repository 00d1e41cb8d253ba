"""An article's features as they lie in memory: compact, and quick to compare."""

from __future__ import annotations

from array import array

from pipeline.incidents.decision import Features


class Profile:
    """Features of one remembered article.

    Attributes:
        seq: of the decision that the features came with; identifies the article version in the index.
        words, weights: parallel; heaviest first. The strings are shared with the index.
        names, rarity: parallel.
    """

    __slots__ = ("addresses", "ages", "back", "day", "days", "length", "names", "rarity", "seq", "weights", "words")

    def __init__(self, seq: int, features: Features) -> None:
        self.seq = seq
        self.words = features.words
        self.weights = array("H", features.weights)
        self.names = features.names
        self.rarity = array("H", features.rarity)
        self.ages = features.ages
        self.addresses = features.addresses
        self.days = features.days
        self.back = features.back
        self.day = features.day
        self.length = features.length

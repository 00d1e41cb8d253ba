"""An article's features as they lie in memory: compact, and quick to compare."""

from __future__ import annotations

from array import array
from sys import intern  # the same names and words lie in thousands of articles

from pipeline.incidents.decision import Features


class Profile:
    """Features of one remembered article, but for its words, which the index holds; see `Features` for their meaning.

    Attributes:
        seq: of the decision that the features came with; identifies the article version in the index.
    """

    __slots__ = (
        "addresses",
        "ages",
        "back",
        "clocks",
        "crowd",
        "day",
        "days",
        "killed",
        "leads",
        "names",
        "persons",
        "places",
        "rarity",
        "scenes",
        "seq",
        "title",
        "title_weights",
        "wounded",
    )

    def __init__(self, seq: int, features: Features) -> None:
        self.seq = seq
        self.title = tuple(map(intern, features.title))
        self.title_weights = array("H", features.title_weights)
        self.names = tuple(map(intern, features.names))
        self.rarity = array("H", features.rarity)
        self.places = tuple(map(intern, features.places))
        self.persons = tuple(map(intern, features.persons))
        self.leads = tuple(map(intern, features.leads))
        self.ages = features.ages
        self.addresses = tuple(map(intern, features.addresses))
        self.days = features.days
        self.back = features.back
        self.clocks = features.clocks
        self.killed = features.killed
        self.wounded = features.wounded
        self.day = features.day
        self.scenes = features.scenes
        self.crowd = features.crowd

"""One remembered article of the ledger."""

from __future__ import annotations

from datetime import datetime
from sys import intern
from typing import Any

from pipeline import codec
from pipeline.incidents.decision import Card, Decision, Features, Logged, Placement
from pipeline.incidents.profile import Profile
from pipeline.incidents.stowed import pack, read_said, unpack

Version = tuple[int, int]
"""Seqs of the decisions that an article's text and its place are of: with both, it is shown alike."""


class Entry:
    """One remembered article. What is only shown (card, reasons, what it says) is kept compressed.

    Attributes:
        seq: of its newest own decision.
        time: orders eviction and closing. event_time: as given.
        incident_id: None once the article was taken back; the entry then only carries effects.
        placed_seq: seq of the placement in force: its own decision's, or another article's.
        assigned_seq: seq of the decision that put it into its incident.
        profile: None when it was taken back.
        outlet: who carried it, folded; empty where the article does not say.
        vector: words and weights, compressed, while the article is not indexed; the index holds them otherwise.
    """

    __slots__ = (
        "article_id",
        "assigned_seq",
        "copy_group",
        "copy_of",
        "event_time",
        "incident_id",
        "outlet",
        "placed_seq",
        "profile",
        "scored",
        "seq",
        "stowed",
        "time",
        "vector",
    )

    def __init__(self, decision: Decision | Logged, profile: Profile | None = None) -> None:
        assert decision.article_id is not None
        assert decision.time is not None
        assert decision.event_time is not None
        self.article_id = decision.article_id
        self.seq = self.placed_seq = self.assigned_seq = decision.seq
        self.time = decision.time
        # Nearly always the same; once in memory is enough.
        self.event_time = decision.time if decision.event_time == decision.time else decision.event_time
        self.incident_id = decision.incident_id
        self.scored = decision.scored
        self.copy_of = decision.copy_of
        group = decision.copy_group
        self.copy_group = decision.article_id if group is None or group == decision.article_id else group
        kept = decision.kept
        self.profile = None if kept is None else profile or Profile.read(kept.profile)
        self.vector: bytes | None = None
        self.stowed = b"" if kept is None else kept.stowed
        self.outlet = "" if kept is None else intern(kept.outlet)

    @property
    def age_key(self) -> tuple[datetime, str]:
        return self.time, self.article_id

    @property
    def version(self) -> Version:
        return self.seq, self.placed_seq

    @property
    def is_round_up(self) -> bool:
        """Whether the article tells of many events."""
        return self.profile is not None and self.profile.scenes > 0

    def placement(self) -> Placement:
        """Where a live article stands now, as an effect that a later record can carry."""
        assert self.incident_id is not None
        return Placement(
            article_id=self.article_id,
            seq=self.placed_seq,
            incident_id=self.incident_id,
            assigned_seq=self.assigned_seq,
            copy_of=self.copy_of,
            copy_group=self.copy_group,
            why=self.read_why(),
        )

    def read(self) -> tuple[Card, dict[str, Any]]:
        """The card and the reasons of a live article."""
        card, why, _ = unpack(self.stowed)
        return codec.decode(card, Card), codec.decode_json(why)

    def read_why(self) -> dict[str, Any]:
        why: dict[str, Any] = codec.decode_json(unpack(self.stowed)[1])
        return why

    def read_said(self) -> Features:
        """What a live article says, without its words and title."""
        return read_said(unpack(self.stowed)[2])

    def put_why(self, why: dict[str, Any]) -> None:
        card, _, said = unpack(self.stowed)
        self.stowed = pack(card, codec.encode(why), said)

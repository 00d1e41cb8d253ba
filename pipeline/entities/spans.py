"""The entities of a document while rules change them."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.entities.rules import Match


class Spans:
    """The entities of a document while they are being changed."""

    def __init__(self, spans: Iterable[Match]) -> None:
        self.all: set[Match] = set()
        self._owner: dict[int, Match] = {}
        for m in spans:
            self.put(m)

    def below(self, m: Match) -> list[Match]:
        """The spans that share a token with a match."""
        return list(dict.fromkeys(self._owner[i] for i in range(m.start, m.end) if i in self._owner))

    def put(self, m: Match) -> None:
        """Add a span in place of all that it overlaps."""
        for other in self.below(m):
            self.all.discard(other)
            for i in range(other.start, other.end):
                del self._owner[i]
        self.all.add(m)
        self._owner.update(dict.fromkeys(range(m.start, m.end), m))

    def drop(self, m: Match) -> None:
        self.all.discard(m)
        for i in range(m.start, m.end):
            del self._owner[i]

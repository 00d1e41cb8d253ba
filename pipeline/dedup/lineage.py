"""Copy groups: which articles are one story, and which of them is its root.

A remembered article carries the group it was given when it was decided. When a group gets another root later, the
article that caused it carries the move (old root, new root, seq). Group of an article = its own group, followed
through the moves that are younger than its own record. So the groups are a function of the newest record of each
article, and no record ever needs to be written again because of another.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter

from pipeline.dedup.decision import Move
from pipeline.dedup.memory import Entry


class Groups:
    """Members of the copy groups, under re-rooting."""

    def __init__(self) -> None:
        # Moves by old root, sorted by seq.
        self._moves: dict[str, list[tuple[int, str]]] = {}
        # Old roots by new root, with the number of moves between the two.
        self._into: dict[str, Counter[str]] = {}
        # Remembered articles by the group their record says.
        self._labelled: dict[str, dict[str, Entry]] = {}

    def add(self, entry: Entry) -> None:
        for move in entry.memory.moves:
            insort(self._moves.setdefault(move.old, []), (move.seq, move.new))
            self._into.setdefault(move.new, Counter())[move.old] += 1
        if entry.memory.group is not None:
            self._labelled.setdefault(entry.memory.group, {})[entry.article_id] = entry

    def remove(self, entry: Entry) -> None:
        for move in entry.memory.moves:
            moves = self._moves[move.old]
            moves.remove((move.seq, move.new))
            if not moves:
                del self._moves[move.old]
            into = self._into[move.new]
            into[move.old] -= 1
            if not into[move.old]:
                del into[move.old]
            if not into:
                del self._into[move.new]
        group = entry.memory.group
        if group is not None:
            members = self._labelled[group]
            del members[entry.article_id]
            if not members:
                del self._labelled[group]

    def root(self, entry: Entry) -> str:
        """Id of the root of a remembered article's group, as things stand."""
        group, seq = entry.memory.group, entry.seq
        assert group is not None
        while True:
            for at, new in self._moves.get(group, ()):
                if at > seq:
                    group, seq = new, at
                    break
            else:
                return group

    def members(self, root: str) -> list[Entry]:
        """Remembered articles whose group has this root, in the total order of origins."""
        labels = [root]
        for label in labels:
            labels += [old for old in self._into.get(label, ()) if old not in labels]
        found = [e for label in labels for e in self._labelled.get(label, {}).values() if self.root(e) == root]
        return sorted(found, key=lambda e: e.rank)

    def needs(self, move: Move) -> bool:
        """True while a remembered article's group is found through this move."""
        return any(e.seq < move.seq for e in self._labelled.get(move.old, {}).values()) or any(
            at < move.seq for old in self._into.get(move.old, ()) for at, new in self._moves[old] if new == move.old
        )

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
from pipeline.dedup.remembered import Entry, Remembered


class Groups:
    """Members of the copy groups, under re-rooting.

    Args:
        remembered: the articles; a group of one is found there alone.
    """

    def __init__(self, remembered: Remembered) -> None:
        self._remembered = remembered
        # Moves by old root, sorted by seq.
        self._moves: dict[str, list[tuple[int, str]]] = {}
        # Old roots by new root, with the number of moves between the two.
        self._into: dict[str, Counter[str]] = {}
        # Articles with another article's group in their record, by that group.
        self._followers: dict[str, dict[str, int]] = {}

    def add(self, article_id: str, group: str | None, seq: int, moves: tuple[Move, ...]) -> None:
        """Take in what a record says."""
        for move in moves:
            insort(self._moves.setdefault(move.old, []), (move.seq, move.new))
            self._into.setdefault(move.new, Counter())[move.old] += 1
        if group is not None and group != article_id:
            self._followers.setdefault(group, {})[article_id] = seq

    def remove(self, article_id: str, group: str | None, moves: tuple[Move, ...]) -> None:
        """Undo `add`."""
        for move in moves:
            there = self._moves[move.old]
            there.remove((move.seq, move.new))
            if not there:
                del self._moves[move.old]
            into = self._into[move.new]
            into[move.old] -= 1
            if not into[move.old]:
                del into[move.old]
            if not into:
                del self._into[move.new]
        if group is not None and group != article_id:
            followers = self._followers[group]
            del followers[article_id]
            if not followers:
                del self._followers[group]

    def root(self, group: str, seq: int) -> str:
        """Root, as things stand, of the group that a record of this seq says."""
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
        found = []
        for label in labels:
            for article_id in (label, *self._followers.get(label, ())):
                entry = self._remembered.get(article_id)
                if entry is not None and entry.group == label and self.root(label, entry.seq) == root:
                    found.append(entry)
        return sorted(found, key=lambda e: e.rank)

    def needs(self, move: Move) -> bool:
        """True while a remembered article's group is found through this move."""
        if any(seq < move.seq for seq in self._followers.get(move.old, {}).values()):
            return True
        root = self._remembered.get(move.old)
        if root is not None and root.group == move.old and root.seq < move.seq:
            return True
        return any(
            at < move.seq for old in self._into.get(move.old, ()) for at, new in self._moves[old] if new == move.old
        )

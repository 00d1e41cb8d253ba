"""Editors' words as the ledger remembers them, by what they bind. `constraints` says what follows from them."""

from __future__ import annotations

from pipeline.incidents.decision import Ruling

MOST_UNDONE = 1_000
"""Undone words whose ids are remembered, the last: a second delivery of one of them does nothing."""

_LISTED = 50


class Rulings:
    """All words in force, and the ids of the last that were undone. A function of the newest record of each word."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Ruling]] = {}
        self._undone: dict[str, int] = {}
        self._about: dict[str, dict[str, None]] = {}
        self._holding: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        """Words in force."""
        return len(self._known) - len(self._undone)

    def items(self) -> list[tuple[int, Ruling]]:
        """Every remembered word with the seq that last changed it, in that order."""
        return sorted(self._known.values(), key=_seq)

    def get(self, word_id: str) -> Ruling | None:
        """A word, undone or not."""
        found = self._known.get(word_id)
        return None if found is None else found[1]

    def put(self, seq: int, ruling: Ruling) -> list[str]:
        """Remember a word, or that it was undone; returns the incidents that it was about before."""
        before = self.drop(ruling.word_id)
        self._known[ruling.word_id] = (seq, ruling)
        if ruling.undone:
            self._undone[ruling.word_id] = seq
            return before
        for incident_id in ruling.incidents:
            self._about.setdefault(incident_id, {})[ruling.word_id] = None
        for articles in ruling.held.values():
            for article_id in articles:
                self._holding.setdefault(article_id, {})[ruling.word_id] = None
        return before

    def drop(self, word_id: str) -> list[str]:
        """Forget a word; returns the incidents that it was about."""
        found = self._known.pop(word_id, None)
        self._undone.pop(word_id, None)
        if found is None:
            return []
        ruling = found[1]
        for incident_id in ruling.incidents:
            _remove(self._about, incident_id, word_id)
        for articles in ruling.held.values():
            for article_id in articles:
                _remove(self._holding, article_id, word_id)
        return list(ruling.incidents)

    def surplus(self, new: Ruling | None = None) -> list[Ruling]:
        """Undone words that there is no room for, the oldest.

        Args:
            new: a word that is about to be remembered.
        """
        added = new is not None and new.undone
        if len(self._undone) + added <= MOST_UNDONE:
            return []
        by_age = sorted((seq, w) for w, seq in self._undone.items() if new is None or w != new.word_id)
        return [self._known[w][1] for _, w in by_age[: max(0, len(by_age) + added - MOST_UNDONE)]]

    def is_about(self, incident_id: str) -> bool:
        """Whether a word in force names this very incident."""
        return incident_id in self._about

    def about(self, incident_ids: list[str]) -> list[tuple[int, Ruling]]:
        """Words in force that name any of the incidents, with their seqs, the oldest first."""
        found = {w: self._known[w] for i in incident_ids for w in self._about.get(i, ())}
        return sorted(found.values(), key=_seq)

    def holding(self, article_id: str) -> list[tuple[int, Ruling]]:
        """Words in force that hold an article in an incident, with their seqs, the oldest first."""
        return sorted((self._known[w] for w in self._holding.get(article_id, ())), key=_seq)


def _remove(table: dict[str, dict[str, None]], key: str, word_id: str) -> None:
    found = table.get(key)
    if found is not None:
        found.pop(word_id, None)
        if not found:
            del table[key]


def _seq(item: tuple[int, Ruling]) -> int:
    return item[0]

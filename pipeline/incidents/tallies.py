"""Running counts over the reports of an incident: what a record says of all of them, without reading them all again.

Each takes reports in (`sign` 1) and out (-1); the rows are a function of the reports that are in, not of how they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from pipeline.facts.places import fold
from pipeline.incidents.decision import Card
from pipeline.incidents.entry import Entry
from pipeline.incidents.publishers import Publishers

Rows = tuple[dict[str, Any], ...]


class Tally(Protocol):
    def count(self, seq: int, card: Card, sign: int) -> None: ...


T = TypeVar("T", bound=Tally)


class Running(Generic[T]):
    """A tally that follows a list of reports.

    Args:
        make: an empty tally.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._tally = make()
        self._counted: dict[int, Card] = {}

    def of(self, cards: Mapping[int, Card]) -> T:
        """The tally of these reports.

        Args:
            cards: by seq, ascending.
        """
        gone = self._counted.keys() - cards.keys()
        new = [seq for seq in cards if seq not in self._counted]
        # What is first named in which report counts, so that none may be put in before another.
        if new and new[0] < max(self._counted.keys() - gone, default=-1):
            self._tally, self._counted, gone, new = self._make(), {}, set(), list(cards)
        for seq in sorted(gone):
            self._tally.count(seq, self._counted.pop(seq), -1)
        for seq in new:
            self._counted[seq] = cards[seq]
            self._tally.count(seq, cards[seq], 1)
        return self._tally


class Days:
    """Votes for the day of the event: one for each day that a report names, another half for the one that it names
    first and for the one that it names most.
    """

    def __init__(self) -> None:
        self._votes: dict[str, float] = {}
        self._naming: Counter[str] = Counter()

    def count(self, seq: int, card: Card, sign: int) -> None:
        most = max(card.times, key=lambda t: t["count"], default=None)
        for position, time in enumerate(card.times):
            day = time["day"]
            # Halves are exact in binary, so that taking out is the reverse of putting in.
            self._votes[day] = self._votes.get(day, 0.0) + sign * (1.0 + 0.5 * (position == 0) + 0.5 * (time is most))
            self._naming[day] += sign
            if not self._naming[day]:
                del self._naming[day], self._votes[day]

    def winner(self) -> dict[str, Any] | None:
        """The day that most speak of: {"start", "end", "precision", "reports"}; ties go to the earlier."""
        if not self._votes:
            return None
        day = min(self._votes, key=lambda d: (-self._votes[d], d))
        return {"start": day, "end": day, "precision": "day", "reports": self._naming[day]}


class Places:
    """Places by the number of reports that name them.

    Args:
        one: folded spelling -> that of the place that it is another name of.
    """

    def __init__(self, one: Mapping[str, str]) -> None:
        self._one = one
        self._forms: dict[str, Counter[str]] = {}
        self._labels: dict[str, dict[int, str]] = {}
        """What the entities stage calls a place, by the seq of the report."""
        self._naming: Counter[str] = Counter()
        self._here: Counter[str] = Counter()
        self._telling = 0

    def count(self, seq: int, card: Card, sign: int) -> None:
        seen: dict[str, bool] = {}
        for place in card.places:
            spelling = fold(place["name"])
            key = self._one.get(spelling, spelling)
            self._forms.setdefault(key, Counter())[place["name"]] += sign
            if place["label"]:
                self._labels.setdefault(key, {}).setdefault(seq, place["label"])
            seen[key] = seen.get(key, False) or place["here"]
        for key, is_here in seen.items():
            self._naming[key] += sign
            self._here[key] += sign * is_here
            if sign < 0:
                self._labels.get(key, {}).pop(seq, None)
            if not self._naming[key]:
                del self._naming[key], self._here[key], self._forms[key]
                self._labels.pop(key, None)
        self._telling += sign * any(p["here"] for p in card.places)

    def rows(self) -> Rows:
        """{"name", "forms", "label", "role", "reports"}, those of the event first.

        The role is "event" where more than half of the reports that name a place of the event name this one as such, or
        where none is named so by more; else "mentioned".
        """
        most = max(self._here.values(), default=0)
        rows: list[dict[str, Any]] = []
        for key, forms in self._forms.items():
            ordered = sorted(((t, n) for t, n in forms.items() if n), key=lambda x: (-x[1], x[0]))
            here = self._here[key]
            rows.append(
                {
                    "name": ordered[0][0],
                    "forms": [{"text": text, "count": count} for text, count in ordered],
                    "label": next(iter(self._labels.get(key, {}).values()), None),
                    "role": "event" if here and (here == most or 2 * here > self._telling) else "mentioned",
                    "reports": self._naming[key],
                }
            )
        rows.sort(key=lambda r: (r["role"], -r["reports"], r["name"]))
        return tuple(rows)


class Languages:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, seq: int, card: Card, sign: int) -> None:
        if card.language:
            self._counts[card.language] += sign

    def rows(self) -> Rows:
        """{"language", "reports"}, the most frequent first."""
        ordered = sorted(((name, n) for name, n in self._counts.items() if n), key=lambda x: (-x[1], x[0]))
        return tuple({"language": language, "reports": count} for language, count in ordered)


class Origins:
    """Number of reports that may have been written independently: copies and one publisher's own reports count once.

    A round-up repeats what others have reported: it counts only where there is nothing else.
    """

    def __init__(self, publishers: Publishers) -> None:
        self._publishers = publishers
        self._counted: list[tuple[int, int]] = []
        self._parent: dict[tuple[str, str], tuple[str, str]] = {}
        self._number = 0

    def of(self, entries: Sequence[Entry]) -> int:
        """The number for these reports; quick where they are those of the last call and some more."""
        entries = [e for e in entries if not e.is_round_up] or entries
        versions = [e.version for e in entries]
        known = len(self._counted)
        if versions[:known] != self._counted:
            self._parent, self._number, known = {}, 0, 0
        for entry in entries[known:]:
            self._add(entry)
        self._counted = versions
        return self._number

    def _add(self, entry: Entry) -> None:
        group = ("group", entry.copy_group)
        if group not in self._parent:
            self._number += 1
        mine = self._root(group)
        # A copy says nothing about who wrote the original: outlets that run the same agency story are not one.
        if entry.outlet and entry.copy_of is None:
            publisher = self._publishers.get(entry.outlet)
            origin = ("source", entry.outlet) if publisher is None else ("publisher", publisher)
            is_new = origin not in self._parent
            other = self._root(origin)
            if other != mine:
                self._parent[other] = mine
                self._number -= not is_new  # of two sets that each have a report, one is left

    def _root(self, key: tuple[str, str]) -> tuple[str, str]:
        while self._parent.setdefault(key, key) != key:
            key = self._parent[key]
        return key

"""The title of an incident: the headline of its most central report, cleaned."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.incidents.decision import Card
from pipeline.incidents.entry import Entry
from pipeline.incidents.index import Index
from pipeline.text.headlines import clean

COMPARED = 24
"""Reports that the centre is sought among: the first ones, so that the title does not wander for ever."""


class Centre:
    """Which reports of one incident are most like all others; remembers how alike each two are."""

    def __init__(self) -> None:
        self._alike: dict[int, dict[int, float]] = {}

    def order(self, entries: Sequence[Entry], index: Index) -> list[int]:
        """Positions of the reports, the one most like all others first; ties to the earlier, copies last."""
        speaking = [n for n, e in enumerate(entries) if e.seq in index][:COMPARED]
        seqs = [entries[n].seq for n in speaking]
        total = dict.fromkeys(speaking, 0.0)
        if len(speaking) > 2:
            self._compare(seqs, index)
            for n in speaking:
                alike = self._alike[entries[n].seq]
                # Rounded, because two reports may be equally central but for the last bit of a sum.
                total[n] = round(sum([alike[seq] for seq in seqs]), 6)
        rest = [n for n in range(len(entries)) if n not in total]
        return sorted(speaking, key=lambda n: (-total[n], n)) + rest

    def _compare(self, seqs: Sequence[int], index: Index) -> None:
        """Make the table that of these articles."""
        alike = self._alike
        for gone in alike.keys() - set(seqs):
            del alike[gone]
            for row in alike.values():
                del row[gone]
        for seq in seqs:
            if seq not in alike:
                others = [*alike, seq]
                alike[seq] = dict(zip(others, index.cosines(index.lookup_of(seq), others), strict=True))
                for other in others:
                    alike[other][seq] = alike[seq][other]


def title_of(entries: Sequence[Entry], cards: Sequence[Card], index: Index, centre: Centre) -> str | None:
    """The cleaned headline of the most central report; a sentence where no report has a headline."""
    order = centre.order(entries, index)
    for position in order:
        title = cards[position].title
        if title and (cleaned := clean(title)):
            return cleaned
    return next((cards[p].lead for p in order if cards[p].lead), None)

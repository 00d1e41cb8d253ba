"""The title of an incident: the headline of its most central report, cleaned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.incidents.decision import Card
from pipeline.incidents.entry import Entry
from pipeline.incidents.index import Index

COMPARED = 24
"""Reports that the centre is sought among: the first ones, so that the title does not wander for ever."""

_LABEL = re.compile(r"^(?:UPDATED?|BREAKING|WATCH|VIDEO|PHOTOS?|EXCLUSIVE|LIVE)(?:\s*\d+)?\s*[:|-]\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s+(?:\||-|–|—|::|»)\s+")
_LEAST_WORDS = 4
_MOST_OUTLET_WORDS = 8


def title_of(entries: Sequence[Entry], cards: Sequence[Card], index: Index) -> str | None:
    """The cleaned headline of the most central report; a sentence where no report has a headline."""
    order = by_centrality(entries, index)
    for position in order:
        title = cards[position].title
        if title and clean(title):
            return clean(title)
    return next((cards[p].lead for p in order if cards[p].lead), None)


def by_centrality(entries: Sequence[Entry], index: Index) -> list[int]:
    """Positions of the reports, the one most like all others first; ties to the earlier, copies last."""
    speaking = [n for n, e in enumerate(entries) if e.seq in index][:COMPARED]
    seqs = [entries[n].seq for n in speaking]
    total = dict.fromkeys(speaking, 0.0)
    for n in speaking if len(speaking) > 2 else []:
        # Rounded, because two reports may be equally central but for the last bit of a sum.
        total[n] = round(sum(index.cosines(index.lookup_of(entries[n].seq), seqs)), 6)
    rest = [n for n in range(len(entries)) if n not in total]
    return sorted(speaking, key=lambda n: (-total[n], n)) + rest


def clean(title: str) -> str:
    """A headline without the outlet's name behind it and labels before it ("UPDATE: ... | Osk Gazette")."""
    title = " ".join(_LABEL.sub("", title.strip()).split())
    while True:
        separators = list(_SEPARATOR.finditer(title))
        if not separators:
            return title
        head, tail = title[: separators[-1].start()], title[separators[-1].end() :]
        if len(head.split()) < _LEAST_WORDS or len(tail.split()) > _MOST_OUTLET_WORDS:
            return title
        title = head

"""One label for one name in a text: what the tagger took for a person here and an organisation there."""

from __future__ import annotations

from collections import Counter

from spacy.tokens import Doc

from pipeline.entities.gazetteer import Gazetteer
from pipeline.entities.given_names import is_given_name
from pipeline.entities.names import without_title
from pipeline.entities.rules import Match
from pipeline.entities.spans import Spans

_NAMES = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC"})


def settle_labels(doc: Doc, spans: Spans, known: Gazetteer) -> None:
    """Give a name of several words the label that it has most often in the text, and given names that of their person.

    Names that are known keep theirs, and so do single words: "Jordan" may be two in one text. An organisation may bear
    its founder's given name.
    """
    written: dict[str, list[Match]] = {}
    given: set[str] = set()
    for m in sorted(spans.all, key=lambda m: m.start):
        if m.label not in _NAMES:
            continue
        text = doc[m.start : m.end].text
        if m.end - m.start > 1:
            written.setdefault(text, []).append(m)
        if m.label == "PERSON":
            first, _, rest = without_title(text)[1].partition(" ")
            if rest and is_given_name(first.lower()):
                given.add(first)
    for text, alike in written.items():
        label = _settled(text, Counter(m.label for m in alike)) if len(alike) > 1 else None
        if label is not None and known.find(text) is None:
            for m in alike:
                if m.label != label:
                    spans.put(Match(m.start, m.end, label, 0))
    for m in list(spans.all):
        text = doc[m.start].text
        if m.end - m.start == 1 and m.label in ("GPE", "LOC") and text in given and known.find(text) is None:
            spans.put(Match(m.start, m.end, "PERSON", 0))


def _settled(text: str, labels: Counter[str]) -> str | None:
    """The label of most; None: no telling. The first word names a person, the last a facility."""
    if labels["FAC"]:
        return None
    (label, most), *others = labels.most_common()
    if not others or most > others[0][1]:
        return label
    return "PERSON" if labels["PERSON"] == most and is_given_name(text.partition(" ")[0].lower()) else None

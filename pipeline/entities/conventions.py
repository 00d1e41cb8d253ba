"""What the labels of other corpora mean in ours, and what of them we do not count as entities.

Our conventions: names and materiel, not pronouns or roles ("the Foreign Secretary", "rebels", "the city"); titles that
stand directly before a name belong to it; leading articles do not; a country is a GPE also where it acts; an air strike
is no weapon; an adjective of nationality is a NORP. meanings.py reads the single spans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.entities import meanings
from pipeline.entities.labels import LABELS
from pipeline.entities.meanings import PLACES, Labels, Names, Reader

_MERGED = {"ORG": "ORG", "UNIT": "ORG"} | dict.fromkeys(PLACES, "GPE+LOC+FAC") | {"DATE": "DATE", "TIME": "DATE"}
_MATERIEL = {"WEAPON": "WEAPON+PLATFORM", "PLATFORM": "WEAPON+PLATFORM"}
_NAMES = frozenset({"PERSON", "ORG", "UNIT", "GPE", "LOC", "FAC"})


@dataclass(frozen=True, slots=True)
class Convention:
    """How one family of corpora marks entities.

    Attributes:
        labels: every label that it uses.
        read: what a span of it means for us. The shipped weights depend on it, on `clear` and on `names`.
        marks: our labels that it marks wherever they occur; others may be found in its texts without being wrong.
        groups: our labels that it does not keep apart, under the name of their group.
        clear: as `read`, less what the corpus marks by slip, which is neither learnt nor compared. Default: `read`.
        names: the names within a marked span, where it marks more than names. Default: the whole of it.
        own: for each of its labels that ours tell apart too, the group of ours that it is scored as when nothing is
            read into it (`wirefuse evaluate entities --own-spans`).
        whole_words: it marks words from blank to blank, so it cannot mark the name in "U.S.-led".
    """

    name: str
    labels: frozenset[str]
    read: Reader
    marks: frozenset[str]
    groups: Mapping[str, str]
    clear: Reader | None = None
    names: Names | None = None
    own: Mapping[str, str] = field(default_factory=dict)
    whole_words: bool = False

    def meaning(self, text: str, start: int, end: int, label: str) -> list[tuple[int, int, Labels | None]]:
        """What a marked span is learnt and scored as: its names, each with the labels that it may have in ours."""
        marked = text[start:end]
        read = self.clear or self.read
        parts = [(0, len(marked))] if self.names is None else self.names(marked, label)
        return [(start + a, start + b, read(marked[a:b], label)) for a, b in parts]

    def namesake(self, label: str) -> str | None:
        """The label of ours that stands for one of its labels by name alone, or None: none does."""
        group = self.own.get(label)
        return None if group is None else next(ours for ours in LABELS if group in (ours, self.groups.get(ours)))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONVENTIONS: tuple[Convention, ...] = (
    Convention("wirefuse", frozenset(LABELS), meanings.wirefuse, frozenset(LABELS), {}),
    Convention(
        "gmb",
        _words("geo gpe per org tim eve nat art"),
        meanings.gmb,
        _NAMES | {"NORP", "DATE", "TIME"},
        _MERGED,
        clear=meanings.gmb_clear,
        names=meanings.gmb_names,
        own={"per": "PERSON", "org": "ORG", "geo": "GPE+LOC+FAC", "gpe": "NORP", "tim": "DATE", "eve": "EVENT"},
        whole_words=True,
    ),
    Convention(
        "re3d",
        _words(
            "Organisation Person Location Temporal Quantity Weapon MilitaryPlatform DocumentReference Nationality "
            "Money Vehicle CommsIdentifier Frequency"
        ),
        meanings.re3d,
        _NAMES | {"DATE", "TIME", "MONEY", "QUANTITY", "WEAPON", "PLATFORM"},
        _MERGED | _MATERIEL,
        clear=meanings.re3d_clear,
        names=meanings.re3d_names,
        own={
            "Person": "PERSON",
            "Organisation": "ORG",
            "Location": "GPE+LOC+FAC",
            "Temporal": "DATE",
            "Nationality": "NORP",
            "Money": "MONEY",
            "Quantity": "QUANTITY",
            "Weapon": "WEAPON+PLATFORM",
            "MilitaryPlatform": "WEAPON+PLATFORM",
            "Vehicle": "WEAPON+PLATFORM",
        },
    ),
    Convention(
        "gum",
        _words("person place organization abstract time event object substance animal plant"),
        meanings.gum,
        _NAMES,
        _MERGED,
    ),
    Convention(
        "coarse",
        _words("PER ORG LOC MISC person politician organisation politicalparty country location election event misc"),
        meanings.coarse,
        _NAMES,
        _MERGED,
    ),
    Convention(
        "wikievents",
        _words("PER ORG GPE LOC FAC WEA VEH VAL TTL ABS"),
        meanings.wikievents,
        _NAMES | {"WEAPON", "PLATFORM"},
        {"ORG": "ORG", "UNIT": "ORG"},
        own={
            "PER": "PERSON",
            "ORG": "ORG",
            "GPE": "GPE",
            "LOC": "LOC",
            "FAC": "FAC",
            "WEA": "WEAPON",
            "VEH": "PLATFORM",
        },
    ),
)


def mapped(table: Mapping[str, str | None]) -> Convention:
    """The convention of a corpus that we do not know, from a table of what its labels are in ours (None: not compared).

    A label mapped to GPE, LOC or FAC may be any of them, and ORG may be a UNIT, unless the table tells them apart.
    """
    ours = frozenset(label for label in table.values() if label is not None)
    groups: dict[str, str] = {}
    if len(ours & set(PLACES)) == 1:
        groups |= dict.fromkeys(PLACES, "GPE+LOC+FAC")
    if "ORG" in ours and "UNIT" not in ours:
        groups |= {"ORG": "ORG", "UNIT": "ORG"}

    def read(text: str, label: str) -> Labels | None:
        mine = table[label]
        if mine is None:
            return ()
        group = groups.get(mine, mine)
        return (mine, *(k for k, g in groups.items() if g == group and k != mine))

    marks = ours | {k for k, g in groups.items() if g in {groups.get(label, label) for label in ours}}
    own = {theirs: groups.get(mine, mine) for theirs, mine in table.items() if mine is not None}
    return Convention("mapped", frozenset(table), read, marks, groups, own=own)


def convention_of(labels: Iterable[str]) -> Convention:
    """The first convention that has all the given labels.

    Raises:
        ValueError: none has.
    """
    wanted = set(labels)
    for convention in CONVENTIONS:
        if wanted <= convention.labels:
            return convention
    known = "; ".join(f"{c.name}: {' '.join(sorted(c.labels))}" for c in CONVENTIONS)
    example = ",".join(f"{label}=" for label in sorted(wanted))
    raise ValueError(
        f"no known convention has the labels {' '.join(sorted(wanted))}. Say what each is in ours, or nothing "
        f'where it is not to be compared: --labels "{example}". Known: {known}'
    )


def convention(name: str) -> Convention:
    """A convention by name."""
    return next(c for c in CONVENTIONS if c.name == name)

"""Places that a text names: from the entities where there are any, else from capitals and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.facts.names import names_of
from pipeline.records import Entity

_LABELS = frozenset({"GPE", "LOC", "FAC"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a text: `text[start:end]`.

    Attributes:
        label: GPE (town, region, country), LOC (other land or water) or FAC (built), where an entity says so.
    """

    start: int
    end: int
    label: str | None


def places(text: str, entities: Iterable[Entity] = ()) -> Iterator[Place]:
    """Places named in a text, in order."""
    known = list(entities)
    of_entities = [Place(e.start, e.end, e.label) for e in known if e.label in _LABELS]
    # Where the model has seen any entity at all, what it has not called a place is none.
    guessed = [] if known else [Place(n.start, n.end, None) for n in names_of(text) if n.kind == "place"]
    yield from sorted(of_entities + guessed, key=lambda p: (p.start, p.end))


def fold(name: str) -> str:
    """One form for the spellings of a place: "Al-Omar" and "al Omar" are the same."""
    return " ".join(name.replace("-", " ").replace("’", "'").removesuffix("'s").casefold().split())

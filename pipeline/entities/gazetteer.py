"""Names that are known beforehand: those that ship, and a user's own `aliases.toml`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.entities.classes import lines
from pipeline.entities.labels import LABELS
from pipeline.entities.names import normalise
from pipeline.errors import SettingsError
from pipeline.toml_file import read_toml


@dataclass(frozen=True, slots=True)
class Name:
    """One known thing: its canonical name, its type, and every form it is written in (the canonical one first)."""

    canonical: str
    label: str
    forms: tuple[str, ...]


def _shipped() -> Iterator[Name]:
    for line in lines("gazetteer.txt"):
        label, canonical, others, *people = line.split("|")
        forms = (canonical, *(f for f in others.split(",") if f))
        # A comma inside a name ("Washington, D.C.") never occurs in the list of other forms.
        yield Name(canonical, label, tuple(dict.fromkeys(forms)))
        adjectives = [f for part in people for f in part.split(",") if f]
        if adjectives:
            yield Name(adjectives[0], "NORP", tuple(dict.fromkeys(adjectives)))


_KEYS = ("name", "label", "forms")


def load_aliases(path: Path) -> tuple[Name, ...]:
    """Read a user's names: TOML tables `[[name]]` with `name`, `label` and `forms`.

    Raises:
        SettingsError: unreadable file, unknown label, missing or unknown key.
    """
    tree = read_toml(path)
    tables = tree.pop("name", [])
    for other in tree:
        raise SettingsError(f"{path}: {other} means nothing here: write a table [[name]] for each name")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: write [[name]], in double brackets, above each name")
    found = []
    for n, table in enumerate(tables, 1):
        if unknown := sorted(table.keys() - _KEYS):
            raise SettingsError(f"{path}: [[name]] number {n}: {unknown[0]} means nothing; {', '.join(_KEYS)} do")
        name, label, forms = table.get("name"), table.get("label"), table.get("forms", [])
        if not isinstance(name, str) or not name.strip():
            raise SettingsError(f"{path}: [[name]] number {n}: `name` must be a text")
        if label not in LABELS:
            raise SettingsError(f"{path}: [[name]] {name}: `label` must be one of {', '.join(LABELS)}, not {label!r}")
        if not isinstance(forms, list) or not all(isinstance(f, str) and f.strip() for f in forms):
            raise SettingsError(f"{path}: [[name]] {name}: `forms` must be a list of texts")
        found.append(Name(name, label, tuple(dict.fromkeys([name, *forms]))))
    return tuple(found)


@lru_cache(maxsize=65536)
def _key(text: str) -> str:
    # "Islamic State of Iraq and Levant" lacks an article and nothing else.
    return normalise(text).replace(" the ", " ")


class Gazetteer:
    """Known names by form. A user's own names stand before the shipped ones."""

    def __init__(self, own: tuple[Name, ...] = ()) -> None:
        self.own = own
        self.names: tuple[Name, ...] = own + tuple(_shipped())
        self._by_form: dict[str, list[Name]] = {}
        for name in self.names:
            for form in name.forms:
                known = self._by_form.setdefault(_key(form), [])
                if name not in known:
                    known.append(name)

    def find(self, text: str) -> Name | None:
        """The known thing that a text names; where it names several, the one that stands first."""
        return next(iter(self.find_all(text)), None)

    def find_all(self, text: str) -> Sequence[Name]:
        """Every known thing that a text names, the user's own first."""
        return self._by_form.get(_key(text), ())


@lru_cache(maxsize=1)
def shipped() -> Gazetteer:
    """The gazetteer without a user's own names."""
    return Gazetteer()


def gazetteer(aliases: str) -> Gazetteer:
    """The gazetteer with the names of a user's file (the setting `entities.aliases`); "" is none.

    Raises:
        SettingsError: the file is wrong.
    """
    path = alias_path(aliases)
    return shipped() if path is None else Gazetteer(load_aliases(path))


def alias_path(aliases: str) -> Path | None:
    """The file that the setting `entities.aliases` names; None where it names none."""
    return Path(aliases).expanduser() if aliases else None


@lru_cache(maxsize=1)
def cities() -> tuple[str, ...]:
    """Names of cities of at least 50,000 people (GeoNames)."""
    return tuple(lines("cities.txt"))

"""Known names: those that ship, and a user's own file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.entities.annotator import Annotator
from pipeline.entities.gazetteer import Gazetteer, load_aliases, shipped
from pipeline.entities.labels import LABELS
from pipeline.entities.names import normalise
from pipeline.errors import SettingsError
from pipeline.records import Annotation
from pipeline.settings import Entities

from .articles import article

OWN = """
[[name]]
name = "Wolves of the Tarn"
label = "ORG"
forms = ["WOT", "Tarn Wolves"]
"""


@pytest.mark.parametrize(
    ("text", "canonical", "label"),
    [
        ("U.S.", "United States", "GPE"),
        ("the United States", "United States", "GPE"),
        ("Americans", "American", "NORP"),
        ("CENTCOM", "United States Central Command", "ORG"),
        ("Da’esh", "Islamic State", "ORG"),
        ("AL-HASAKAH", "Hasakah", "GPE"),
        ("Iran's", "Iran", "GPE"),
    ],
)
def test_known_forms(text: str, canonical: str, label: str) -> None:
    name = shipped().find(text)
    assert name is not None
    assert (name.canonical, name.label) == (canonical, label)


def test_shipped_names_are_sound() -> None:
    assert {n.label for n in shipped().names} <= set(LABELS)
    assert all(form.strip() == form and form for n in shipped().names for form in n.forms)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("al-Omar", "Al Omar"),
        ("the Pentagon’s", "Pentagon"),
        ("Côte d'Ivoire", "Cote d’Ivoire"),
        ("U.S.A.", "USA"),
        ("José Álvarez", "jose alvarez"),
    ],
)
def test_spellings_that_are_level(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_own_names_are_found_and_folded(tmp_path: Path) -> None:
    file = tmp_path / "aliases.toml"
    file.write_text(OWN)
    annotator = Annotator(Entities(aliases=str(file)))
    (found,) = annotator.annotate([article("Fighters of WOT met; the Tarn Wolves left Oslo.")])
    assert isinstance(found, Annotation)
    ids = {e.text: e.entity_id for e in found.entities if e.label == "ORG"}
    assert set(ids) == {"WOT", "Tarn Wolves"}
    assert len(set(ids.values())) == 1


def test_own_names_stand_before_the_shipped_ones(tmp_path: Path) -> None:
    file = tmp_path / "aliases.toml"
    file.write_text('[[name]]\nname = "Immigration Service"\nlabel = "ORG"\nforms = ["IS"]\n')
    name = Gazetteer(load_aliases(file)).find("IS")
    assert name is not None
    assert name.canonical == "Immigration Service"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[name]]\nlabel = 'ORG'", "`name` must be a text"),
        ("[[name]]\nname = 'X'\nlabel = 'GANG'", "`label` must be one of PERSON, ORG"),
        ("[[name]]\nname = 'X'\nlabel = 'ORG'\nforms = 'Y'", "`forms` must be a list"),
        ("[[name]]\nname = 'X'\nlabel = 'ORG'\nform = ['Y']", "number 1: form means nothing"),
        ("[[names]]\nname = 'X'\nlabel = 'ORG'", "names means nothing here"),
        ("[name]\nname = 'X'\nlabel = 'ORG'", "in double brackets"),
        ("name = 'X'", "in double brackets"),
        ("[[name", "not TOML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "aliases.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=message):
        Annotator(Entities(aliases=str(file)))


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Annotator(Entities(model="rules", aliases="/nowhere/aliases.toml"))

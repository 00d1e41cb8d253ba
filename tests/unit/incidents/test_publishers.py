"""Outlets of one publisher are one origin, as far as a user's table says so; and an incident's languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.publishers import load_publishers
from pipeline.records import Annotated, IncidentRecord
from pipeline.settings import Incidents

from .wire import Wire

TABLE = '[[publisher]]\nname = "Norr Media"\noutlets = ["Outlet 1", "OUTLET 2"]\n'


def told(settings: Incidents, languages: tuple[str | None, ...] = ("en", "en", "en")) -> IncidentRecord:
    """The record of an incident with a report each of the outlets 1, 2 and 3."""
    wire, ledger = Wire(), Ledger(0, settings)
    found = None
    for n, language in enumerate(languages, start=1):
        decision = ledger.decide(_in(wire.new(f"a{n}", event=0, angle=n, hours=n), language))
        assert found is None or decision.incident_id == found
        found = decision.incident_id
    assert found is not None
    record = ledger.record(found)
    assert record is not None
    return record


def _in(item: Annotated, language: str | None) -> Annotated:
    assert item.article is not None
    return replace(item, article=replace(item.article, language=language))


def test_outlets_of_one_publisher_count_once(tmp_path: Path) -> None:
    file = tmp_path / "publishers.toml"
    file.write_text(TABLE)
    assert told(Incidents()).counts["independent_origins"] == 3
    assert told(Incidents(publishers=str(file))).counts["independent_origins"] == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[publisher]]\nname = 'A'", "outlets"),
        ("[[publisher]]\nname = 7\noutlets = []", "name"),
        ("[[owner]]\nname = 'A'", "owner"),
        ("not toml", "not TOML"),
        (TABLE + '[[publisher]]\nname = "Other"\noutlets = ["outlet 1"]\n', "norr media and to Other"),
    ],
)
def test_a_bad_table_is_an_error_that_says_where(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "publishers.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        load_publishers(str(file))
    assert "publishers.toml" in str(caught.value)


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Ledger(0, Incidents(publishers=str(tmp_path / "none.toml")))


def test_languages_are_those_of_the_reports_the_most_frequent_first() -> None:
    record = told(Incidents(), ("de", "en", "en"))
    assert record.languages == ({"language": "en", "reports": 2}, {"language": "de", "reports": 1})
    assert told(Incidents(), (None,)).languages == ()

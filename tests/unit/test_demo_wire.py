"""The files of `seeds/` themselves: well-formed, licensed, and the gold about them complete."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
from collections import Counter
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest

from pipeline.records import CopyKind, PubStatus, Verdict
from pipeline.settings import Producer
from pipeline.sources import read_path

SEEDS = Path(__file__).parents[2] / "seeds"
REAL = {"wikinews.jsonl": 120, "re3d.jsonl": 63, "world-events.jsonl": 428}
WRITTEN = "written-wire.jsonl"
BROKEN = "broken-wire.jsonl"
SEED_DIGESTS = {
    "000_45ac591add9fa278.txt": "204fdc177182848e232eb0b7fc8c56d3d14f896ac9e61c633f70e793c49df81a",
    "002_ecae0b2c642c6691.txt": "545165ff4f37ce6270d9d342d9995317bbff20b39a8c5de3c57a387b28195f17",
}
TAKEN_BACK = {"kill", "withheld"}

Row = dict[str, Any]


def rows(name: str) -> list[Row]:
    with (SEEDS / name).open(encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def gold() -> dict[str, list[Row]]:
    entries: dict[str, list[Row]] = json.loads((SEEDS / "written-gold.json").read_text(encoding="utf-8"))
    return entries


def identity(row: Row) -> tuple[str, str]:
    return row.get("provider") or row["source"], row["id"]


@pytest.mark.parametrize(("name", "digest"), SEED_DIGESTS.items())
def test_the_two_seed_articles_are_as_they_came(name: str, digest: str) -> None:
    assert hashlib.sha256((SEEDS / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", [*REAL, WRITTEN])
def test_every_row_is_read_whole(name: str) -> None:
    """Our own reader takes each row, and finds no field that it cannot use."""
    items = list(read_path(SEEDS / name, Producer()))
    assert [(i.line, i.error, i.problems) for i in items if i.error or i.problems] == []
    assert len(items) == len(rows(name))


@pytest.mark.parametrize(("name", "count"), REAL.items())
def test_a_real_wire_has_its_rows_with_an_id_each(name: str, count: int) -> None:
    found = rows(name)
    assert len(found) == count
    assert len({identity(row) for row in found}) == count


@pytest.mark.parametrize("name", REAL)
def test_every_real_row_carries_its_licence_and_the_attribution_file_knows_it(name: str) -> None:
    attribution = (SEEDS / "ATTRIBUTION.md").read_text(encoding="utf-8")
    section = attribution.partition(f"## `{name}`")[2].partition("\n## ")[0]
    counts = Counter((row["source"], row["licence"]) for row in rows(name))
    for (source, licence), count in counts.items():
        assert source in section
        assert f"`{licence}`" in section
        assert str(count) in section
    for row in rows(name):
        assert row["licence_url"].startswith("https://")
        assert row["licence_url"] in attribution
        assert len(row["attribution"]) > 10
        assert row.get("url", "") in row["attribution"]


def test_share_alike_text_says_so() -> None:
    attribution = (SEEDS / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert "stay under" in attribution.partition("## Share alike")[2]
    assert {row["licence"] for row in rows("world-events.jsonl")} == {"CC-BY-SA-3.0"}


def test_every_row_of_the_written_wire_is_marked_as_fiction() -> None:
    assert [
        row["id"] for row in rows(WRITTEN) if (row.get("fiction"), row.get("licence")) != (True, "Apache-2.0")
    ] == []


def test_the_written_wire_has_the_fields_of_the_wire_form() -> None:
    known = {
        "id", "text", "html", "title", "published", "source", "provider", "url", "language", "version",
        "version_created", "pub_status", "embargoed_until", "ednote", "signals", "licence", "fiction",
    }  # fmt: skip
    for row in rows(WRITTEN):
        assert set(row) <= known
        assert row.get("pub_status", "usable") in get_args(PubStatus)
        assert ("text" in row) + ("html" in row) == (row.get("pub_status") != "canceled")
        assert "2024-05-06" <= row["published"] < "2024-05-20"


def test_an_id_occurs_twice_only_as_versions_or_as_a_redelivery() -> None:
    seen: dict[tuple[object, ...], Row] = {}
    for row in rows(WRITTEN):
        key = (*identity(row), row.get("version"), row.get("version_created"))
        assert seen.setdefault(key, row) == row, f"{key}: two rows of one version differ"
    by_id: dict[str, set[str]] = {}
    for row in rows(WRITTEN):
        by_id.setdefault(row["id"], set()).add(identity(row)[0])
    assert all(len(providers) == 1 for providers in by_id.values()), "the gold names articles by id alone"


def test_the_written_wire_is_mostly_in_order_of_time() -> None:
    moments = [row.get("version_created") or row["published"] for row in rows(WRITTEN)]
    steps = list(pairwise(moments))
    backward = sum(later < earlier for earlier, later in steps)
    assert 5 <= backward <= len(steps) // 5


@pytest.mark.parametrize("name", [WRITTEN, BROKEN])
def test_gold_covers_every_line(name: str) -> None:
    entries = gold()[name]
    assert [e["line"] for e in entries] == list(range(1, len((SEEDS / name).read_bytes().splitlines()) + 1))
    for entry in entries:
        assert entry["verdict"] in get_args(Verdict)
        copy = entry["verdict"] == "copy"
        kinds = [entry["copy_kind"], *entry.get("copy_kind_also", [])]
        assert all(kind in get_args(CopyKind) for kind in kinds) if copy else kinds == [None]
        assert (entry["copy_of"] is not None) == (entry["copy_group"] is not None) == copy


def test_gold_is_about_the_rows_of_the_written_wire() -> None:
    for entry, row in zip(gold()[WRITTEN], rows(WRITTEN), strict=True):
        assert (entry["provider"], entry["id"]) == identity(row)
        assert (entry["verdict"] == "kill") == (row.get("pub_status") == "canceled")
        assert (entry["verdict"] == "withheld") == (row.get("pub_status") == "withheld")


def test_gold_of_copies_is_consistent() -> None:
    """A copy comes after its source, is published after it, and shares its incident and its first source."""
    earlier: dict[str, tuple[Row, datetime]] = {}
    for entry, row in zip(gold()[WRITTEN], rows(WRITTEN), strict=True):
        published = datetime.fromisoformat(row["published"])
        if entry["verdict"] == "copy":
            source, before = earlier[entry["copy_of"]]
            assert before < published
            assert entry["incident"] == source["incident"]
            assert entry["copy_group"] == (source["copy_group"] or source["id"])
        if entry["verdict"] in ("new", "copy"):
            earlier[entry["id"]] = (entry, published)


def test_what_changes_nothing_or_was_taken_back_has_no_incident() -> None:
    entries = gold()[WRITTEN]
    taken_back = {e["id"] for e in entries if e["verdict"] in TAKEN_BACK}
    for entry in entries:
        none = entry["verdict"] == "stale" or entry["id"] in taken_back
        assert (entry["incident"] is None) == none


def test_the_written_wire_shows_what_it_is_meant_to_show() -> None:
    entries = gold()[WRITTEN]
    assert 80 <= len(entries) <= 120
    of_articles = set(get_args(Verdict)) - {"word", "refused"}
    assert of_articles == {e["verdict"] for f in (WRITTEN, BROKEN) for e in gold()[f]}
    assert {e["copy_kind"] for e in entries} == {None, *get_args(CopyKind)}
    independent = {(e["incident"], e["id"]) for e in entries if e["verdict"] != "copy" and e["incident"]}
    reports = Counter(incident for incident, _ in independent)
    assert sum(2 <= n <= 6 for n in reports.values()) >= 12
    assert max(reports.values()) <= 6
    found = rows(WRITTEN)
    assert {"html", "embargoed_until", "signals", "ednote"} <= {field for row in found for field in row}
    assert {"en", "fr", "es"} <= {row.get("language") for row in found}


def test_copies_share_their_text_with_their_source_and_other_reports_do_not() -> None:
    """The gold of copies against the texts: five words in a row, as dedup counts them."""
    entries, found = gold()[WRITTEN], rows(WRITTEN)
    texts = [_shingles(row.get("text") or row.get("html") or "") for row in found]
    group = [e["copy_group"] or e["id"] for e in entries]
    for i, mine in enumerate(texts):
        for j, other in enumerate(texts[:i]):
            if not mine or not other:
                continue
            contained = len(mine & other) / min(len(mine), len(other))
            if entries[i]["copy_of"] == entries[j]["id"]:
                assert contained > 0.4, (entries[i]["line"], entries[j]["line"])
            elif group[i] != group[j]:
                assert contained < 0.3, (entries[i]["line"], entries[j]["line"])


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", re.sub(r"<[^>]*>", " ", text).lower())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def test_broken_lines_are_refused_one_by_one() -> None:
    """The reader goes on after each; the one row whose optional fields alone are bad is an article."""
    items = list(read_path(SEEDS / BROKEN, Producer()))
    assert ["void" if item.error else "new" for item in items] == [e["verdict"] for e in gold()[BROKEN]]
    kinds = Counter(item.error.kind for item in items if item.error)
    assert set(kinds) == {"not_json", "schema"}
    (article,) = (item for item in items if item.article)
    assert article.article is not None
    assert (article.article.published, article.article.version, article.article.language) == (None, None, None)


@pytest.fixture
def convert() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seeds_convert", SEEDS / "convert.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "seeds_convert", module)
        spec.loader.exec_module(module)
    return module


def test_convert_takes_headline_and_date_out_of_a_wikinews_text_and_nothing_else(convert: ModuleType) -> None:
    body = "A first sentence.\nA second one,  with two spaces.\n"
    document = {
        "id": "m-1",
        "title": "Cut.",
        "published": "2008-03-01",
        "text": f"The headline\nMarch 01, 2008\n{body}",
    }
    row = convert.wikinews(document)
    assert (row["title"], row["published"], row["text"]) == ("The headline", "2008-03-01", body)
    with pytest.raises(convert.SourceError, match="dated"):
        convert.wikinews(document | {"published": "2008-03-02"})


def test_convert_refuses_a_licence_it_cannot_attribute(convert: ModuleType) -> None:
    document = {"id": "r-1", "title": "T", "text": "x", "source": "S", "url": "https://s.example/1", "license": "CC0"}
    with pytest.raises(convert.SourceError, match="CC0"):
        convert.re3d(document)

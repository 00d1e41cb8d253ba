"""Scoring: what is right, wrong, and not compared."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import root
from pipeline.entities.annotator import Annotator
from pipeline.entities.conventions import convention
from pipeline.errors import InvalidEvent
from pipeline.evaluate.entities import as_ours, compare, evaluate, read_gold
from pipeline.settings import Entities

SEEDS = Path(__file__).parent / "seeds.jsonl"
MATERIEL = Path(__file__).parent / "materiel.jsonl"


def test_exact_overlapping_and_missed_spans() -> None:
    text = "Ann Lee of Acme met Bo in Oslo"
    gold = [(0, 7, "PERSON"), (11, 15, "ORG"), (20, 22, "PERSON"), (26, 30, "GPE")]
    found = [(0, 3, "PERSON"), (11, 15, "ORG"), (26, 30, "LOC")]
    scores = compare(text, gold, found, convention("wirefuse"))
    assert (scores["PERSON"].gold, scores["PERSON"].found, scores["PERSON"].exact) == (2, 1, 0)
    assert (scores["PERSON"].found_overlapping, scores["PERSON"].gold_overlapped) == (1, 1)
    assert scores["ORG"].f1 == 1.0
    assert (scores["GPE"].exact, scores["LOC"].found) == (0, 1)


def test_other_labels_are_compared_by_meaning() -> None:
    text = "President Ann Lee of Norway, a Norwegian, and the prime minister met in Oslo"
    gold = [(0, 17, "per"), (21, 27, "geo"), (31, 40, "gpe"), (50, 64, "per"), (72, 76, "geo")]
    found = [(0, 17, "PERSON"), (21, 27, "GPE"), (31, 40, "NORP"), (50, 64, "PERSON"), (72, 76, "LOC"), (5, 9, "MONEY")]
    scores = compare(text, gold, found, convention("gmb"))
    assert {kind: (s.gold, s.found, s.exact) for kind, s in scores.items()} == {
        "PERSON": (1, 1, 1),  # a role without a name is not compared, neither as gold nor as found
        "GPE+LOC+FAC": (2, 2, 2),
        "NORP": (1, 1, 1),
    }


def test_marked_phrases_are_compared_by_the_names_in_them() -> None:
    text = "Talks in Rome, Italy and the port city of Tartus. Iraqi territory. U.S.-led troops of Ethiopia and Eritrea."

    def spans(*marked: tuple[str, str]) -> list[tuple[int, int, str]]:
        return [(text.index(name), text.index(name) + len(name), label) for name, label in marked]

    gold = spans(("Rome, Italy", "Location"), ("port city of Tartus", "Location"), ("Iraqi territory", "Location"))
    found = spans(("Rome", "GPE"), ("Italy", "GPE"), ("Tartus", "GPE"))
    places = compare(text, gold, found, convention("re3d"))["GPE+LOC+FAC"]
    assert (places.gold, places.found, places.exact) == (3, 3, 3)

    gold = spans(("Ethiopia and Eritrea", "geo"))
    found = spans(("U.S.", "GPE"), ("Ethiopia", "GPE"), ("Eritrea", "GPE"))
    places = compare(text, gold, found, convention("gmb"))["GPE+LOC+FAC"]
    assert (places.gold, places.found, places.exact) == (2, 2, 2)


def test_own_spans_are_taken_as_they_stand() -> None:
    text = "at least 38 in Rome, Italy"
    gold = [(9, 11, "tim"), (15, 26, "geo")]
    found = [(15, 19, "GPE"), (21, 26, "GPE")]
    scores = compare(text, gold, found, convention("gmb"), own_spans=True)
    assert (scores["DATE"].gold, scores["DATE"].found) == (1, 0)
    assert (scores["GPE+LOC+FAC"].gold, scores["GPE+LOC+FAC"].found, scores["GPE+LOC+FAC"].exact) == (1, 2, 0)


def test_what_our_conventions_cost_by_own_spans() -> None:
    text = "Singapore paid Acme for 38 days in Rome, Italy"
    gold = [(0, 9, "org"), (15, 19, "org"), (24, 26, "tim"), (35, 46, "geo")]
    ours = as_ours(text, gold, convention("gmb"))
    assert [(text[a:b], label) for a, b, label in ours] == [
        ("Singapore", "GPE"),
        ("Acme", "ORG"),
        ("Rome", "GPE"),
        ("Italy", "GPE"),
    ]


def test_own_spans_need_labels_that_ours_answer_to() -> None:
    with pytest.raises(InvalidEvent, match="cannot be scored by their own spans"):
        evaluate(SEEDS, Annotator(Entities(model="rules")), own_spans=True)


def test_leading_articles_are_compared_on_demand() -> None:
    text = "the SDF left"
    for articles, exact in ((False, 1), (True, 0)):
        scores = compare(text, [(0, 7, "ORG")], [(4, 7, "ORG")], convention("wirefuse"), articles)
        assert scores["ORG"].exact == exact


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5)), max_size=6))
def test_gold_scored_against_itself_is_perfect(starts: list[tuple[int, int]]) -> None:
    spans = sorted({(s, s + n, "ORG") for s, n in starts})
    score = compare("x" * 30, spans, spans, convention("wirefuse")).get("ORG")
    assert score is None if not spans else score is not None and score.f1 == score.overlap_f1 == 1.0


def test_a_line_that_is_no_gold_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl.gz"
    with gzip.open(file, "wb") as f:
        f.write(b'{"text": "a", "entities": []}\n{"text": "b"}\n')
    with pytest.raises(InvalidEvent, match="line 2"):
        list(read_gold(file))


def test_labels_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_bytes(orjson.dumps({"text": "Ann", "entities": [[0, 3, "HUMAN"]]}) + b"\n")
    with pytest.raises(InvalidEvent, match="no known convention has the labels HUMAN"):
        evaluate(file, Annotator(Entities(model="rules")))


def test_labels_that_nobody_knows_are_mapped_by_a_table(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    entities = [[0, 4, "ORGANIZATION"], [14, 19, "LOCATION"], [24, 27, "PRODUCT"]]
    file.write_bytes(orjson.dumps({"text": "NATO met near Syria. An F15", "entities": entities}) + b"\n")
    annotator = Annotator(Entities(model="rules"))
    with pytest.raises(InvalidEvent, match='--labels "LOCATION=,ORGANIZATION=,PRODUCT="'):
        evaluate(file, annotator)
    with pytest.raises(InvalidEvent, match="says nothing of PRODUCT"):
        evaluate(file, annotator, labels={"ORGANIZATION": "ORG", "LOCATION": "LOC"})
    result = evaluate(file, annotator, labels={"ORGANIZATION": "ORG", "LOCATION": "LOC", "PRODUCT": None})
    assert {kind: s.f1 for kind, s in result.types.items()} == {"ORG": 1.0, "GPE+LOC+FAC": 1.0}
    assert result.not_compared == 1


def test_the_two_seeds_are_read_well() -> None:
    # The goal for the two articles, marked by hand in full.
    assert evaluate(SEEDS, Annotator(Entities())).all.f1 >= 0.85


def test_units_events_facilities_and_materiel_of_real_reports() -> None:
    assert evaluate(MATERIEL, Annotator(Entities())).all.f1 >= 0.7


def test_the_command_prints_figures_for_programs() -> None:
    run = CliRunner().invoke(root, ["evaluate", "entities", "--gold", str(SEEDS), "--pipeline", "rules", "--json"])
    assert run.exit_code == 0, run.output
    report = orjson.loads(run.stdout)
    assert report["texts"] == 2
    assert report["pipeline"].startswith("wirefuse_rules")
    assert 0.5 < report["types"]["GPE"]["f1"] <= 1


def test_blank_lines_are_no_lines(tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_bytes(SEEDS.read_bytes().rstrip() + b"\n\n\n")
    assert list(read_gold(gold)) == list(read_gold(SEEDS))


@pytest.mark.parametrize("kind", ["dedup", "entities", "incidents"])
def test_a_damaged_file_is_named(tmp_path: Path, kind: str) -> None:
    gold = tmp_path / "gold.jsonl.gz"
    gold.write_bytes(gzip.compress(b'{"id": "a", "text": "", "cluster": "c", "entities": []}\n')[:-10])
    run = CliRunner().invoke(root, ["evaluate", kind, "--gold", str(gold)])
    assert isinstance(run.exception, InvalidEvent)
    assert "gold.jsonl.gz: the gzip data is damaged or cut off" in str(run.exception)

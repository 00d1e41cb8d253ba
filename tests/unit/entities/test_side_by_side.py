"""Several pipelines over one text: what differs is seen, on a terminal and on a page."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import spacy
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli import root
from pipeline.entities.page import Span
from pipeline.entities.side_by_side import align

TEXT = "Gen. Kurilla flew to Doha on Friday.\x1b[31m <script>alert(1)</script>\nHe met the Emir."


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A user's own pipeline: knows one person, by surname alone, and calls it PER."""
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Kurilla"}])  # type: ignore[attr-defined]
    nlp.meta["name"] = "own"
    nlp.to_disk(tmp_path / "own")
    return str(tmp_path / "own")


@pytest.fixture
def text(tmp_path: Path) -> str:
    file = tmp_path / "page.txt"
    file.write_text(TEXT)
    return str(file)


def test_overlapping_spans_are_one_row_and_touching_ones_are_two() -> None:
    ours: list[Span] = [(0, 12, "PERSON"), (12, 14, "ORG"), (20, 24, "GPE")]
    theirs: list[Span] = [(5, 12, "PERSON"), (20, 24, "GPE")]
    rows = align([ours, theirs])
    assert [(r.start, r.end, r.agree) for r in rows] == [(0, 12, False), (12, 14, False), (20, 24, True)]
    assert rows[0].found == (((0, 12, "PERSON"),), ((5, 12, "PERSON"),))
    assert rows[1].found == (((12, 14, "ORG"),), ())


def test_a_long_span_takes_in_all_that_it_covers() -> None:
    rows = align([[(0, 30, "ORG")], [(0, 5, "GPE"), (10, 15, "GPE")], []])
    assert [(r.start, r.end) for r in rows] == [(0, 30)]


SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 9), st.sampled_from(["ORG", "GPE"])).map(
        lambda s: (s[0], s[0] + s[1], s[2])
    )
)


@given(st.lists(SPANS, min_size=1, max_size=3))
def test_every_span_stands_in_one_row_of_its_pipeline(found: list[list[Span]]) -> None:
    rows = align(found)
    assert [sorted(span for row in rows for span in row.found[p]) for p in range(len(found))] == [
        sorted(each) for each in found
    ]
    assert all(a.end <= b.start for a, b in pairwise(rows))


def test_three_pipelines_stand_side_by_side_on_the_terminal(folder: str, text: str) -> None:
    arguments = ["--set", "entities.labels=PER=PERSON", "annotate", text]
    run = CliRunner().invoke(
        root, [*arguments, "--pipeline", "ours", "--pipeline", "rules", "--pipeline", folder], catch_exceptions=False
    )
    assert run.exit_code == 0, run.output
    lines = [" ".join(line.split()) for line in run.output.splitlines()]
    assert "page.txt" in lines[0]
    assert not set("\x1b") & set(run.output)
    (head,) = [line for line in lines if line.startswith("text wirefuse_en")]
    assert "wirefuse_rules" in head
    assert "own" in head
    (person,) = [line for line in lines if "Gen. Kurilla PERSON" in line]
    assert person.startswith("≠")
    assert "PERSON “Kurilla”" in " ".join(lines)
    assert lines[-2].endswith("differ")


def test_pipelines_that_agree_show_no_difference(text: str) -> None:
    run = CliRunner().invoke(root, ["annotate", text, "--pipeline", "rules", "--html"])
    assert run.exit_code == 0
    assert "≠" not in run.output.partition("</style>")[2]


def test_the_page_has_a_column_each_and_marks_what_differs(folder: str, text: str, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    arguments = ["--set", "entities.labels=PER=PERSON", "annotate", text, str(out), "--html"]
    run = CliRunner().invoke(root, [*arguments, "--pipeline", "rules", "--pipeline", folder])
    assert run.exit_code == 0, run.output
    markup = out.read_text(encoding="utf-8")
    assert markup.count('<div class="entities"') == 2
    assert "PERSON ≠" in markup
    assert "<script" not in markup
    assert "\x1b" not in markup
    assert "://" not in markup


def test_unknown_labels_are_refused_with_what_to_write(folder: str, text: str) -> None:
    run = CliRunner().invoke(root, ["annotate", text, "--pipeline", "rules", "--pipeline", folder])
    assert run.exit_code != 0
    assert "unknown labels PER" in str(run.exception)
    assert 'labels = "PER="' in str(run.exception)


def test_one_file_does_not_hold_several_pipelines(folder: str, text: str, tmp_path: Path) -> None:
    run = CliRunner().invoke(
        root, ["annotate", text, str(tmp_path / "out"), "--pipeline", "rules", "--pipeline", folder]
    )
    assert run.exit_code == 2
    assert "leave it out" in run.output
    assert not (tmp_path / "out").exists()


def test_a_bad_line_is_reported_and_the_others_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"id": "a", "text": "In Syria."}\nnot json\n{"id": "b", "text": ""}\n')
    run = CliRunner().invoke(root, ["annotate", str(file), "--pipeline", "rules"])
    assert run.exit_code == 1
    assert "line 2:" in run.stderr
    assert "GPE" in run.output
    assert "0 entities" in run.output

"""`wirefuse evaluate incidents` and the reading of labelled sets."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.errors import InvalidEvent
from pipeline.evaluate.gold import Cut, cut, fold, in_order, read, shuffled
from pipeline.evaluate.incidents import incidents_command, mistakes, run, scores
from pipeline.incidents.train import fit, labelled

from .wire import ANGLES, EVENTS

ROWS = [
    {
        "id": f"{event}-{angle}",
        "title": EVENTS[event][0] if angle % 2 else None,
        "text": f"{EVENTS[event][1]} {ANGLES[angle]}",
        "published": f"2023-0{1 + 2 * event}-0{1 + angle}",
        "cluster": f"event {event}",
    }
    for event in range(4)
    for angle in range(3)
]


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in ROWS).encode()))
    return path


def test_the_command_prints_scores_and_mistakes(gold: Path) -> None:
    done = CliRunner().invoke(incidents_command, ["--gold", str(gold), "--json", "--shuffle-hours", "24"])
    assert done.exit_code == 0, done.output
    row = json.loads(done.output)
    assert row["articles"] == len(ROWS)
    assert row["bcubed_f1"] == 1.0
    assert row["agreement"] == 1.0
    assert row["wrong"] == {}


def test_a_wrong_join_is_shown(gold: Path) -> None:
    articles = in_order(read(gold))
    result = run(articles)
    assert not mistakes(result)
    swapped = [type(a)(**{n: getattr(a, n) for n in a.__slots__} | {"cluster": a.id}) for a in articles]
    wrong = mistakes(run(swapped))
    assert {m.kind for m in wrong} == {"joined"}
    assert scores(swapped, result.found)["bcubed_precision"] < 1.0


def test_folding_shifts_whole_clusters_and_keeps_their_order(gold: Path) -> None:
    folded = fold(read(gold), 30)
    first: dict[str, list[timedelta]] = {}
    for a, b in zip(read(gold), folded, strict=True):
        assert a.published is not None
        assert b.event_time is not None
        first.setdefault(a.cluster, []).append(b.event_time - a.published)
    assert all(len(set(shifts)) == 1 for shifts in first.values())
    times = [a.event_time for a in folded if a.event_time is not None]
    assert max(times) - min(times) < timedelta(days=33)


LONG = {
    "id": "a",
    "title": "Ferry sinks off Port Velasco",
    "text": "Ferry sinks off Port Velasco\nBy A. Reporter\nA ferry with ninety people sank on Friday. Rescuers worked "
    "through the night to save them. The cause was not known on Saturday.",
    "cluster": "ferry",
}


@pytest.mark.parametrize(
    ("how", "title", "text"),
    [
        ("title", LONG["title"], ""),
        (
            "lead",
            LONG["title"],
            "A ferry with ninety people sank on Friday. Rescuers worked through the night to save them.",
        ),
        ("sentence", None, "A ferry with ninety people sank on Friday."),
    ],
)
def test_a_cut_leaves_what_a_feed_would_bring(tmp_path: Path, how: Cut, title: str | None, text: str) -> None:
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps(LONG))
    (found,) = cut(read(path), how)
    assert (found.title, found.text) == (title, text)


def test_the_command_cuts(gold: Path) -> None:
    done = CliRunner().invoke(incidents_command, ["--gold", str(gold), "--json", "--cut", "title"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["articles"] == len(ROWS)


def test_a_shuffle_keeps_all_articles_and_depends_on_its_seed_alone(gold: Path) -> None:
    articles = in_order(read(gold))
    assert sorted(a.id for a in shuffled(articles, 1e4, 1)) == sorted(a.id for a in articles)
    assert shuffled(articles, 1e4, 1) == shuffled(articles, 1e4, 1)
    assert shuffled(articles, 1e4, 1) != shuffled(articles, 1e4, 2)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[]", "not an object"),
        ('{"id": "a", "text": "b"}', "`cluster` must be a string"),
        ('{"id": "a", "text": "b", "cluster": "c", "published": "soon"}', "published"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(f"{json.dumps(ROWS[0])}\n{line}\n")
    with pytest.raises(InvalidEvent, match=said) as error:
        read(path)
    assert f"{path}:2" in str(error.value)


def test_fitting_is_deterministic_and_learns_that_shared_words_count(gold: Path) -> None:
    data = labelled(in_order(read(gold)))
    incident = {"best": 0.5, "top": 0.5, "gap": -0.4, "brief_gap": -0.2, "prior": 0.3}
    one, two = fit([data], incident, 0.0, 0.3), fit([data], incident, 0.0, 0.3)
    assert one == two
    assert one.pair["text"] > 0
    assert run(data.full.articles, fitted=one).found.keys() == {row["id"] for row in ROWS}


def test_two_articles_of_one_id_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in (*ROWS, ROWS[0])))
    with pytest.raises(InvalidEvent, match=rf"gold.jsonl:{len(ROWS) + 1}: another line has the id '0-0'"):
        read(path)


def test_clusters_of_one_name_in_two_files_are_two(tmp_path: Path) -> None:
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text("\n".join(json.dumps(row) for row in ROWS[:3]))
    other.write_text("\n".join(json.dumps({**row, "cluster": "event 0"}) for row in ROWS[3:6]))
    run = CliRunner().invoke(incidents_command, ["--gold", str(one), "--gold", str(other), "--join-files", "--json"])
    assert json.loads(run.output)["bcubed_f1"] == 1.0
    run = CliRunner().invoke(incidents_command, ["--gold", str(one), "--gold", str(one), "--join-files"])
    assert "cannot be joined" in str(run.exception)

"""The chain without Kafka: one line out for each line in, in its final state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import streams
from pipeline.entities.annotator import Annotator
from pipeline.errors import FatalError, WirefuseError
from pipeline.offline import NO_SEQ, Summary, run
from pipeline.settings import load
from pipeline.sink.base import open_reader

SETTINGS = load(env={})


@pytest.fixture(scope="module")
def annotator() -> Annotator:
    return Annotator(SETTINGS.entities)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def ran(tmp_path: Path, annotator: Annotator, lines: list[bytes], **options: Any) -> tuple[Summary, Path]:
    wire = tmp_path / "wire.jsonl"
    wire.write_bytes(b"".join(lines))
    out = tmp_path / "out"
    return run([wire], out, SETTINGS, annotator=annotator, **options), out


def test_a_line_out_for_each_line_in_and_in_their_order(tmp_path: Path, annotator: Annotator) -> None:
    lines = list(streams.lines(streams.mixed(120, seed=4)))
    lines[10:10] = [b"not json\n", b'{"id": "no-text"}\n']
    summary, out = ran(tmp_path, annotator, lines)
    events = rows(out / "articles.jsonl")
    ids = [None if n in (10, 11) else json.loads(line)["id"] for n, line in enumerate(lines)]
    assert [e["id"] for e in events] == ids
    assert [e["verdict"] for e in events[10:12]] == ["void", "void"]
    assert [e["seq"] for e in events[10:12]] == [NO_SEQ, NO_SEQ]
    assert [e["seq"] for e in events if e["seq"] != NO_SEQ] == list(range(120))
    letters = rows(out / "dead-letters.jsonl")
    assert [(letter["line"], letter["kind"]) for letter in letters] == [(11, "not_json"), (12, "schema")]
    assert summary.inputs == 122
    assert summary.dead_letters == 2
    assert sorted(p.name for p in out.iterdir()) == [
        "articles.jsonl", "changes.jsonl", "dead-letters.jsonl", "incidents.jsonl",
    ]  # fmt: skip


def test_articles_and_incidents_agree(tmp_path: Path, annotator: Annotator) -> None:
    _, out = ran(tmp_path, annotator, list(streams.lines(streams.mixed(300, seed=6))))
    events = rows(out / "articles.jsonl")
    live = {i["incident_id"]: i for i in rows(out / "incidents.jsonl") if i["status"] in ("open", "closed")}
    members = {r["article_id"]: i["incident_id"] for i in live.values() for r in i["reports"]}
    assert {e["article_id"]: e["incident_id"] for e in events if e["incident_id"]} == members
    killed = {e["article_id"] for e in events if e["verdict"] == "kill"}
    assert killed, "the stream has kills"
    for event in events:
        if event["article_id"] in killed - members.keys():
            assert event["incident_id"] is None
            assert event["text"] is None
            assert event["entities"] == []
    for event in events:
        for entity in event["entities"]:
            assert event["text"][entity["start"] : entity["end"]] == entity["text"]
    with pytest.raises(FatalError, match="what `wirefuse offline` writes"):
        open_reader(f"jsonl:///{out}")


def test_editors_words_are_lines_of_the_wire(tmp_path: Path, annotator: Annotator) -> None:
    made = list(streams.lines(streams.mixed(60, seed=6)))
    _, out = ran(tmp_path, annotator, made)
    live = [i for i in rows(out / "incidents.jsonl") if i["status"] == "open"]
    a, b = live[0]["incident_id"], live[1]["incident_id"]
    said = [
        {
            "word": "join",
            "incident": a,
            "other": b,
            "by": "anna",
            "at": "2024-01-02T10:00:00+01:00",
            "note": "one fire",
        },
        {"word": "retitle", "incident": a, "title": "A title"},
        {"word": "pin", "incident": "f" * 32, "article": live[2]["reports"][0]["article_id"]},
        {"word": "join", "incident": a},
        {"word": "bless", "incident": a},
    ]
    _, out = ran(tmp_path, annotator, made + [json.dumps(word).encode() + b"\n" for word in said])
    events = rows(out / "articles.jsonl")
    assert [e["verdict"] for e in events[60:]] == ["word", "word", "refused", "void", "void"]
    assert {e["incident_id"] for e in events[60:]} == {None}
    assert events[60]["reason"] == "join by anna"
    incidents = {i["incident_id"]: i for i in rows(out / "incidents.jsonl")}
    assert incidents[b]["merged_into"] == a
    assert incidents[a]["title"] == "A title"
    assert incidents[a]["counts"]["reports"] == len(live[0]["reports"]) + len(live[1]["reports"])
    assert [w["by"] for w in incidents[a]["words"]] == ["anna", "unknown"]
    edited = next(c for c in rows(out / "changes.jsonl") if c["change"] == "edited")
    assert edited["evidence"]["at"] == "2024-01-02T09:00:00Z"
    assert [letter["line"] for letter in rows(out / "dead-letters.jsonl")] == [64, 65]


def test_sorting_decides_by_time_and_writes_in_input_order(tmp_path: Path, annotator: Annotator) -> None:
    made = streams.mixed(40, seed=8)
    backwards = list(streams.lines(made))[::-1]
    _, out = ran(tmp_path, annotator, backwards, sort="published")
    events = rows(out / "articles.jsonl")
    assert [e["id"] for e in events] == [json.loads(line)["id"] for line in backwards]
    dated = [e for e in events if e["published"]]
    assert [e["seq"] for e in sorted(dated, key=lambda e: e["seq"])] == sorted(e["seq"] for e in dated)
    in_time = sorted(dated, key=lambda e: e["seq"])
    assert [e["published"] for e in in_time] == sorted(e["published"] for e in dated)


def test_an_unknown_order_is_refused(tmp_path: Path, annotator: Annotator) -> None:
    with pytest.raises(WirefuseError, match="cannot sort by size"):
        ran(tmp_path, annotator, [], sort="size")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, annotator: Annotator) -> None:
    lines = list(streams.lines(streams.mixed(100, seed=9)))
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        _, out = ran(tmp_path / name, annotator, lines)
        found.append({p.name: p.read_bytes() for p in out.iterdir()})
    assert found[0] == found[1]


@pytest.mark.parametrize(("source", "out"), [("news/articles.jsonl", "news"), ("news", "news/out")])
def test_what_is_read_is_not_written_over(tmp_path: Path, annotator: Annotator, source: str, out: str) -> None:
    wire = tmp_path / "news" / "articles.jsonl"
    wire.parent.mkdir()
    wire.write_bytes(b'{"id": "a", "text": "A ferry sank."}\n')
    with pytest.raises(WirefuseError, match="choose another --out"):
        run([tmp_path / source], tmp_path / out, SETTINGS, annotator=annotator)
    assert wire.read_bytes() == b'{"id": "a", "text": "A ferry sank."}\n'

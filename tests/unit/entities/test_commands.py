"""`wirefuse annotate`: the contract of its files, and bad lines."""

from __future__ import annotations

from pathlib import Path

import orjson
from click.testing import CliRunner

from pipeline.cli import root

TEXT = "Zoë 😀 met President Biden\n\nin Syria."


def test_spans_are_characters_of_the_text_as_given(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(
        b"".join(
            orjson.dumps(row) + b"\n"
            for row in ({"id": "a", "text": TEXT}, {"id": 7, "text": ""}, {"id": "b", "text": TEXT})
        )
    )
    run = CliRunner().invoke(root, ["annotate", str(source), str(target)])
    assert run.exit_code == 0, run.output
    rows = [orjson.loads(line) for line in target.read_bytes().splitlines()]
    assert [row["id"] for row in rows] == ["a", 7, "b"]
    assert rows[1]["entities"] == []
    assert rows[0]["entities"] == rows[2]["entities"]
    found = {(TEXT[start:end], label) for start, end, label in rows[0]["entities"]}
    assert {("President Biden", "PERSON"), ("Syria", "GPE")} <= found


def test_bad_lines_are_reported_with_their_number_and_left_out(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [b'{"id": 1, "text": "In Syria."}', b"not json", b"", b'{"text": "no id"}', b'{"id": 2, "text": 5}', b"[1]"]
    source.write_bytes(b"\n".join([*lines, b'{"id": 3, "text": "x"}']))
    run = CliRunner().invoke(root, ["annotate", str(source), str(target), "--pipeline", "rules"])
    assert run.exit_code == 1
    assert [orjson.loads(line)["id"] for line in target.read_bytes().splitlines()] == [1, 3]
    for number in (2, 4, 5, 6):
        assert f"line {number}:" in run.stderr
    assert "4 lines left out" in run.stderr


def test_an_unknown_pipeline_is_an_error_of_use(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"")
    run = CliRunner().invoke(root, ["annotate", str(source), str(tmp_path / "out"), "--pipeline", "no_such_model"])
    assert run.exit_code != 0
    assert "no_such_model" in str(run.exception)


def test_a_file_is_not_written_over_while_it_is_read(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(orjson.dumps({"id": "a", "text": TEXT}))
    (tmp_path / "link.jsonl").symlink_to(source)
    run = CliRunner().invoke(root, ["annotate", str(source), str(tmp_path / "link.jsonl"), "--pipeline", "rules"])
    assert run.exit_code == 2
    assert "is IN" in run.output
    assert source.read_bytes() == orjson.dumps({"id": "a", "text": TEXT})

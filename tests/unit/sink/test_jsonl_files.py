"""The JSON-lines files: what a crash or a full disk may leave behind, and how it is put right."""

from __future__ import annotations

import errno
import json
import os
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import FatalError, RetryableError
from pipeline.ids import article_id
from pipeline.records import ArticleEvent, Verdict
from pipeline.sink.jsonl import JsonLinesSink
from pipeline.sink.jsonl_reader import JsonLinesReader


def event(seq: int, verdict: Verdict = "new", item: str = "item") -> ArticleEvent:
    text = f"words of {seq}" if verdict == "new" else None
    return ArticleEvent(
        id=item, article_id=article_id("wire", item), edition=0, seq=seq, provider="wire", source=None, title=None,
        text=text, url=None, published=None, language=None, version=None, verdict=verdict, reason="", copy_of=None,
        copy_kind=None, copy_group=None, regrouped={}, incident_id=None, why={}, entities=(), side_spans=(), facts={},
        tolls={},
    )  # fmt: skip


def write(folder: Path, *batches: list[ArticleEvent]) -> None:
    with closing(JsonLinesSink(folder)) as sink:
        sink.open()
        for batch in batches:
            sink.write(batch)


def inputs(folder: Path) -> list[int]:
    with closing(JsonLinesReader(folder)) as reader:
        return [i.seq for i in reader.inputs()]


def lines(folder: Path) -> list[str]:
    return (folder / "articles.jsonl").read_text().splitlines()


def test_each_input_is_one_line_of_json(tmp_path: Path) -> None:
    write(tmp_path, [event(0), event(1, item="other")], [event(1, item="other"), event(2, "stale")])
    found = [json.loads(line) for line in lines(tmp_path)]
    assert [(line["seq"], line["text"]) for line in found] == [(0, "words of 0"), (1, "words of 1"), (2, None)]


def test_a_batch_that_was_cut_short_is_taken_away_when_opened(tmp_path: Path) -> None:
    write(tmp_path, [event(0)])
    whole = lines(tmp_path)
    with (tmp_path / "articles.jsonl").open("a") as file:
        file.write(whole[0].replace('"seq":0', '"seq":1') + "\n" + whole[0][:40])
    assert inputs(tmp_path) == [0]  # a reader does not see it either
    write(tmp_path)
    assert lines(tmp_path) == whole


def test_a_torn_last_line_is_taken_away_without_the_commit_file_too(tmp_path: Path) -> None:
    write(tmp_path, [event(0)], [event(1, item="other")])
    whole = lines(tmp_path)
    (tmp_path / "commit.json").unlink()
    with (tmp_path / "articles.jsonl").open("a") as file:
        file.write(whole[0] * 2000)
    assert inputs(tmp_path) == [0, 1]
    write(tmp_path)
    assert lines(tmp_path) == whole


def test_a_file_shorter_than_committed_is_read_as_it_is(tmp_path: Path) -> None:
    """The power failed between the erasing of a kill and the commit, or a backup was put in place."""
    write(tmp_path, [event(0)], [event(1, item="other")])
    (tmp_path / "articles.jsonl").write_text(lines(tmp_path)[0] + "\n")
    assert inputs(tmp_path) == [0]
    write(tmp_path, [event(1, item="other")])
    assert inputs(tmp_path) == [0, 1]


def test_a_damaged_line_is_fatal_and_named(tmp_path: Path) -> None:
    write(tmp_path, [event(0), event(1, item="other"), event(2, item="third")])
    damaged = lines(tmp_path)
    damaged[1] = damaged[1][:20] + "#" + damaged[1][21:]
    (tmp_path / "articles.jsonl").write_text("\n".join(damaged) + "\n")
    for opening in (JsonLinesSink(tmp_path).open, lambda: JsonLinesReader(tmp_path)):
        with pytest.raises(FatalError, match=r"articles\.jsonl, line 2 is damaged.*backup"):
            opening()


def test_a_kill_whose_erasing_was_cut_short_is_finished_when_opened(tmp_path: Path) -> None:
    """The batch with the kill was committed, and the process died before the older line was rewritten."""
    write(tmp_path, [event(0)])
    before = lines(tmp_path)[0]
    write(tmp_path, [event(1, "kill")])
    (tmp_path / "articles.jsonl").write_text("\n".join([before, lines(tmp_path)[1]]) + "\n")
    (tmp_path / "commit.json").unlink()
    assert "words of 0" in (tmp_path / "articles.jsonl").read_text()
    write(tmp_path)
    assert "words of 0" not in (tmp_path / "articles.jsonl").read_text()
    assert inputs(tmp_path) == [0, 1]


def test_a_second_writer_is_kept_out_until_the_first_has_gone(tmp_path: Path) -> None:
    first, second = JsonLinesSink(tmp_path), JsonLinesSink(tmp_path)
    first.open()
    with pytest.raises(RetryableError, match="locked: another process writes there"):
        second.open()
    first.close()
    second.open()
    assert second.write([event(0)]).inputs == 1
    second.close()


def test_a_folder_that_is_a_file_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(FatalError, match="out cannot be opened"):
        JsonLinesSink(tmp_path / "out").open()


def test_an_empty_batch_writes_nothing(tmp_path: Path) -> None:
    with closing(JsonLinesSink(tmp_path)) as sink:
        sink.open()
        before = (tmp_path / "commit.json").stat().st_mtime_ns
        sink.write([])
        assert (tmp_path / "commit.json").stat().st_mtime_ns == before


def test_a_disk_that_fails_even_while_a_batch_is_taken_back_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "the disk does not answer")

    with closing(JsonLinesSink(tmp_path)) as sink:
        sink.open()
        sink.write([event(0)])
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", fail)
            broken.setattr(os, "truncate", fail)
            with pytest.raises(RetryableError):
                sink.write([event(1, item="one"), event(2, item="two")])
        sink.write([event(1, item="one")])
        sink.write([event(3, "kill")])
    assert inputs(tmp_path) == [0, 1, 3]
    assert [json.loads(line)["text"] for line in lines(tmp_path)] == [None, "words of 1", None]

"""Which files are read, as what, and in which order."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from pipeline.settings import Producer
from pipeline.sources import Item, read_path
from pipeline.sources.formats import read_file

SETTINGS = Producer()
LINE = json.dumps({"id": "a", "text": "Two trams collided."}) + "\n"
FEED = "<rss version='2.0'><channel><title>Lund</title><item><guid>g1</guid><title>Trams</title></item></channel></rss>"


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def outcome(item: Item) -> str:
    return item.article.format if item.article else f"{item.error.kind}" if item.error else "nothing"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", LINE, "jsonl"),
        ("a.NDJSON", LINE, "jsonl"),
        ("a.json", LINE, "jsonl"),
        ("a.json", LINE.strip(), "jsonl"),
        ("a.json", json.dumps({"id": "a", "text": "x" * 9000}), "jsonl"),
        ("a.json", json.dumps({"id": "a", "text": "x"}, indent=1), "unsupported"),
        ("a.json", "[" + LINE + "]", "unsupported"),
        ("a.txt", "Two trams collided.", "text"),
        ("a.rss", FEED, "rss"),
        ("a.xml", FEED, "rss"),
        ("a.xml", ('<?xml version="1.0" encoding="utf-16"?>' + FEED).encode("utf-16"), "rss"),
        ("a.xml", "<nitf/>", "unsupported"),
        ("a.md", "Two trams collided.", "unsupported"),
        ("a", LINE, "unsupported"),
        ("a.jsonl.gz", gzip.compress(LINE.encode(), mtime=0), "jsonl"),
        ("a.jsonl", gzip.compress(LINE.encode(), mtime=0), "jsonl"),
        ("a.json.gz", gzip.compress(LINE.encode(), mtime=0), "jsonl"),
    ],
)
def test_the_reader_is_chosen_by_suffix_and_content(
    tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    (item,) = read_path(write(tmp_path / name, content), SETTINGS)
    assert outcome(item) == expected
    assert item.file == str(tmp_path / name)


def test_a_folder_is_read_in_the_order_of_names_without_hidden_and_unfinished_files(tmp_path: Path) -> None:
    for name in ["b.txt", "a/z.txt", "a/B.txt", "c.md", ".hidden.txt", ".git/x.txt", "d.txt.tmp", "e.txt.part", "f~"]:
        write(tmp_path / name, name)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.txt")
    read = [(os.path.relpath(i.file, tmp_path), outcome(i)) for i in read_path(tmp_path, SETTINGS)]
    assert read == [("a/B.txt", "text"), ("a/z.txt", "text"), ("b.txt", "text"), ("c.md", "unsupported")]


def test_a_bad_file_does_not_end_a_folder(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl.gz", gzip.compress(LINE.encode() * 3)[:-12])
    write(tmp_path / "b.jsonl", LINE)
    (tmp_path / "c.txt").symlink_to(tmp_path / "a.jsonl.gz")
    write(tmp_path / "d.jsonl", b"\x00" * 100)
    write(tmp_path / "e.jsonl", LINE)
    outcomes = {(os.path.relpath(i.file, tmp_path), outcome(i)) for i in read_path(tmp_path, SETTINGS)}
    assert ("a.jsonl.gz", "unsupported") in outcomes
    assert {("b.jsonl", "jsonl"), ("d.jsonl", "not_json"), ("e.jsonl", "jsonl")} <= outcomes


def test_a_file_that_cannot_be_opened_is_an_item_with_an_error(tmp_path: Path) -> None:
    (item,) = read_path(tmp_path / "gone.jsonl", SETTINGS)
    assert item.error is not None
    assert "No such file" in item.error.detail
    with pytest.raises(FileNotFoundError):
        list(read_file(tmp_path / "gone.jsonl", SETTINGS))


def test_a_name_that_is_not_utf8_is_shown_readably(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    with open(path, "wb") as f:  # noqa: PTH123 - a path of bytes
        f.write(b"Two trams collided.")
    (item,) = read_path(tmp_path, SETTINGS)
    assert item.file.endswith("caf\\xe9.txt")
    assert item.article is not None
    assert item.article.native_id == "caf\\xe9.txt"


@pytest.mark.parametrize("compress", [False, True])
def test_going_on_in_a_file(tmp_path: Path, compress: bool) -> None:
    data = "".join(json.dumps({"id": n, "text": "x"}) + "\n" for n in range(5)).encode()
    path = write(tmp_path / "a.jsonl", gzip.compress(data) if compress else data)
    everything = list(read_file(path, SETTINGS))
    assert list(read_file(path, SETTINGS, everything[2].next)) == everything[3:]

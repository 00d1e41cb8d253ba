"""The cursor: what it remembers survives a kill, whole or not at all."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import FatalError
from pipeline.sources.cursor import Cursors, EntryMark, FeedMark, FileMark, fingerprint
from pipeline.sources.wire import BEGINNING, Position


@pytest.fixture
def cursors(tmp_path: Path) -> Iterator[Cursors]:
    found = Cursors(tmp_path / "run" / "cursors.db", "cluster/raw/0")
    yield found
    found.close()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def mark(path: Path, position: Position, *, finished: bool) -> FileMark:
    return FileMark(str(path), fingerprint(path), position, finished)


def test_a_file_is_begun_continued_and_skipped(cursors: Cursors, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"one\ntwo\n")
    assert cursors.start(path, str(path)) == (fingerprint(path), BEGINNING)
    cursors.commit([mark(path, Position(4, 2), finished=False)])
    assert cursors.start(path, str(path)) == (fingerprint(path), Position(4, 2))
    cursors.commit([mark(path, Position(8, 3), finished=True)])
    assert cursors.start(path, str(path)) is None


def test_a_file_that_grew_is_continued_and_one_that_was_touched_is_not(cursors: Cursors, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"one\ntwo\n")
    cursors.commit([mark(path, Position(8, 3), finished=True)])
    os.utime(path, (1, 1))
    assert cursors.start(path, str(path)) is None
    write(path, b"one\ntwo\nthree\n")
    assert cursors.start(path, str(path)) == (fingerprint(path), Position(8, 3))


@pytest.mark.parametrize("data", [b"ONE\ntwo\n", b"one\nTWO\n", b"ONE\ntwo\nthree\n", b"one\n", b""])
@pytest.mark.parametrize("finished", [True, False])
def test_another_file_in_its_place_is_begun_anew(cursors: Cursors, tmp_path: Path, data: bytes, finished: bool) -> None:
    path = write(tmp_path / "a.jsonl", b"one\ntwo\n")
    cursors.commit([mark(path, Position(8, 3), finished=finished)])
    os.utime(write(path, data), (1, 1))
    assert cursors.start(path, str(path)) == (fingerprint(path), BEGINNING)


def test_large_files_are_told_apart_by_both_ends(tmp_path: Path) -> None:
    middle = b"x" * 500_000
    prints = [
        fingerprint(write(tmp_path / "a", data)).digest
        for data in (b"a" + middle + b"a", b"b" + middle + b"a", b"a" + middle + b"b")
    ]
    assert len(set(prints)) == 3


def test_destinations_do_not_share_cursors(cursors: Cursors, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"one\n")
    cursors.commit([mark(path, Position(4, 2), finished=True)])
    other = Cursors(tmp_path / "run" / "cursors.db", "cluster/raw/1")
    assert other.start(path, str(path)) == (fingerprint(path), BEGINNING)
    other.close()


def test_feeds_and_entries(cursors: Cursors) -> None:
    assert cursors.feed("f", "http://a") == FeedMark("f", "http://a", "http://a")
    known = FeedMark("f", "http://a", "http://b", etag='"1"', last_modified="x", gone=True, fetches=2)
    cursors.commit([EntryMark("f", "1", "h1", 1), known, EntryMark("f", "1", "h2", 2)])
    assert cursors.feed("f", "http://a") == known
    assert (cursors.entry("f", "1"), cursors.entry("f", "2"), cursors.entry("g", "1")) == ("h2", None, None)


def test_a_feed_with_a_new_address_is_a_new_feed_with_the_old_entries(cursors: Cursors) -> None:
    cursors.commit([FeedMark("f", "http://a", "http://b", gone=True, fetches=2), EntryMark("f", "1", "h", 2)])
    assert cursors.feed("f", "http://c") == FeedMark("f", "http://c", "http://c", fetches=2)
    assert cursors.entry("f", "1") == "h"


def test_the_entries_that_were_seen_last_are_kept(cursors: Cursors) -> None:
    cursors.commit([EntryMark("f", str(n), "h", n) for n in range(10)] + [EntryMark("g", "0", "h", 0)])
    cursors.forget_entries("f", keep=3)
    assert [n for n in range(10) if cursors.entry("f", str(n))] == [7, 8, 9]
    assert cursors.entry("g", "0")


def test_files_that_are_gone_are_forgotten(cursors: Cursors, tmp_path: Path) -> None:
    paths = [write(tmp_path / name, b"x") for name in ("a", "b")]
    outside = write(tmp_path.parent / (tmp_path.name + "-c"), b"x")
    cursors.commit([mark(p, Position(1, 2), finished=True) for p in [*paths, outside]])
    cursors.forget_files(str(tmp_path), [str(paths[0])])
    assert [cursors.file(str(p)) is not None for p in [*paths, outside]] == [True, False, True]


def test_a_damaged_file_is_said_and_named(tmp_path: Path) -> None:
    path = write(tmp_path / "cursors.db", b"no database at all, " * 100)
    with pytest.raises(FatalError, match=r"is damaged.*remove it") as caught:
        Cursors(path, "d")
    assert str(path) in str(caught.value)


def test_a_failing_commit_changes_nothing(cursors: Cursors, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "run" / "cursors.db") as other:
        other.execute("create trigger no before insert on entries begin select raise(abort, 'disk full'); end")
    with pytest.raises(FatalError, match="disk full"):
        cursors.commit([FeedMark("f", "http://a", "http://a"), EntryMark("f", "1", "h", 1)])
    assert cursors.feed("f", "http://a").fetches == 0
    assert cursors.entry("f", "1") is None


_COMMITS = """
import itertools, sys
from pathlib import Path
from pipeline.sources.cursor import Cursors, EntryMark, FeedMark
cursors = Cursors(Path(sys.argv[1]), "d")
for n in itertools.count(cursors.feed("f", "a").fetches + 1):
    cursors.commit([EntryMark("f", str(i), str(n), n) for i in range(50)] + [FeedMark("f", "a", "a", fetches=n)])
    print(n, flush=True)
"""


def test_a_kill_leaves_the_last_commit_whole(tmp_path: Path) -> None:
    path = tmp_path / "cursors.db"
    said = 0
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _COMMITS, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(5):
                said = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
        cursors = Cursors(path, "d")
        committed = cursors.feed("f", "a").fetches
        assert committed >= said
        assert {cursors.entry("f", str(i)) for i in range(50)} == {str(committed)}
        cursors.close()

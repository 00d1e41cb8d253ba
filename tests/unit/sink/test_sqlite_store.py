"""The SQLite store: its tables, and every way in which the file may be out of order."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.errors import FatalError, RetryableError
from pipeline.records import ArticleEvent, IncidentChange
from pipeline.sink.sqlite import SqliteSink
from pipeline.sink.sqlite_reader import SqliteReader


def void(seq: int) -> ArticleEvent:
    return ArticleEvent(
        id=None, article_id=None, edition=0, seq=seq, provider=None, source=None, title=None, text=None, url=None,
        published=None, language=None, version=None, verdict="void", reason="schema", copy_of=None, copy_kind=None,
        copy_group=None, regrouped={}, incident_id=None, why={}, entities=(), side_spans=(), facts={}, tolls={},
    )  # fmt: skip


def big_change(n: int) -> IncidentChange:
    return IncidentChange(
        change_id=f"0:{n}:0", change="created", incident_id="i", edition=0, seq=n, article_id=None, event_time=None,
        evidence={"filler": "x" * 20_000},
    )  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "wirefuse.db"


@pytest.fixture
def written(path: Path) -> Path:
    with closing(SqliteSink(path)) as sink:
        sink.open()
        sink.write([void(0), *(big_change(n) for n in range(20))])
    return path


def inputs(path: Path) -> list[int]:
    with closing(SqliteReader(path)) as reader:
        return [i.seq for i in reader.inputs()]


def test_the_tables_have_the_columns_that_others_build_on(written: Path) -> None:
    promised = {
        "articles": "article_id seq provider source native_id status verdict copy_of incident_id published title"
        " record",
        "incidents": "incident_id version status merged_into title first_seen last_seen reports copies"
        " independent_origins record",
        "incident_articles": "incident_id article_id",
        "inputs": "edition seq article_id verdict reason",
        "changes": "change_id edition seq change incident_id article_id event_time evidence",
    }
    with closing(sqlite3.connect(written)) as db:
        for table, columns in promised.items():
            there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            assert set(columns.split()) <= there, table


def test_batches_may_come_from_any_thread(path: Path) -> None:
    sink = SqliteSink(path)
    with ThreadPoolExecutor(4) as pool:
        pool.submit(sink.open).result()
        list(pool.map(lambda n: sink.write([void(n)]), range(40)))
        pool.submit(sink.close).result()
    assert inputs(path) == list(range(40))


_HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_store_locked_by_another_process_is_retryable_and_then_works(written: Path) -> None:
    with closing(SqliteSink(written, busy_timeout_s=0.05)) as sink:
        sink.open()
        with subprocess.Popen(
            [sys.executable, "-c", _HOLDER, str(written)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"locked\n"
            with pytest.raises(RetryableError, match=r"wirefuse\.db is locked by another process"):
                sink.write([void(1)])
            assert inputs(written) == [0]
            holder.communicate()
        assert sink.write([void(1)]).inputs == 1
    assert inputs(written) == [0, 1]


def test_a_full_disk_is_retryable_and_nothing_is_half_written(written: Path) -> None:
    pages = sqlite3.connect(written).execute("PRAGMA page_count").fetchone()[0]
    with closing(SqliteSink(written, max_pages=pages + 10)) as sink:
        sink.open()
        with pytest.raises(RetryableError, match=r"wirefuse\.db cannot grow: the disk is full"):
            sink.write([void(1), *(big_change(n) for n in range(100, 130))])
        assert inputs(written) == [0]
        assert sink.write([void(1)]).inputs == 1
    with closing(SqliteReader(written)) as reader:
        assert reader.counts().changes == 20


def test_a_file_that_is_no_database_is_named_with_what_to_do(path: Path) -> None:
    path.write_bytes(b"this is not a database, it is a note\n" * 100)
    for opening in (SqliteSink(path).open, lambda: SqliteReader(path)):
        with pytest.raises(FatalError, match=r"wirefuse\.db is damaged or no SQLite database.*backup"):
            opening()


def test_damage_inside_the_file_is_fatal_when_writing_and_when_reading(written: Path) -> None:
    size = written.stat().st_size
    with written.open("r+b") as file:
        file.seek(8192)  # behind the first page, which holds the schema
        file.write(b"\xa5" * (size - 8192))
    with closing(SqliteSink(written)) as sink:
        sink.open()
        with pytest.raises(FatalError, match=r"wirefuse\.db is damaged.*backup"):
            sink.write([void(1), big_change(3)])
    with closing(SqliteReader(written)) as reader, pytest.raises(FatalError, match=r"wirefuse\.db is damaged"):
        list(reader.inputs())


def test_a_folder_in_place_of_the_file_is_fatal(path: Path) -> None:
    path.mkdir()
    with pytest.raises(FatalError, match=r"wirefuse\.db cannot be opened"):
        SqliteSink(path).open()


def test_the_database_of_another_program_is_not_touched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE articles (id)")
        db.commit()
    for opening in (SqliteSink(path).open, lambda: SqliteReader(path)):
        with pytest.raises(FatalError, match="database of something else"):
            opening()
    with closing(sqlite3.connect(path)) as db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_schema")] == ["articles"]


def test_a_store_of_a_newer_version_is_refused(written: Path) -> None:
    with closing(sqlite3.connect(written)) as db:
        db.execute("PRAGMA user_version = 999")
    for opening in (SqliteSink(written).open, lambda: SqliteReader(written)):
        with pytest.raises(FatalError, match=r"schema version 999.*newer"):
            opening()


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with closing(SqliteSink(path)) as sink:
        sink.open()
        sink.write([void(0)])
    assert inputs(path) == [0]


def test_a_missing_table_is_fatal_and_the_rest_of_the_batch_is_not_there(written: Path) -> None:
    with closing(sqlite3.connect(written)) as db:
        db.execute("DROP TABLE changes")
    with closing(SqliteSink(written)) as sink:
        sink.open()
        with pytest.raises(FatalError, match=r"no such table: changes.*not as Wirefuse made them"):
            sink.write([void(1), big_change(1)])
    assert inputs(written) == [0]


def test_a_reader_cannot_write(written: Path) -> None:
    with closing(SqliteReader(written)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._db.execute("DELETE FROM inputs")


def test_many_ids_in_one_batch_are_one_parameter(path: Path) -> None:
    """SQLite allows 32,766 parameters in a statement; a batch may name more articles."""
    with closing(SqliteSink(path)) as sink:
        sink.open()
        assert sink.write([void(n) for n in range(40_000)]).inputs == 40_000

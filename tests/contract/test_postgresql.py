"""What only the PostgreSQL sink can get wrong; the contract of all sinks is in test_sink_contract.py."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from sink_histories import article, content, event, expected, long_history, marker, record

import postgres
from pipeline.errors import FatalError, RetryableError
from pipeline.sink.base import NoStoreError, SinkRecord, open_reader, open_sink
from pipeline.sink.postgres import PostgresSink


@pytest.fixture
def server() -> Iterator[postgres.PostgresServer]:
    found = postgres.server()
    yield found
    found.start_again()  # a test may have stopped it


@pytest.fixture
def url(server: postgres.PostgresServer) -> str:
    return server.url()


def test_an_outage_is_retryable_and_the_same_sink_goes_on_after_it(server: postgres.PostgresServer, url: str) -> None:
    history = long_history(3, 300)
    half = len(history) // 2
    with closing(open_sink(url)) as sink:
        sink.write(history[:half])
        server.kill()
        for _ in range(3):
            with pytest.raises(RetryableError, match="does not answer"):
                sink.write(history[half:])
        server.start()
        sink.write(history[half:])
        sink.write(history)  # and a replay is a no-op
    with closing(open_reader(url)) as reader:
        assert content(reader) == expected(history)


def test_sinks_that_write_at_once_leave_what_one_would(url: str) -> None:
    history = long_history(5, 400)

    def work(own: list[SinkRecord]) -> None:
        with closing(open_sink(url)) as sink:
            for start in range(0, len(own), 20):
                sink.write(own[start : start + 20])

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, (history[n::3] for n in range(3))))
    with closing(open_reader(url)) as reader:
        assert content(reader) == expected(history)


def test_no_row_holds_what_was_taken_back(url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([event(n, n) for n in range(10)])
        sink.write([record(0, 11, {0: 0, 1: 1}, title="A-TITLE")])
        sink.write([event(0, 12, "kill"), record(0, 12, {1: 1})])
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT a::text FROM articles a UNION ALL SELECT i::text FROM incidents i").fetchall()
    told = "".join(row for (row,) in rows)
    assert marker(0, 1) in told
    assert marker(0, 0) not in told
    assert "A-TITLE" not in told


def test_text_that_postgresql_cannot_hold_is_kept_as_far_as_it_can(url: str) -> None:
    hostile = "a\0b \\u0000 \\\\ \ufffe \U0001f600"
    with closing(open_sink(url)) as sink:
        sink.write([replace(event(1, 1), title=hostile, text=hostile * 2, source="\0")])
    with closing(open_reader(url)) as reader:
        found = reader.article(article(1))
    assert found is not None
    assert found.title == hostile.replace("\0", "\ufffd")
    assert found.record["text"] == (hostile * 2).replace("\0", "\ufffd")
    assert found.source == "\ufffd"


@pytest.mark.parametrize("what", ["password", "database"])
def test_a_refusal_says_so_at_once_and_never_shows_the_password(server: postgres.PostgresServer, what: str) -> None:
    wrong = server.dsn(password="s3cret-wrong") if what == "password" else server.dsn(database="no_such_database")
    with pytest.raises(FatalError, match=r"sink\.url") as failure:
        open_sink(wrong)
    assert "s3cret" not in str(failure.value)
    assert "only" not in repr(PostgresSink(server.dsn()))


def test_a_database_of_something_else_is_left_alone(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE articles (id integer)")
    with pytest.raises(FatalError, match="something else"):
        open_sink(url)


def test_a_newer_schema_is_refused(url: str) -> None:
    open_sink(url).close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE wirefuse_schema SET version = 99")
    for opened in (open_sink, open_reader):
        with pytest.raises(FatalError, match="newer version"):
            opened(url)


def test_there_is_nothing_to_read_before_the_first_write(url: str) -> None:
    with pytest.raises(NoStoreError):
        open_reader(url)

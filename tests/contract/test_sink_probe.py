"""Whether a sink could be written: asked of real stores, and without leaving a trace in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import postgres
from pipeline.errors import FatalError, RetryableError
from pipeline.sink.base import open_sink
from pipeline.sink.probe import probe


@pytest.fixture(params=["sqlite", "jsonl", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return postgres.server().url()
    return f"{request.param}:///{tmp_path}/new/store"


def test_a_store_that_is_not_there_yet_is_not_made(url: str, tmp_path: Path) -> None:
    state = probe(url)
    assert not state.version
    assert state == probe(url)
    assert not (tmp_path / "new").exists()
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('articles')").fetchone() == (None,)


def test_a_store_that_is_there_says_its_version(url: str) -> None:
    open_sink(url).close()
    state = probe(url)
    assert state.version == state.latest
    assert state.version is None or state.version > 0


def test_a_store_can_be_looked_at_while_a_sink_has_it_open(url: str) -> None:
    with closing(open_sink(url)):
        assert probe(url).version == probe(url).latest


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for kind in ("sqlite", "jsonl"):
        with pytest.raises(FatalError, match="file is no folder"):
            probe(f"{kind}:///{tmp_path}/file/store")


def test_a_sqlite_file_that_is_locked_or_newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sink.probe._BUSY_TIMEOUT_S", 0.1)
    url = f"sqlite:///{tmp_path}/store"
    open_sink(url).close()
    with closing(sqlite3.connect(tmp_path / "store", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RetryableError, match="locked"):
            probe(url)
        other.execute("ROLLBACK")
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(FatalError, match="newer version"):
        probe(url)


@pytest.fixture
def weak() -> Iterator[tuple[str, str]]:
    """The URL of a store and that of a user who may read it and no more."""
    server = postgres.server()
    url = server.url()
    open_sink(url).close()
    schema = url.rpartition("%3D")[2]
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'reads'")
        connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO reader")
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
        yield url, f"postgresql://reader:reads@127.0.0.1:{server.port}/postgres?options=-csearch_path%3D{schema}"
        connection.execute("DROP OWNED BY reader")
        connection.execute("DROP ROLE reader")


def test_a_postgresql_user_who_may_only_read(weak: tuple[str, str]) -> None:
    url, reader = weak
    with pytest.raises(FatalError, match=r"the user of sink.url has no INSERT right on its tables"):
        probe(reader)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER ROLE reader SET default_transaction_read_only = on")
    with pytest.raises(FatalError, match="takes no writes: it is read-only"):
        probe(reader)


def test_a_postgresql_server_that_is_away_or_refuses() -> None:
    server = postgres.server()
    with pytest.raises(FatalError, match=r"Check the user, the password"):
        probe(server.dsn(password="wrong"))
    with pytest.raises(RetryableError, match="does not answer"):
        probe("postgresql://u:p@127.0.0.1:1/d")

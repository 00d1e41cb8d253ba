"""What every sink promises (pipeline/sink/base.py), on each of them."""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sink_histories import (
    START,
    Content,
    article,
    change,
    content,
    deliveries,
    event,
    expected,
    histories,
    incident,
    long_history,
    marker,
    record,
)

import postgres
from pipeline.errors import FatalError, RetryableError
from pipeline.records import ArticleEvent
from pipeline.sink.base import (
    ArticleQuery,
    IncidentQuery,
    IncidentTombstone,
    NoStoreError,
    SinkRecord,
    StoredArticle,
    StoredIncident,
    open_reader,
    open_sink,
)

KINDS = {"sqlite": "sqlite:///{}/wirefuse.db", "jsonl": "jsonl:///{}/out", "postgresql": ""}
FILES = ("jsonl", "sqlite")

# A store is made for each example: in memory where the system has such a folder, because each waits for the disk often.
IN_MEMORY = Path("/dev/shm")
with_stores = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> str:
    return _url(kind, tmp_path)


def _url(kind: str, folder: Path) -> str:
    return postgres.server().url() if kind == "postgresql" else KINDS[kind].format(folder)


@pytest.fixture(params=FILES)
def file_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a store whose files the test looks at."""
    return KINDS[request.param].format(tmp_path)


@contextmanager
def fresh(kind: str) -> Iterator[tuple[str, Path]]:
    """URL and folder of a store that does not exist yet."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield postgres.server().emptied() if kind == "postgresql" else KINDS[kind].format(folder), Path(folder)


def write(url: str, *batches: Sequence[SinkRecord]) -> None:
    with closing(open_sink(url)) as sink:
        for batch in batches:
            sink.write(batch)


def read(url: str) -> Content:
    with closing(open_reader(url)) as reader:
        return content(reader)


def stored_article(url: str, n: int) -> StoredArticle:
    with closing(open_reader(url)) as reader:
        found = reader.article(article(n))
    assert found is not None
    return found


def stored_incident(url: str, n: int) -> StoredIncident:
    with closing(open_reader(url)) as reader:
        found = reader.incident(incident(n))
    assert found is not None
    return found


# Any order, any number of deliveries, any batches


@with_stores
@given(data=st.data())
def test_content_is_a_function_of_the_set_of_records(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories)
    batches = data.draw(deliveries(history))
    with fresh(kind) as (url, _):
        write(url, *batches)
        assert read(url) == expected(history)


@with_stores
@given(data=st.data())
def test_a_restart_between_any_two_batches_changes_nothing(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories)
    batches = data.draw(deliveries(history))
    with fresh(kind) as (url, _):
        for batch in batches:
            write(url, batch)
        write(url)
        assert read(url) == expected(history)


@with_stores
@given(data=st.data())
def test_a_replay_is_a_no_op_and_says_so(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories)
    with fresh(kind) as (url, _), closing(open_sink(url)) as sink:
        first = sink.write(history)
        again = sink.write(history[::-1])
        assert first.inputs == sum(isinstance(r, ArticleEvent) for r in history)
        assert (again.articles, again.incidents, again.changes, again.inputs) == (0, 0, 0, 0)
        assert again.ignored == len(history)
        assert again.kills == {}
        assert read(url) == expected(history)


@with_stores
@given(data=st.data())
def test_all_sinks_report_the_same_results(data: st.DataObject) -> None:
    batches = data.draw(deliveries(data.draw(histories)))
    results = []
    for kind in KINDS:
        with fresh(kind) as (url, _), closing(open_sink(url)) as sink:
            results.append([sink.write(batch) for batch in batches])
    assert results[1:] == results[:-1]


@with_stores
@given(data=st.data())
def test_what_was_taken_back_is_nowhere_in_the_store(kind: str, data: st.DataObject) -> None:
    history = data.draw(histories)
    batches = data.draw(deliveries(history))
    with fresh(kind) as (url, folder), closing(open_sink(url)) as sink:
        for batch in batches:
            sink.write(batch)
        # PostgreSQL itself says when the space of an old row is used again.
        stored = postgres.rows(url) if kind == "postgresql" else bytes_in(folder)
    events = [r for r in history if isinstance(r, ArticleEvent)]
    kills = {(e.article_id, e.edition, e.seq) for e in events if e.verdict in ("kill", "withheld")}
    gone = [
        marker(e.edition, e.seq)
        for e in events
        if any(id == e.article_id and edition == e.edition and seq >= e.seq for id, edition, seq in kills)
    ]
    assert [word for word in gone if word.encode() in stored] == []


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_every_version_of_a_killed_article_leaves_the_disk_while_the_sink_is_open(
    file_url: str, tmp_path: Path
) -> None:
    with closing(open_sink(file_url)) as sink:
        sink.write([event(n, n, text=f"{marker(0, n)} " * 200) for n in range(50)])
        sink.write([event(7, 60, "update", text=f"{marker(0, 60)} " * 30), event(8, 61, "update")])
        sink.write([event(7, 62, "kill")])
        on_disk = bytes_in(tmp_path)
        words = [marker(0, 7), marker(0, 60), marker(0, 61)]
        assert [word.encode() in on_disk for word in words] == [False, False, True]


def test_a_killed_title_leaves_the_older_records_of_its_incident(file_url: str, tmp_path: Path) -> None:
    """The record without it may come before the kill or after it, and the article itself never."""
    with closing(open_sink(file_url)) as sink:
        sink.write([record(0, 1, {0: 0, 1: 1}, title="A-TITLE"), record(2, 3, {2: 2, 3: 3}, title="B-TITLE")])
        sink.write([record(0, 5, {1: 1})])
        sink.write([event(0, 5, "kill")])
        assert b"A-TITLE" not in bytes_in(tmp_path)
        sink.write([event(2, 6, "kill")])
        sink.write([record(2, 6, {3: 3})])
        assert b"B-TITLE" not in bytes_in(tmp_path)


def test_a_late_kill_leaves_no_trace_in_the_records_that_the_ledger_writes_no_more(
    kind: str, url: str, tmp_path: Path
) -> None:
    """The article was in incident 0, and came again into incident 1 when the ledger had forgotten it."""
    reports = {0: 0, 1: 1, 2: 2}
    with closing(open_sink(url)) as sink:
        sink.write([event(0, 0, incident_id=incident(0)), record(0, 2, reports, title="Report 0")])
        sink.write([event(0, 7, "update", incident_id=incident(1)), record(1, 7, {0: 7}, title="Report 0")])
        sink.write([event(0, 9, "kill")])
        found, only = stored_incident(url, 0), stored_incident(url, 1)
        assert (found.title, found.reports, found.status, found.version) == ("Report 1", 2, "open", 2)
        assert [r["article_id"] for r in found.record["reports"]] == [article(1), article(2)]
        assert [e["name"] for e in found.record["entities"]] == ["Harbour"]
        assert (only.title, only.reports, only.status) == (None, 0, "withdrawn")
        for word in (b"Report 0", b"Person 0"):
            assert word not in (postgres.rows(url) if kind == "postgresql" else bytes_in(tmp_path))
        again = sink.write([record(0, 2, reports, title="Report 0"), event(0, 9, "kill")])
        assert again.ignored == 2
        assert stored_incident(url, 0) == found


def test_a_store_of_version_1_is_mended_when_it_is_opened(tmp_path: Path) -> None:
    """It kept what a late kill had not reached."""
    for kind in ("sqlite", "postgresql"):
        url = _url(kind, tmp_path)
        write(url, [event(0, 0), record(0, 2, {0: 0, 1: 1, 2: 2}, title="Report 0"), record(1, 3, {3: 3})])
        as_version_1(kind, url, tmp_path, killed=article(0))
        open_sink(url).close()
        found = stored_incident(url, 0)
        assert (found.title, found.reports) == ("Report 1", 2)
        assert b"Person 0" not in (postgres.rows(url) if kind == "postgresql" else bytes_in(tmp_path))
        write(url, [event(3, 9, "kill")])
        assert stored_incident(url, 1).status == "withdrawn"


def as_version_1(kind: str, url: str, folder: Path, killed: str) -> None:
    """Make a store what version 1 left of it after the kill of an article."""
    statements = [
        "DROP TABLE former_places",
        f"UPDATE articles SET removed_edition = 0, removed_seq = 8, status = 'killed' WHERE article_id = '{killed}'",
        f"DELETE FROM incident_articles WHERE article_id = '{killed}'",
    ]
    if kind == "postgresql":
        with psycopg.connect(url) as server:
            for statement in [*statements, "UPDATE wirefuse_schema SET version = 1"]:
                server.execute(statement)
    else:
        with closing(sqlite3.connect(folder / "wirefuse.db", isolation_level=None)) as file:
            for statement in [*statements, "PRAGMA user_version = 1"]:
                file.execute(statement)


# The rules, one by one


def test_the_newest_version_of_an_article_wins(url: str) -> None:
    write(url, [event(0, 5, "update")], [event(0, 2, "new")])
    found = stored_article(url, 0)
    assert (found.seq, found.verdict, found.title) == (5, "update", f"Title {marker(0, 5)}")
    assert found.record["text"].startswith(f"Text {marker(0, 5)}")
    assert found.published == START.replace(minute=5)


def test_an_article_in_two_editions_belongs_to_the_higher(url: str) -> None:
    write(url, [event(0, 3, edition=1)], [event(0, 900, edition=0)])
    assert stored_article(url, 0).edition == 1


def test_stale_and_void_are_accounted_for_and_change_nothing(url: str) -> None:
    write(url, [event(0, 0), event(0, 1, "stale"), event(0, 2, "void"), event(None, 3, "void")])
    with closing(open_reader(url)) as reader:
        assert [(i.seq, i.verdict, i.article_id) for i in reader.inputs()] == [
            (0, "new", article(0)),
            (1, "stale", article(0)),
            (2, "void", article(0)),
            (3, "void", None),
        ]
    assert stored_article(url, 0).verdict == "new"


@pytest.mark.parametrize(("verdict", "status"), [("kill", "killed"), ("withheld", "withheld")])
def test_what_is_taken_back_loses_its_content_and_its_incident(url: str, verdict: str, status: str) -> None:
    write(
        url,
        [event(0, 0, incident_id=incident(0)), record(0, 0, {0: 0, 1: 0})],
        [event(0, 4, verdict)],
    )
    found = stored_article(url, 0)
    assert (found.status, found.title, found.incident_id) == (status, None, None)
    assert found.record["text"] is None
    assert found.record["entities"] == []
    assert (found.provider, found.native_id) == ("wire", "item-0")
    assert read(url)["memberships"] == [(incident(0), article(1))]


def test_a_kill_that_carries_content_is_stored_without_it(url: str) -> None:
    write(url, [replace(event(0, 4), verdict="kill", incident_id=incident(0))])
    assert marker(0, 4) not in str(read(url))


def test_kills_are_counted_once_by_provider(url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([event(0, 0), event(1, 1)])
        assert sink.write([event(0, 2, "kill"), event(1, 3, "withheld")]).kills == {"wire": 1}
        assert sink.write([event(0, 2, "kill")]).kills == {}


def test_an_article_may_come_back_after_a_kill(url: str) -> None:
    write(
        url,
        [event(0, 4, "kill"), event(0, 7, "new", incident_id=incident(1))],
        [record(0, 2, {0: 2})],  # what was before the kill
    )
    found = stored_article(url, 0)
    assert (found.status, found.incident_id) == ("usable", incident(1))


def test_an_assignment_from_before_a_kill_is_ignored(url: str) -> None:
    write(url, [event(0, 4, "kill"), event(0, 7)], [record(0, 2, {0: 2})])
    assert stored_article(url, 0).incident_id is None


def test_an_article_follows_the_incident_that_lists_it_last(url: str) -> None:
    write(url, [record(1, 9, {0: 9})], [event(0, 3, incident_id=incident(0))], [record(0, 3, {0: 3})])
    assert stored_article(url, 0).incident_id == incident(1)
    assert read(url)["memberships"] == [(incident(1), article(0))]


def test_an_article_stays_where_it_was_when_the_ledger_has_forgotten_it(url: str) -> None:
    write(url, [event(0, 3), record(0, 3, {0: 3})], [record(0, 900, {1: 900})])
    assert stored_article(url, 0).incident_id == incident(0)


def test_a_merged_incident_stays_as_a_redirect(url: str) -> None:
    write(
        url,
        [record(0, 3, {0: 3}), record(1, 1, {1: 1})],
        [record(0, 8, {0: 3}, status="merged", merged_into=incident(1)), record(1, 8, {0: 8, 1: 1})],
    )
    found = stored_incident(url, 0)
    assert (found.status, found.merged_into) == ("merged", incident(1))
    assert read(url)["memberships"] == sorted([(incident(1), article(0)), (incident(1), article(1))])


def test_a_tombstone_withdraws_what_it_ends_and_nothing_later(url: str) -> None:
    tombstone = IncidentTombstone(incident_id=incident(0), version=6)
    write(url, [tombstone], [record(0, 6, {}, status="withdrawn")], [record(0, 2, {0: 2})])
    found = stored_incident(url, 0)
    assert (found.status, found.version, found.title) == ("withdrawn", 6, None)
    write(url, [record(0, 11, {0: 11})], [tombstone])
    assert stored_incident(url, 0).status == "open"


def test_copy_groups_follow_a_new_root_but_not_what_came_after_it(url: str) -> None:
    write(
        url,
        [event(1, 1, "copy", copy_group=article(0)), event(3, 9, "copy", copy_group=article(0))],
        [event(2, 5, regrouped={article(0): article(2)})],
        [event(4, 3, "copy", copy_group=article(0))],
    )
    groups = {n: stored_article(url, n).copy_group for n in (1, 2, 3, 4)}
    assert groups == {1: article(2), 2: article(2), 3: article(0), 4: article(2)}
    assert stored_article(url, 1).record["copy_group"] == article(2)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_copy_groups_follow_a_chain_of_new_roots_in_any_order(url: str, order: tuple[int, ...]) -> None:
    history = [
        event(9, 1, "copy", copy_group=article(0)),
        event(2, 3, regrouped={article(0): article(2)}),
        event(3, 5, "kill", regrouped={article(2): article(4)}),
        event(5, 7, regrouped={article(0): article(6)}),  # too late for what has gone to article 2
    ]
    write(url, *([history[i]] for i in order))
    assert stored_article(url, 9).copy_group == article(4)


def test_changes_keep_the_order_of_their_arrival(url: str) -> None:
    write(url, [change(0, 4), change(0, 2)], [change(1, 3)])
    with closing(open_reader(url)) as reader:
        arrived = reader.changes()
        assert [c.seq for _, c in arrived] == [4, 2, 3]
        assert reader.changes(after=arrived[0][0]) == arrived[1:]
        assert [c.seq for _, c in reader.changes(last=1)] == [3]
        assert [c.seq for _, c in reader.changes(incident_id=incident(0), last=1)] == [2]


# Reading


def test_lists_are_newest_first_and_hold_what_was_asked_for(url: str) -> None:
    undated = event(3, 9, published=None)
    write(
        url,
        [
            event(0, 0, incident_id=incident(0)),
            event(1, 1),
            event(2, 2, "copy", copy_group=article(1)),
            undated,
            event(0, 5, "kill"),
            record(0, 5, {}),
            record(1, 7, {1: 1, 2: 2}),
            record(2, 3, status="merged", merged_into=incident(1)),
        ],
    )
    with closing(open_reader(url)) as reader:

        def articles(**query: Any) -> list[str]:
            return [a.article_id for a in reader.articles(ArticleQuery(**query))]

        def incidents(**query: Any) -> list[str]:
            return [i.incident_id for i in reader.incidents(IncidentQuery(**query))]

        assert articles() == [article(2), article(1), *sorted([article(0), article(3)])]
        assert articles(limit=1) == [article(2)]
        assert articles(status="killed") == [article(0)]
        assert articles(incident_id=incident(1)) == [article(2), article(1)]
        assert articles(copy_group=article(1)) == [article(2), article(1)]
        assert articles(since=START.replace(minute=2)) == [article(2)]
        assert incidents() == [incident(1), incident(0), incident(2)]
        assert incidents(statuses=("open", "closed"), limit=1) == [incident(1)]
        assert incidents(statuses=("merged",)) == [incident(2)]
        assert incidents(min_reports=2) == [incident(1)]
        assert incidents(since=START.replace(minute=5)) == [incident(1), incident(0)]


def test_ids_are_found_by_their_beginning_and_articles_by_their_native_id(url: str) -> None:
    write(url, [event(0, 0), event(1, 1), record(0, 0, {0: 0})])
    with closing(open_reader(url)) as reader:
        assert reader.find_articles(article(0)[:12]) == [article(0)]
        assert reader.find_articles("item-1") == [article(1)]
        assert reader.find_articles("item") == []
        assert reader.find_articles("", limit=1) == [min(article(0), article(1))]
        assert reader.find_incidents(incident(0)[:12]) == [incident(0)]
        assert reader.find_incidents("no") == []
        assert reader.article("no") is None
        assert reader.incident("no") is None


def test_clearing_forgets_everything_and_what_comes_again_is_new(url: str) -> None:
    history = long_history(7, 60)
    with closing(open_sink(url)) as sink:
        first = sink.write(history)
        sink.clear()
        assert read(url) == expected([])
        assert sink.write(history) == first
        assert read(url) == expected(history)
        sink.clear()
    with closing(open_sink(url)):  # and it stays so
        assert read(url) == expected([])


def test_a_reader_sees_what_was_written_while_the_sink_is_open(url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([event(0, 0)])
        assert stored_article(url, 0).seq == 0
        sink.write([event(0, 1, "update")])
        assert stored_article(url, 0).seq == 1


def test_a_reader_keeps_working_while_a_kill_rewrites_the_store(url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([event(n, n) for n in range(5)])
        with closing(open_reader(url)) as reader:
            sink.write([event(0, 9, "kill")])
            assert {a.article_id for a in reader.articles(ArticleQuery())} == {article(n) for n in range(5)}


def test_reading_before_anything_was_written_says_so(url: str) -> None:
    with pytest.raises(NoStoreError, match="nothing has been written yet"):
        open_reader(url)


# Failing


def test_a_closed_sink_refuses_and_can_be_opened_again(url: str) -> None:
    sink = open_sink(url)
    sink.open()
    sink.close()
    sink.close()
    with pytest.raises(FatalError, match="not open"):
        sink.write([event(0, 0)])
    sink.open()
    assert sink.write([event(0, 0)]).articles == 1
    sink.close()


@contextmanager
def no_file_may_grow_beyond(size: int) -> Iterator[None]:
    """What a full disk looks like to a process, for once in one test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_retryable_and_leaves_nothing_half_written(file_url: str, tmp_path: Path) -> None:
    before: list[SinkRecord] = [event(n, 5000 + n) for n in range(1000, 1003)]
    batch = long_history(1, 400)
    with closing(open_sink(file_url)) as sink:
        sink.write(before)
        largest = max(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
        with no_file_may_grow_beyond(largest + 50_000):
            with pytest.raises(RetryableError, match="disk") as failure:
                sink.write(batch)
            assert str(tmp_path) in str(failure.value)
            assert read(file_url) == expected(before)
        sink.write(batch)
    assert read(file_url) == expected([*before, *batch])


_WRITER = """
import sys
from contextlib import closing
from sink_histories import long_history
from pipeline.sink.base import open_sink

url, seed, inputs, size = sys.argv[1], *map(int, sys.argv[2:])
history = long_history(seed, inputs)
with closing(open_sink(url)) as sink:
    print("open", flush=True)
    for start in range(0, len(history), size):
        if not sys.stdin.read(1):
            break
        sink.write(history[start : start + size])
"""


def test_a_store_whose_writer_was_killed_holds_whole_batches_and_a_replay_completes_it(url: str) -> None:
    seed, inputs, size = 7, 1200, 40
    history = long_history(seed, inputs)
    whole = {
        sum(isinstance(r, ArticleEvent) for r in history[:end]): end
        for end in [*range(0, len(history), size), len(history)]
    }
    rng = random.Random(seed)
    batches = len(history) // size
    for n in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITER, url, str(seed), str(inputs), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdin is not None
            assert writer.stdout.readline() == b"open\n"
            # So many batches it may write, so that it is not done before it is killed, whenever that is.
            writer.stdin.write(b"." * (batches * (n + 2) // 6))
            writer.stdin.flush()
            time.sleep(rng.uniform(0.0, 0.2))
            writer.kill()
        found = read(url)
        end = whole[len(found["inputs"])]
        assert found == expected(history[:end])
        assert end < len(history)
    write(url, history)
    assert read(url) == expected(history)

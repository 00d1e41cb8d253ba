"""The producer on a real broker: what is published is what was read, in order, and nothing is skipped."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from conftest import RunningBroker
from pipeline import codec, headers
from pipeline.broker.admin import EnsureReport, ensure_topics
from pipeline.ids import article_id
from pipeline.records import RawArticle
from pipeline.settings import Settings
from pipeline.sources import read_path
from pipeline.topics import topic
from workers import PATIENCE_S, command

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200), pytest.mark.usefixtures("topics", "none_left")]

MakeSettings = Callable[..., Settings]


def lines(start: int, end: int, text: str = "Two trams collided in Lund.") -> bytes:
    return b"".join(
        json.dumps({"id": n, "source": "Lund Post", "text": f"{n}: {text}"}).encode() + b"\n" for n in range(start, end)
    )


def start(settings: Settings, *arguments: object, said: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[str]:
    return command(settings, "publish", *arguments, said=said)


def publish(settings: Settings, *arguments: object, exit_code: int = 0) -> dict[str, Any]:
    """Run `wirefuse publish --json` to its end; the summary."""
    process = start(settings, "--json", *arguments)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == exit_code, err
    return json.loads(out) if out.strip() else {"error": err}


@contextmanager
def consumer(settings: Settings) -> Iterator[KafkaConsumer]:
    with KafkaConsumer(bootstrap_servers=settings.broker.bootstrap, fetch_max_wait_ms=50) as c:
        yield c


def records(settings: Settings, name: Any = "raw") -> list[Any]:
    """All records of a topic, partition after partition."""
    with consumer(settings) as c:
        full = topic(settings, name)
        partitions = [TopicPartition(full, p) for p in sorted(c.partitions_for_topic(full))]
        c.assign(partitions)
        c.seek_to_beginning(*partitions)
        ends = c.end_offsets(partitions)
        found = []
        while any(c.position(tp) < ends[tp] for tp in partitions):
            for batch in c.poll(timeout_ms=500).values():
                found += batch
        return sorted(found, key=lambda r: (r.partition, r.offset))


def articles(settings: Settings) -> list[RawArticle]:
    return [codec.decode(r.value, RawArticle) for r in records(settings)]


def ids(settings: Settings) -> list[int]:
    return [int(a.native_id) for a in articles(settings)]


def wait_for(settings: Settings, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until `raw` has so many records; the process must not end before."""
    tp = TopicPartition(topic(settings, "raw"), 0)
    deadline = time.monotonic() + PATIENCE_S
    with consumer(settings) as c:
        while True:
            ended = process.poll() is not None  # asked first: what it sends last may come between the two
            if c.end_offsets([tp])[tp] >= count:
                return
            assert not ended, process.communicate()
            assert time.monotonic() < deadline, f"{count} records were waited for in vain"
            time.sleep(0.02)


FLOW = 20_000


def flows(settings: Settings, path: Path, said: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A producer in the middle of `FLOW` items that were added to a file; another with as many more, and so on.

    For a test that does something in the middle: where the machine stood still in between and all was sent before, it
    tries again.
    """
    for count in range(FLOW, 20 * FLOW, FLOW):
        with path.open("ab") as f:
            f.write(lines(count - FLOW, count))
        if said is None:
            process = start(settings, "--json", path)
        else:
            with said.open("wb") as log:
                process = start(settings, "--json", path, said=log)
        wait_for(settings, count - FLOW + 1000, process)
        yield process


def items(path: Path) -> int:
    return path.read_bytes().count(b"\n")


def silence(process: subprocess.Popen[str], said: Path) -> bool:
    """Wait until a producer says that nothing is acknowledged; False if it has sent all and ended."""
    deadline = time.monotonic() + PATIENCE_S
    while "nothing acknowledged for 5 s" not in said.read_text():
        if process.poll() is not None:
            assert process.returncode == 0, said.read_text()
            return False
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)
    return True


def notes(record: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


def test_what_is_published_is_what_was_read(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "wire"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(0, 300))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines(300, 400)))
    (folder / "c.txt").write_text(" date 2023-03-24 Two trams collided.")
    before = time.time_ns() // 1_000_000
    summary = publish(settings, folder)
    assert (summary["sent"], summary["dead_letters"], summary["files"]["published"]) == (401, {}, 3)

    found = records(settings)
    expected = [item.article for item in read_path(folder, settings.producer)]
    assert [codec.decode(r.value, RawArticle) for r in found] == expected
    assert [r.key.decode() for r in found] == [article_id(a.provider, a.native_id) for a in expected if a]
    assert all(notes(r)[headers.SCHEMA] == "1" for r in found)
    assert all(before <= int(notes(r)[headers.RAW_TIME]) <= time.time_ns() // 1_000_000 for r in found)


def test_bad_items_become_dead_letters_and_the_rest_goes_on(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    huge = json.dumps({"id": "huge", "text": "x" * 50_000_000}).encode()
    path.write_bytes(lines(0, 2) + b"{broken\n" + huge + b"\n" + b'{"id": 9}\r\n' + lines(2, 4))
    (tmp_path / "readme.md").write_text("Not an article.")
    summary = publish(settings, path, tmp_path / "readme.md")
    assert summary["sent"] == 4
    assert summary["dead_letters"] == {"not_json": 1, "schema": 1, "too_large": 1, "unsupported": 1}
    assert ids(settings) == [0, 1, 2, 3]

    letters = {notes(r)[headers.ERROR_KIND]: r for r in records(settings, "dead-letter")}
    assert {kind: notes(r)[headers.LINE] for kind, r in letters.items()} == {
        "not_json": "3",
        "too_large": "4",
        "schema": "5",
        "unsupported": "1",
    }
    assert all(notes(r)[headers.ERROR_STAGE] == "producer" for r in letters.values())
    assert notes(letters["schema"])[headers.FILE] == str(path)
    assert letters["not_json"].value == b"{broken"
    assert letters["schema"].value == b'{"id": 9}'
    assert letters["unsupported"].value == b"Not an article."
    assert huge.startswith(letters["too_large"].value)
    assert len(letters["too_large"].value) == settings.producer.max_item_bytes
    assert notes(letters["too_large"])[headers.SIZE] == str(len(huge))
    assert notes(letters["too_large"])[headers.SHA256] == sha256(huge).hexdigest()


def test_what_the_broker_finds_too_large_becomes_a_dead_letter(make_settings: MakeSettings, tmp_path: Path) -> None:
    small = make_settings(**{"topics.max_message_bytes": 131_072, "topics.prefix": "narrow."})
    ensure_topics(small)
    path = tmp_path / "wide.jsonl"
    wide = json.dumps({"id": 1, "text": "x" * 300_000}).encode()
    path.write_bytes(lines(0, 1) + wide + b"\n" + lines(2, 3))
    # The producer believes that the topics take 8 MiB.
    summary = publish(make_settings(**{"topics.prefix": "narrow."}), path)
    assert (summary["sent"], summary["dead_letters"]) == (2, {"too_large": 1})
    assert ids(small) == [0, 2]
    (letter,) = records(small, "dead-letter")
    assert wide.startswith(letter.value)
    assert len(letter.value) > 30_000
    assert (notes(letter)[headers.LINE], notes(letter)[headers.SIZE]) == ("2", str(len(wide)))


def test_files_are_skipped_continued_or_begun_anew(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(0, 3))
    assert publish(settings, path)["sent"] == 3
    again = publish(settings, path)
    assert (again["sent"], again["files"]["skipped"]) == (0, 1)

    with path.open("ab") as f:
        f.write(lines(3, 5))
    assert publish(settings, path)["sent"] == 2

    path.write_bytes(lines(10, 20))
    assert publish(settings, path)["sent"] == 10
    assert publish(settings, "--again", path)["sent"] == 10
    assert ids(settings) == [0, 1, 2, 3, 4, *range(10, 20), *range(10, 20)]


def test_another_cluster_of_topics_gets_the_file_too(make_settings: MakeSettings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(0, 3))
    first, second = (make_settings(**{"topics.prefix": f"{n}-{os.getpid()}."}) for n in ("one", "two"))
    assert publish(first, path)["sent"] == 3
    assert publish(second, path)["sent"] == 3


def test_a_killed_producer_skips_nothing_and_repeats_no_more_than_its_window(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    window, count, kills = 40, 20_000, 3
    settings = make_settings(**{"producer.max_in_flight": window})
    folder = tmp_path / "wire"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(0, count // 2))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines(count // 2, count)))
    for n in range(1, kills + 1):
        process = start(settings, folder)
        wait_for(settings, n * 1000, process)
        process.kill()
        process.communicate()
    publish(settings, folder)

    found = ids(settings)
    assert list(dict.fromkeys(found)) == list(range(count)), "each item, first seen in the order of the wire"
    assert len(found) - count <= kills * window


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_producer_leaves_nothing_to_repeat(
    settings: Settings, tmp_path: Path, number: signal.Signals, exit_code: int
) -> None:
    path = tmp_path / "a.jsonl"
    for process in flows(settings, path):
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        if process.returncode != 0:
            break
    assert process.returncode == exit_code, err
    summary = json.loads(out)
    assert 1000 <= summary["sent"] < FLOW
    assert summary["not_acknowledged"] == 0
    publish(settings, path)
    assert ids(settings) == list(range(items(path)))


def test_a_broker_that_goes_away_is_waited_for(settings: Settings, broker: RunningBroker, tmp_path: Path) -> None:
    path, said = tmp_path / "a.jsonl", tmp_path / "said"
    for process in flows(settings, path, said):
        assert broker.local.kill()
        try:
            waits = silence(process, said)
        finally:
            assert broker.local.start() == broker.bootstrap
        if waits:
            break
    assert waits
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said.read_text()
    assert "acknowledges again" in said.read_text()
    assert json.loads(out)["sent"] == FLOW
    assert ids(settings) == list(range(items(path)))


def test_a_stop_while_the_broker_is_away_ends_in_seconds(
    settings: Settings, broker: RunningBroker, tmp_path: Path
) -> None:
    path, said = tmp_path / "a.jsonl", tmp_path / "said"
    for process in flows(settings, path, said):
        broker.local.kill()
        try:
            if silence(process, said):
                process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=PATIENCE_S)
        finally:
            broker.local.start()
        if process.returncode != 0:
            break
    assert process.returncode == 143
    assert "KafkaProducer.__del__" not in said.read_text()
    assert json.loads(out)["not_acknowledged"] > 0
    publish(settings, path)
    assert list(dict.fromkeys(ids(settings))) == list(range(items(path)))


def test_a_replay_keeps_the_gaps_divided_by_the_speed(settings: Settings, tmp_path: Path) -> None:
    seconds = [0, 20, 10, 50]  # one goes back in time: no gap; one has no date: no gap either
    times = [f"2024-01-01T00:00:{s:02}Z" for s in seconds]
    items = [{"id": n, "text": "x", "published": t} for n, t in enumerate(times)] + [{"id": 4, "text": "x"}]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(i) + "\n" for i in items))
    began = time.time_ns() // 1_000_000
    publish(settings, "--speed", "20", path)
    sent = [int(notes(r)[headers.RAW_TIME]) - began for r in records(settings)]
    # Counted from before the replay: the waits are of one schedule, so an article sent late shortens the gap after it.
    assert all(ms >= due for ms, due in zip(sent, [0, 1000, 1000, 3000, 3000], strict=True)), sent


def test_following_publishes_what_is_added_line_by_line(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "wire"
    folder.mkdir()
    path = folder / "a.jsonl"
    path.write_bytes(lines(0, 2) + lines(2, 3)[:20])
    process = start(settings, "--follow", "--json", folder)
    wait_for(settings, 2, process)
    with path.open("ab") as f:
        f.write(lines(2, 3)[20:])
    wait_for(settings, 3, process)
    (folder / "b.jsonl").write_bytes(lines(3, 5))
    wait_for(settings, 5, process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert json.loads(out)["dead_letters"] == {}
    assert ids(settings) == [0, 1, 2, 3, 4]


def test_an_edition_that_is_not_there_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(0, 1))
    assert "no edition 1" in publish(settings, "--edition", "1", path, exit_code=1)["error"]


def test_editions_are_partitions(make_settings: MakeSettings, topics: EnsureReport, tmp_path: Path) -> None:
    settings = make_settings(**{"topics.editions": 2, "topics.prefix": f"editions-{os.getpid()}."})
    path = tmp_path / "a.jsonl"
    path.write_bytes(lines(0, 2))
    publish(settings, "--edition", "1", path)
    assert [r.partition for r in records(settings)] == [1, 1]
    # The same file is news to the other edition.
    assert publish(settings, path)["sent"] == 2

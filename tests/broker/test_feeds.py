"""Following feeds and folders on a real broker and a real web server."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from pipeline import codec, headers
from pipeline.health import address_file
from pipeline.records import RawArticle
from pipeline.settings import Settings
from pipeline.topics import topic
from web import Web, conditional, page, serving
from workers import PATIENCE_S, command

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200), pytest.mark.usefixtures("topics", "none_left")]


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as w:
        yield w


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    # Long, so that a machine that stands still for a while fails no fetch.
    return make_settings(
        **{"producer.fetch_private": True, "producer.fetch_timeout_s": 120.0, "producer.max_in_flight": 50}
    )


def rss(*entries: tuple[object, str]) -> bytes:
    """A feed with the given (guid, title) on top of each other."""
    items = "".join(f"<item><guid>{guid}</guid><title>{title}</title></item>" for guid, title in entries)
    return f"<rss version='2.0'><channel><title>Norr</title>{items}</channel></rss>".encode()


def atom(kill: str) -> bytes:
    return f"""<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0">
        <title>Norr</title><at:deleted-entry ref="{kill}" when="2023-03-24T11:00:00Z"/></feed>""".encode()


def config(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "feeds.toml"
    file.write_text(text)
    return file


def feed(web: Web, path: str = "/a", name: str = "norr") -> str:
    return f'[[feed]]\nname = "{name}"\nurl = "{web.url(path)}"\ninterval_s = 0.2\n'


def start(settings: Settings, *arguments: object) -> subprocess.Popen[str]:
    return command(settings, "feeds", "--json", *arguments)


def once(settings: Settings, file: Path, exit_code: int = 0) -> dict[str, Any]:
    """`wirefuse feeds --once`: the summary, and what was said as "said"."""
    process = start(settings, "--once", file)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == exit_code, err
    summary: dict[str, Any] = json.loads(out)
    return summary | {"said": err}


def records(settings: Settings, name: Any = "raw") -> list[Any]:
    with KafkaConsumer(bootstrap_servers=settings.broker.bootstrap, fetch_max_wait_ms=50) as consumer:
        full = topic(settings, name)
        partitions = [TopicPartition(full, p) for p in sorted(consumer.partitions_for_topic(full))]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        found = []
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            for batch in consumer.poll(timeout_ms=500).values():
                found += batch
        return sorted(found, key=lambda r: (r.partition, r.offset))


def published(settings: Settings) -> list[tuple[str, str | None]]:
    """(id, title) of all that is in `raw`, in order."""
    articles = [codec.decode(r.value, RawArticle) for r in records(settings)]
    return [(a.native_id, a.title) for a in articles]


def wait_for(condition: Callable[[], object], process: subprocess.Popen[str], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_entries_are_published_when_new_or_changed_and_only_then(settings: Settings, web: Web, tmp_path: Path) -> None:
    file = config(tmp_path, feed(web))
    web.pages["/a"] = conditional(rss((2, "second"), (1, "first")), '"1"')
    assert once(settings, file)["sent"] == 2
    assert once(settings, file)["sent"] == 0
    assert web.requests[-1][1]["If-None-Match"] == '"1"'

    web.pages["/a"] = conditional(rss((3, "third"), (2, "second"), (1, "first, corrected")), '"2"')
    assert once(settings, file)["sent"] == 2
    web.pages["/a"] = conditional(rss((3, "third"), (2, "second"), (1, "first, corrected")), '"3"')
    assert once(settings, file)["sent"] == 0
    assert published(settings) == [
        ("1", "first"),
        ("2", "second"),
        ("1", "first, corrected"),
        ("3", "third"),
    ]
    article = codec.decode(records(settings)[0].value, RawArticle)
    assert (article.provider, article.source, article.format) == ("norr", "Norr", "rss")


def test_a_tombstone_is_a_kill_and_sent_once(settings: Settings, web: Web, tmp_path: Path) -> None:
    file = config(tmp_path, feed(web))
    web.pages["/a"] = page(200, atom(kill="urn:norr:1"))
    assert once(settings, file)["sent"] == 1
    assert once(settings, file)["sent"] == 0
    kill = codec.decode(records(settings)[0].value, RawArticle)
    assert (kill.native_id, kill.pub_status, kill.provider) == ("urn:norr:1", "canceled", "norr")


def test_two_entries_with_one_id_do_not_take_turns(settings: Settings, web: Web, tmp_path: Path) -> None:
    file = config(tmp_path, feed(web))
    web.pages["/a"] = page(200, rss((1, "one"), (1, "other")))
    assert once(settings, file)["sent"] == 2
    assert once(settings, file)["sent"] == 0


def test_a_bad_entry_is_one_dead_letter_and_the_others_go_on(settings: Settings, web: Web, tmp_path: Path) -> None:
    file = config(tmp_path, feed(web))
    bad = b"<item><link>https://norr.example/empty</link></item></channel>"
    web.pages["/a"] = page(200, rss((1, "one")).replace(b"</channel>", bad))
    summary = once(settings, file)
    assert (summary["sent"], summary["dead_letters"]) == (1, {"schema": 1})
    web.pages["/a"] = page(200, rss((2, "two"), (1, "one")).replace(b"</channel>", bad))
    summary = once(settings, file)
    assert (summary["sent"], summary["dead_letters"]) == (1, {})
    (letter,) = records(settings, "dead-letter")
    assert b"https://norr.example/empty" in letter.value
    assert dict(letter.headers)[headers.FILE].decode() == web.url("/a")


def test_a_feed_that_moved_is_remembered_and_one_that_is_gone_left_alone(
    settings: Settings, web: Web, tmp_path: Path
) -> None:
    file = config(tmp_path, feed(web, "/old") + feed(web, "/gone", "lost"))
    web.pages["/old"] = page(301, Location="/new")
    web.pages["/new"] = page(200, rss((1, "one")))
    web.pages["/gone"] = page(410)
    summary = once(settings, file)
    assert f"norr: has moved for good to {web.url('/new')}" in summary["said"]
    assert "lost: is gone for good" in summary["said"]
    web.requests.clear()
    once(settings, file)
    assert [path for path, _ in web.requests] == ["/new"]


def test_a_failing_feed_is_said_and_holds_up_no_other(settings: Settings, web: Web, tmp_path: Path) -> None:
    file = config(tmp_path, feed(web, "/500", "broken") + feed(web, "/html", "page") + feed(web, "/a"))
    web.pages["/500"] = page(500)
    web.pages["/html"] = page(200, b"<html>We are back soon</html>")
    web.pages["/a"] = page(200, rss((1, "one")))
    summary = once(settings, file, exit_code=1)
    assert (summary["sent"], summary["failed"]) == (1, ["broken", "page"])
    assert "broken: the server answers 500" in summary["said"]
    assert "page: neither RSS nor Atom" in summary["said"]
    assert "next look" not in summary["said"]


def test_a_killed_follower_skips_no_entry(settings: Settings, web: Web, tmp_path: Path) -> None:
    count = 3000
    file = config(tmp_path, feed(web))
    web.pages["/a"] = conditional(rss(*((n, f"t{n}") for n in reversed(range(count)))), '"1"')
    process = start(settings, file)
    tp = TopicPartition(topic(settings, "raw"), 0)
    with KafkaConsumer(bootstrap_servers=settings.broker.bootstrap) as consumer:
        wait_for(lambda: consumer.end_offsets([tp])[tp] > 300, process)
    process.kill()
    process.communicate()
    once(settings, file)
    found = [int(id) for id, _ in published(settings)]
    assert list(dict.fromkeys(found)) == list(range(count))
    assert len(found) - count <= settings.producer.max_in_flight


def test_a_folder_gives_its_files_once(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("Two trams collided.")
    (folder / "b.jsonl").write_text('{"id": 1, "text": "x"}\n{"id": 2, "text": "x"}\n')
    (folder / "c.txt.part").write_text("not yet")
    file = config(tmp_path, '[[folder]]\nname = "drop"\npath = "in"\ninterval_s = 0.5\nprovider = "Desk"\n')
    assert once(settings, file)["sent"] == 3
    (folder / "c.txt.part").rename(folder / "c.txt")
    with (folder / "b.jsonl").open("a") as f:
        f.write('{"id": 3, "text": "x"}\n')
    assert once(settings, file)["sent"] == 2
    ids = [id for id, _ in published(settings)]
    # Which of the two comes first depends on whether the appended file has rested for an interval at the first look.
    assert ids[:3] == ["a.txt", "1", "2"]
    assert sorted(ids[3:]) == ["3", "c.txt"]
    assert codec.decode(records(settings)[0].value, RawArticle).provider == "Desk"


def test_following_goes_on_and_stops_at_once_even_while_a_server_hangs(
    settings: Settings, web: Web, tmp_path: Path
) -> None:
    def hang(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(30)

    web.pages["/hang"] = hang
    web.pages["/a"] = page(200, rss((1, "one")))
    (tmp_path / "in").mkdir()
    drop = '[[folder]]\nname = "drop"\npath = "in"\ninterval_s = 0.2\n'
    process = start(settings, config(tmp_path, feed(web, "/hang", "slow") + feed(web) + drop))
    wait_for(lambda: published(settings) == [("1", "one")], process)
    web.pages["/a"] = page(200, rss((2, "two"), (1, "one")))
    wait_for(lambda: ("2", "two") in published(settings), process)
    (tmp_path / "in" / "a.txt").write_text("Two trams collided.")
    wait_for(lambda: ("a.txt", None) in published(settings), process)

    served = json.loads(address_file(settings, "feeds").read_text())
    expected = (
        'wirefuse_source_items_total{source="norr"} 2.0',
        'wirefuse_source_items_total{source="drop"} 1.0',
        'wirefuse_source_fetches_total{result="ok",source="norr"}',
    )

    def counted() -> bool:  # after it was published
        with urllib.request.urlopen(f"http://{served['host']}:{served['port']}/metrics") as answer:
            metrics = answer.read().decode()
        return all(line in metrics for line in expected)

    wait_for(counted, process)

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    assert json.loads(out)["not_acknowledged"] == 0


def test_a_mistake_in_the_file_is_said(settings: Settings, tmp_path: Path) -> None:
    process = start(settings, config(tmp_path, '[[feed]]\nname = "a"\nulr = "http://a.example"\n'))
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert "did you mean url?" in err

"""Dead letters on the real broker: listed, shown, replayed, dropped."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from pipeline import headers
from pipeline.broker.admin import ensure_topics
from pipeline.broker.errors import BrokerError
from pipeline.dead_letter_commands import dead_letters
from pipeline.dead_letters import letters
from pipeline.settings import Settings
from pipeline.topics import TopicName, topic
from workers import PATIENCE_S

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

BROKEN = b'{"id": "7", "title": \xff\x00'


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings(**{"topics.editions": 2, "topics.unique_partitions": 1, "topics.output_partitions": 1})
    ensure_topics(made)
    return made


def _write(settings: Settings, *rows: tuple[int, bytes, bytes | None, list[tuple[str, bytes]]]) -> None:
    """Dead letters of (partition, key, value, headers)."""
    with KafkaProducer(bootstrap_servers=settings.broker.bootstrap) as producer:
        for partition, key, value, found in rows:
            name = topic(settings, "dead-letter")
            producer.send(name, key=key, value=value, partition=partition, headers=found).get(PATIENCE_S)


def _error(
    settings: Settings, source: TopicName, partition: int = 0, more: dict[str, str] | None = None
) -> list[tuple[str, bytes]]:
    notes = {
        headers.ERROR_STAGE: "dedup",
        headers.ERROR_KIND: "not_json",
        headers.ERROR_DETAIL: "unexpected end at byte 24",
        headers.ERROR_TOPIC: topic(settings, source),
        headers.ERROR_PARTITION: str(partition),
        headers.ERROR_OFFSET: "41",
        headers.ERROR_ATTEMPTS: "1",
    }
    return [(name, text.encode()) for name, text in (notes | (more or {})).items()]


def _from_producer() -> list[tuple[str, bytes]]:
    notes = {
        headers.ERROR_STAGE: "producer",
        headers.ERROR_KIND: "schema",
        headers.ERROR_DETAIL: "id is missing",
        headers.FILE: "wire.jsonl",
        headers.LINE: "12",
    }
    return [(name, text.encode()) for name, text in notes.items()]


def _raw(settings: Settings, partition: int) -> list[Any]:
    with KafkaConsumer(bootstrap_servers=settings.broker.bootstrap, auto_offset_reset="earliest") as consumer:
        tp = TopicPartition(topic(settings, "raw"), partition)
        consumer.assign([tp])
        end = consumer.end_offsets([tp])[tp]
        found: list[Any] = []
        while consumer.position(tp) < end:
            found += consumer.poll(timeout_ms=500).get(tp, [])
        return found


def _run(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(dead_letters, arguments, obj=settings)


def _listed(settings: Settings, *arguments: str) -> Sequence[dict[str, Any]]:
    result = _run(settings, "list", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_nothing_to_list(settings: Settings) -> None:
    assert letters(settings) == []
    assert "no dead letters" in _run(settings, "list").output


def test_a_missing_topic_is_said(make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(BrokerError, match=r"topic .*dead-letter is not there; `wirefuse topics create`"):
        letters(make_settings())


def test_lists_what_went_wrong_where_oldest_first(settings: Settings) -> None:
    _write(
        settings,
        (1, b"k1", BROKEN, _error(settings, "raw", 1)),
        (0, b"k2", b"{}", _from_producer()),
    )
    first, second = _listed(settings)
    assert (first["id"], first["stage"], first["kind"]) == ("1:0", "dedup", "not_json")
    assert (first["topic"], first["source_partition"], first["source_offset"]) == (topic(settings, "raw"), 1, 41)
    assert (first["size"], first["attempts"], first["cut"]) == (len(BROKEN), 1, False)
    assert (second["id"], second["file"], second["line"], second["topic"]) == ("0:0", "wire.jsonl", 12, None)

    table = _run(settings, "list").stdout
    assert "wire.jsonl:12" in table
    assert f"{topic(settings, 'raw')}[1]@41" in table
    assert [x["id"] for x in _listed(settings, "--stage", "producer")] == ["0:0"]
    assert [x["id"] for x in _listed(settings, "--kind", "not_json")] == ["1:0"]
    assert [x["id"] for x in _listed(settings, "--limit", "1")] == ["0:0"], "the newest"


def test_shows_the_original_bytes(settings: Settings) -> None:
    _write(settings, (0, b"k", BROKEN, _error(settings, "raw")))
    assert _run(settings, "show", "0:0", "--raw").stdout_bytes == BROKEN
    shown = json.loads(_run(settings, "show", "0:0", "--json").stdout)
    assert base64.b64decode(shown["value_base64"]) == BROKEN
    assert ["wf-error-kind", "not_json"] in shown["headers"]
    page = _run(settings, "show", "0:0").stdout
    assert "unexpected end at byte 24" in page
    assert '{"id": "7", "title": ' in page


def test_a_letter_cannot_steer_the_terminal(settings: Settings) -> None:
    clear = "\x1b[2J\r\u202e\x9b"
    found = _error(settings, "raw", more={headers.ERROR_DETAIL: f"bad {clear} date"})
    _write(settings, (0, clear.encode(), b"{}" + clear.encode(), found))
    for arguments in (["list"], ["show", "0:0"]):
        output = _run(settings, *arguments).stdout
        assert "bad" in output
        assert not set(clear) - set("[2J") & set(output)


def test_replay_gives_the_original_back_to_its_edition(settings: Settings) -> None:
    own = [("x-trace", b"abc"), (headers.SCHEMA, b"1"), (headers.RAW_TIME, b"1000")]
    _write(settings, (0, b"the key", BROKEN, own + _error(settings, "raw", 1)))
    result = _run(settings, "replay", "0:0")
    assert result.exit_code == 0
    assert "replayed 1 of 1" in result.output
    assert _raw(settings, 0) == []
    [again] = _raw(settings, 1)
    assert (again.key, again.value) == (b"the key", BROKEN)
    assert list(again.headers) == own[:2], "nothing of the failure, and its time starts anew"
    assert _listed(settings) == []
    assert _run(settings, "replay", "0:0").exit_code != 0, "once is enough"
    assert len(_raw(settings, 1)) == 1


def test_what_cannot_be_replayed_says_why_and_stays(settings: Settings) -> None:
    cut = _error(settings, "raw", more={headers.SIZE: "99", headers.SHA256: "0" * 64})
    _write(
        settings,
        (0, b"a", b"{}", _error(settings, "unique")),
        (0, b"b", b"{}", _from_producer()),
        (0, b"c", b"{}", cut),
        (0, b"d", b"{}", _error(settings, "raw", 5)),
        (0, b"f", None, _error(settings, "raw")),
        (1, b"e", b"{}", _error(settings, "raw")),
    )
    result = _run(settings, "replay", "--all")
    assert result.exit_code == 0
    assert "replayed 1 of 6" in result.stdout
    for reason in (
        "0:0 not replayed: it comes from",
        "0:1 not replayed: it was never published; mend wire.jsonl:12",
        "0:2 not replayed: only the first part of its 99 bytes",
        "0:3 not replayed: edition 5 is not there",
        "0:4 not replayed: it is empty",
    ):
        assert reason in result.stderr
    assert [x["id"] for x in _listed(settings)] == ["0:0", "0:1", "0:2", "0:3", "0:4"]
    assert [r.key for r in _raw(settings, 0)] == [b"e"]
    assert _run(settings, "replay", "0:0").exit_code == 1


def test_replays_more_than_one_batch_in_order(settings: Settings) -> None:
    count = 1200
    with KafkaProducer(bootstrap_servers=settings.broker.bootstrap) as producer:
        for i in range(count):
            producer.send(
                topic(settings, "dead-letter"), value=str(i).encode(), partition=0, headers=_error(settings, "raw")
            )
    assert f"replayed {count} of {count}" in _run(settings, "replay", "--all").output
    assert [int(r.value) for r in _raw(settings, 0)] == list(range(count))
    assert letters(settings) == []


def test_dropped_letters_are_listed_no_more(settings: Settings) -> None:
    _write(settings, *[(0, b"k", b"{}", _error(settings, "raw"))] * 3)
    assert "dropped 1" in _run(settings, "drop", "0:1").output
    assert [x["id"] for x in _listed(settings)] == ["0:0", "0:2"]
    assert "dropped 2" in _run(settings, "drop", "--all", "--stage", "dedup").output
    assert _listed(settings) == []
    assert _raw(settings, 0) == []
    _write(settings, (0, b"k", b"{}", _error(settings, "raw")))
    assert len(_listed(settings)) == 1, "a later letter is not concerned"


def test_an_input_cannot_pose_as_a_marker(settings: Settings) -> None:
    """Headers of the original travel with its letter, whatever their names are."""
    _write(
        settings,
        (0, b"victim", b"{}", _error(settings, "raw")),
        (0, b"a", None, [(headers.DROPPED, b"0:0"), *_error(settings, "raw")]),
        (0, b"b", b"x", [(headers.REPLAYED, b"0:0"), *_error(settings, "raw")]),
    )
    assert [x["id"] for x in _listed(settings)] == ["0:0", "0:1", "0:2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "17"], "is no id of a dead letter"),
        (["replay"], "or --all"),
        (["drop", "0:0", "--all"], "or --all"),
        (["drop", "0:0", "--kind", "schema"], "ids are chosen already"),
    ],
)
def test_wrong_usage_is_said(settings: Settings, arguments: list[str], message: str) -> None:
    result = _run(settings, *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_an_unknown_id_is_said(settings: Settings) -> None:
    result = _run(settings, "show", "1:99")
    assert isinstance(result.exception, BrokerError)
    assert "no dead letter 1:99" in str(result.exception)

"""Records between the stages that no stage wrote: readable or not, with wrong headers or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import streams
from chain import compare, expected, inputs, publish, running, sink
from pipeline import codec, headers
from pipeline.broker.admin import ensure_topics
from pipeline.records import Annotated
from pipeline.settings import Settings
from workers import read, send

SMALL = {
    "topics.unique_partitions": 1, "topics.dead_letter_partitions": 1, "entities.model": "rules",
    # Long: that a stage died must not be the doing of a machine that stood still.
    "broker.session_timeout_s": 30.0,
}  # fmt: skip
pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]

WRONG_HEADERS = (
    b"", b"x", b"1", b"0:1", b"0:1:0:9", b"-1:5:4", b"7:5:4", b"0:4:5", b"0:-5:-7", b"0:1e3:0", "0:٣:٢".encode(),
    b"0:99999999999999999999:1", b"\xff\xfe", b"9" * 5000,
)  # fmt: skip


def forge(settings: Settings, name: Any, value: bytes, seq: bytes | None = None) -> None:
    send(settings, [value], name, headers=[] if seq is None else [(headers.SEQ, seq)])


def like(record: Annotated, **changes: Any) -> bytes:
    return codec.encode(replace(record, **changes))


def records(settings: Settings, name: Any) -> Sequence[Annotated]:
    return [codec.decode(r.value, Annotated) for r in read(settings, name)]


def test_forged_records_stop_nothing_and_change_nothing(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    settings = make_settings(**SMALL)
    ensure_topics(settings)
    rows = streams.mixed(80, seed=5)
    settings.data_dir.mkdir(parents=True)
    with running(settings) as chain:
        publish(settings, streams.write(tmp_path / "before.jsonl", rows[:40]))
        chain.finish()
        waiting = records(settings, "unique")[-1]
        for name in ("unique", "annotated"):
            for seq in (None, *WRONG_HEADERS):
                forge(settings, name, b"{", seq)
            forge(settings, name, b"{", b"0:3:2")  # a void for what was decided long ago
            forge(settings, name, like(waiting))  # sent twice, the second time without headers
            forge(settings, name, like(waiting, seq=3, prev_seq=2), b"0:39:38")
            forge(settings, name, like(waiting, seq=5, prev_seq=5))
            forge(settings, name, like(waiting, seq=-9, prev_seq=-10))
            forge(settings, name, like(waiting, article=None))
            forge(settings, name, like(waiting, edition=7), b"7:5:4")
            forge(settings, name, like(waiting, edition=-1))
            forge(settings, name, b'{"edition":0,"seq":1%s,"prev_seq":0}' % (b"0" * 30))
        publish(settings, streams.write(tmp_path / "after.jsonl", rows[40:]))
        chain.finish()
        assert not any(chain.deaths.values()), f"a stage was restarted: {chain.said}"
    reader = sink(settings)
    assert [seq for _, seq, _, _ in inputs(reader)] == list(range(80)), "every input once, none voided by a forgery"
    assert all(verdict != "void" for _, _, _, verdict in inputs(reader))
    letters = read(settings, "dead-letter")
    assert {dict(r.headers).get(headers.SEQ) for r in letters} >= {None, *WRONG_HEADERS}, "with the headers they had"
    reader.close()
    compare(settings, expected(settings, tmp_path / "offline"))

"""The whole chain on a real broker: nothing lost, nothing doubled, the same decisions whatever happens on the way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import streams
from agents.progress import STAGE_INPUTS, watching
from chain import compare, expected, inputs, log, publish, publishing, running, sink
from hostile import file_cases, topic_cases
from pipeline.broker.admin import ensure_topics
from pipeline.codec import decode
from pipeline.records import ArticleEvent
from pipeline.settings import Settings
from pipeline.topics import topic
from workers import PATIENCE_S, read, send

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1800)]

STAGES = tuple(STAGE_INPUTS)
# A long session: that a stage died must be the test's doing, not that of a machine that stood still.
SMALL = {"topics.output_partitions": 2, "topics.dead_letter_partitions": 1, "broker.session_timeout_s": 30.0}


def test_kills_change_nothing(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """The producer and every stage are killed twice each, in the middle of their work, while 2,000 articles flow."""
    # Names by rules: what is tested is the order and the state, and the trained pipeline would take most of the time.
    settings = make_settings(**SMALL, **{"topics.unique_partitions": 1, "entities.model": "rules"})
    ensure_topics(settings)
    rows = streams.mixed(2000, seed=7)
    # The first come at once, so that every stage has a backlog when it is killed; the next flow during the kills; the
    # last come after them, so that no stage can have been through before.
    first = streams.write(tmp_path / "first.jsonl", rows[:1000])
    wire = streams.write(tmp_path / "wire.jsonl", rows[1000:1900])
    last = streams.write(tmp_path / "last.jsonl", rows[1900:])
    rng = random.Random(11)
    settings.data_dir.mkdir(parents=True)
    killed: list[tuple[str, int]] = []
    with ThreadPoolExecutor(1) as aside, running(settings) as chain, watching(settings) as progress:

        def done(victim: str) -> int:
            if victim == "producer":
                return progress.size("raw")
            return next(s.done for s in progress.stages() if s.stage == victim)

        publish(settings, first)
        slow = streams.speed(rows[1000:1900], seconds=600.0)
        producer = publishing(settings, wire, speed=slow)
        for victim in ("producer", "sink", "dedup", "producer", "entities", "incidents", *STAGES):
            start = 1000 if victim == "producer" else 0
            before = max((count for name, count in killed if name == victim), default=start)
            chain.until(lambda v=victim, b=before: done(v) > b, f"{victim} works")  # type: ignore[misc]
            chain.tend(rng.uniform(0.0, 1.0))
            killed.append((victim, done(victim)))
            if victim == "producer":
                assert producer.poll() is None, "it was still publishing"
                producer.kill()
                producer.wait()
                producer = publishing(settings, wire, speed=slow)
            else:
                chain.kill(f"{victim}-0")
        assert producer.poll() is None, "articles flowed until the last kill"
        producer.terminate()  # no need to be slow any longer
        assert producer.wait(PATIENCE_S) == 143  # ended before it was done
        publish(settings, wire, last)
        # An undisturbed run of the same inputs, on the core that the chain leaves idle.
        undisturbed = aside.submit(expected, settings, tmp_path / "offline")
        chain.finish()
        final = {"producer": len(rows)} | {s.stage: s.records for s in progress.stages()}
        assert min(chain.deaths.values()) >= 2, chain.deaths
    assert Counter(name for name, _ in killed) == dict.fromkeys(("producer", *STAGES), 2)
    assert all(0 < count < final[name] for name, count in killed), killed
    raw = read(settings, "raw")
    assert {decode(r.value, dict)["native_id"] for r in raw} == {row["id"] for row in rows}, "nothing skipped"
    verdicts = compare(settings, undisturbed.result())
    assert verdicts.total() == len(raw)
    assert verdicts["copy"] > 200
    assert verdicts["kill"] > 20
    assert verdicts["stale"] > 60
    assert read(settings, "dead-letter") == []
    # Every decision is in the log once, or twice in the same bytes.
    assert sorted(log(settings, "dedup-log")) == sorted(log(settings, "incident-log")) == list(range(len(raw)))


def test_the_same_answer_at_any_width(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Twelve partitions and three entity workers, one and one: the same bytes in both decision logs."""
    wire = streams.write(tmp_path / "wire.jsonl", streams.mixed(500, seed=3))
    logs = []
    undisturbed = None
    for partitions, entity_workers in ((12, 3), (1, 1)):
        prefix = {"topics.prefix": f"width-{partitions}-{tmp_path.name}.", "data.dir": str(tmp_path / str(partitions))}
        settings = make_settings(**SMALL, **prefix, **{"topics.unique_partitions": partitions})
        ensure_topics(settings)
        publish(settings, wire)
        with running(settings, entity_workers) as chain:
            chain.finish()
            assert not any(chain.deaths.values()), chain.said
        undisturbed = undisturbed or expected(settings, tmp_path / "offline")
        compare(settings, undisturbed)
        logs.append((log(settings, "dedup-log"), log(settings, "incident-log")))
    assert logs[0] == logs[1]


def test_hostile_input_is_accounted_for_and_restarts_nothing(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Over 500 broken or absurd inputs, through files and straight onto the topics, among good articles."""
    settings = make_settings(**SMALL, **{"topics.unique_partitions": 2})
    ensure_topics(settings)
    good = streams.mixed(60, seed=5)
    straight = topic_cases()
    through_files = file_cases(tmp_path / "wires")
    assert sum(map(len, straight.values())) + through_files >= 500
    with running(settings) as chain:
        chain.settings.data_dir.mkdir(parents=True, exist_ok=True)
        publish(settings, streams.write(tmp_path / "before.jsonl", good[:30]))
        for name, values in straight.items():
            send(settings, values, name)
        publish(settings, tmp_path / "wires")
        publish(settings, streams.write(tmp_path / "after.jsonl", good[30:]))
        chain.finish()
        assert not any(chain.deaths.values()), f"a stage was restarted by its input: {chain.said}"
    reader = sink(settings)
    seen = inputs(reader)
    raw = read(settings, "raw")
    assert [seq for _, seq, _, _ in seen] == [r.offset for r in raw], "every input of the wire exactly once"
    letters = [(dict(r.headers), r.value) for r in read(settings, "dead-letter")]
    raw_name = topic(settings, "raw").encode()
    from_raw = {int(h["wf-error-offset"]): value for h, value in letters if h.get("wf-error-topic") == raw_name}
    assert {seq for _, seq, _, verdict in seen if verdict == "void"} == set(from_raw), "a void is a dead letter"
    original = {r.offset: r.value for r in raw}
    assert from_raw == {offset: original[offset] for offset in from_raw}, "dead letters hold the original bytes"
    after = {e.id for r in read(settings, "enriched") if r.value for e in [decode(r.value, ArticleEvent)]}
    assert {row["id"] for row in good} <= after, "good articles get through before, between and after"

"""The stage runner on a real broker: what it promises, and the behaviours of Faust that it was built around."""

from __future__ import annotations

import importlib
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import mode
import pytest
from kafka import KafkaAdminClient

from conftest import RunningBroker
from pipeline.broker.admin import ensure_topics
from pipeline.broker.client import client_options
from pipeline.health import address_file
from pipeline.settings import Settings, as_environment
from pipeline.topics import topic
from workers import PATIENCE_S, Worker, committed, probe, read, send, until, values

pytestmark = [pytest.mark.broker, pytest.mark.timeout(1200)]


BASE = {
    # Long, so that a machine that stands still for a while ends no worker; a test that is about a limit sets its own.
    "broker.session_timeout_s": 30.0,
    "runner.retry_base_s": 0.05,
    "runner.retry_attempts": 4,
    "topics.output_partitions": 1,
    "topics.unique_partitions": 1,
    "topics.dead_letter_partitions": 1,
}


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings(**BASE)
    ensure_topics(made)
    return made


Limits = Callable[..., None]


@pytest.fixture
def limits(make_settings: Callable[..., Settings]) -> Limits:
    """`limits(worker, **{"runner.watchdog_s": 10.0})` before it starts."""

    def limit(worker: Worker, **flags: object) -> None:
        worker.settings = make_settings(**BASE | flags)

    return limit


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    made = Worker(settings, "echo")
    yield made
    made.kill()


def consumed(settings: Settings) -> float:
    """Records that the worker has taken since it started."""
    if not address_file(settings, "echo-0").exists():
        return 0
    try:
        _, text = probe(settings, "echo-0", "/metrics")
    except OSError:
        return 0  # the address of its predecessor
    return sum(
        float(line.split()[-1]) for line in text.splitlines() if line.startswith("wirefuse_events_received_total{")
    )


def numbered(count: int) -> list[str]:
    return [f"record {n}" for n in range(count)]


def in_work(settings: Settings) -> str:
    """What the worker has noted to be in work; empty: nothing."""
    journal = settings.state_dir / "in-work" / "echo" / "raw-0"
    return journal.read_text().strip() if journal.exists() else ""


def open_gate(settings: Settings) -> None:
    """Let `gate` go on: until then a batch is in work for certain."""
    (settings.data_dir / "gate").touch()


def test_undecodable_input_is_a_dead_letter_and_nothing_stalls(settings: Settings, worker: Worker) -> None:
    inputs = numbered(40)
    inputs[7] = "bad \x80\xff"
    inputs[8] = "bad"
    worker.start()
    send(settings, inputs)
    until(lambda: committed(settings, "echo", "raw") == 40, workers=[worker])
    assert set(values(settings, "annotated")) == {i for i in inputs if not i.startswith("bad")} | {
        "void 7 schema",
        "void 8 schema",
    }
    letters = read(settings, "dead-letter")
    assert [letter.value for letter in letters] == ["bad \x80\xff".encode("latin-1"), b"bad"]
    told = dict(letters[0].headers)
    assert told["wf-error-stage"] == b"echo"
    assert told["wf-error-kind"] == b"schema"
    assert told["wf-error-offset"] == b"7"
    assert told["wf-error-attempts"] == b"1"
    send(settings, ["record 40"])
    until(lambda: "record 40" in values(settings, "annotated"), workers=[worker])
    assert worker.running, "a bad input must not restart the stage"


def test_partitions_that_the_worker_has_not_heard_of_are_soon_taken(settings: Settings, worker: Worker) -> None:
    """As when it joined while the broker came back, and was told of none."""
    worker.start()
    send(settings, ["record 0"])
    until(lambda: values(settings, "annotated") == ["record 0"], workers=[worker])
    with closing(KafkaAdminClient(**client_options(settings))) as admin:
        raw = topic(settings, "raw")
        admin.create_partitions({raw: 2})
        until(lambda: len(admin.describe_topics([raw])[0]["partitions"]) == 2)
    send(settings, ["record 1"], partition=1)
    # Half the time after which Faust would ask for itself.
    until(lambda: "record 1" in values(settings, "annotated"), seconds=150.0, workers=[worker])


@pytest.mark.parametrize("poison", ["raise", "die"])
def test_an_input_that_crashes_the_stage_is_given_up_after_max_attempts(
    settings: Settings, worker: Worker, poison: str
) -> None:
    inputs = numbered(30)
    inputs[20] = poison
    send(settings, inputs)
    deaths = 0
    worker.start()
    deadline = time.monotonic() + PATIENCE_S
    while committed(settings, "echo", "raw") < 30:
        assert time.monotonic() < deadline, worker.log[-3000:]
        if not worker.running:
            assert worker.wait() != 0, "a crash must be seen by whoever tends the process"
            deaths += 1
            # A failed input is never acknowledged, nor is anything behind it.
            assert committed(settings, "echo", "raw") <= 20
            worker.start()
        time.sleep(0.2)
    assert deaths == settings.runner.max_attempts
    assert set(values(settings, "annotated")) == {i for i in inputs if i != poison} | {"void 20 crash_loop"}
    (letter,) = read(settings, "dead-letter")
    told = dict(letter.headers)
    assert (told["wf-error-kind"], told["wf-error-attempts"]) == (b"crash_loop", b"3")
    assert letter.value == poison.encode()


def test_sigterm_in_the_middle_of_a_batch_loses_nothing(settings: Settings, worker: Worker) -> None:
    inputs = ["gate", *numbered(6)]
    worker.start()
    send(settings, inputs)
    until(lambda: in_work(settings), what="a batch in work", workers=[worker])
    worker.signal(signal.SIGTERM)
    open_gate(settings)
    assert worker.wait() == 0
    worker.start()
    until(lambda: committed(settings, "echo", "raw") == 7, workers=[worker])
    assert set(values(settings, "annotated")) == set(inputs)


def test_sigkill_loses_nothing(settings: Settings, worker: Worker) -> None:
    inputs = numbered(600)
    worker.start()
    for n in range(3):
        send(settings, inputs[n * 200 : (n + 1) * 200])
        until(lambda n=n: committed(settings, "echo", "raw") > n * 200, workers=[worker])  # type: ignore[misc]
        worker.kill()
        worker.start()
    until(lambda: committed(settings, "echo", "raw") == 600, workers=[worker])
    assert set(values(settings, "annotated")) == set(inputs)


def test_nothing_behind_a_held_record_is_acknowledged(settings: Settings, worker: Worker) -> None:
    worker.start()
    send(settings, ["record 0", "record 1", "hold a", *numbered(40)[3:]])
    until(lambda: "record 39" in values(settings, "annotated"), workers=[worker])
    until(lambda: committed(settings, "echo", "raw") >= 2, workers=[worker])
    time.sleep(3 * settings.runner.commit_interval_s)
    assert committed(settings, "echo", "raw") == 2, "one record that is not done must hold the commit back"
    worker.kill()
    worker.start()
    send(settings, ["free a"])
    until(lambda: committed(settings, "echo", "raw") == 41, workers=[worker])
    assert "hold a" in values(settings, "annotated")


def test_a_held_back_input_that_crashes_the_stage_later_is_the_one_given_up(settings: Settings, worker: Worker) -> None:
    send(settings, ["record 0", "hold deadly", *numbered(20)[2:], "free deadly", "record 21"])
    worker.start()
    deaths = 0
    deadline = time.monotonic() + PATIENCE_S
    while committed(settings, "echo", "raw") < 22:
        assert time.monotonic() < deadline, worker.log[-3000:]
        if not worker.running:
            deaths += 1
            worker.start()
        time.sleep(0.2)
    assert deaths == settings.runner.max_attempts
    (letter,) = read(settings, "dead-letter")
    assert letter.value == b"hold deadly"
    assert {"free deadly", "record 21", "void 1 crash_loop"} <= set(values(settings, "annotated"))


def test_a_second_worker_of_the_same_name_is_refused(settings: Settings, worker: Worker) -> None:
    worker.start()
    until(lambda: "ready: raw[0]" in worker.log, workers=[worker])
    second = Worker(settings, "echo").start()
    try:
        assert second.wait() != 0
    finally:
        second.kill()
    assert "echo-0 runs already" in worker.log, "both log to one file here"
    assert worker.running


def test_a_retryable_failure_is_tried_again_in_the_same_process(settings: Settings, worker: Worker) -> None:
    worker.start()
    send(settings, ["record 0", "retry 2", "record 2"])
    until(lambda: committed(settings, "echo", "raw") == 3, workers=[worker])
    assert "retry 2" in values(settings, "annotated")
    assert worker.running
    assert read(settings, "dead-letter") == []


def test_retryable_for_ever_ends_the_process_and_blames_no_input(settings: Settings, worker: Worker) -> None:
    send(settings, ["retry 1000"])
    for _ in range(settings.runner.max_attempts + 1):
        worker.start()
        assert worker.wait() != 0
    assert committed(settings, "echo", "raw") == 0
    assert read(settings, "dead-letter") == []


def test_an_idle_stage_still_consumes_afterwards(settings: Settings, worker: Worker, limits: Limits) -> None:
    limits(worker, **{"broker.session_timeout_s": 10.0})
    worker.start()
    send(settings, ["record 0"])
    until(lambda: committed(settings, "echo", "raw") == 1, workers=[worker])
    time.sleep(1.5 * worker.settings.broker.session_timeout_s)
    send(settings, ["record 1"])
    until(lambda: "record 1" in values(settings, "annotated"), workers=[worker])


def test_the_settings_that_lose_nothing_are_in_force(
    settings: Settings, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the very app that a worker runs, whatever variables of Faust's own the environment holds."""
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    for name, value in (
        ("BROKER_MAX_POLL_INTERVAL", "60"),
        ("STREAM_WAIT_EMPTY", "1"),
        ("PROCESSING_GUARANTEE", "exactly_once"),
    ):
        monkeypatch.setenv(name, value)
    app = importlib.import_module("echo_stage").app
    app.health.close()
    conf = app.conf
    assert conf.broker_max_poll_interval > 7 * 24 * 3600, "Faust never rejoins after it (aiokafka#1187)"
    assert conf.consumer_group_instance_id.endswith("echo-0"), "a restart must not cost a rebalance"
    assert conf.table_standby_replicas == 1, "static membership works with the sticky assignor only"
    assert conf.broker_session_timeout == settings.broker.session_timeout_s
    assert conf.broker_heartbeat_interval <= conf.broker_session_timeout / 3
    assert conf.broker_commit_interval == settings.runner.commit_interval_s <= 1, "it bounds what is replayed"
    assert conf.processing_guarantee.name == "AT_LEAST_ONCE", "the other loses what goes to other apps' topics"
    assert conf.consumer_auto_offset_reset == "earliest"
    assert conf.agent_supervisor is mode.CrashingSupervisor, "else Faust skips what failed"
    assert not conf.stream_wait_empty, "the runner drains; Faust's wait ends never while a record is held back"
    assert not conf.web_enabled
    assert not conf.topic_allow_declare
    assert conf.topic_disable_leader
    assert not conf.stream_publish_on_commit
    assert not conf.producer_threaded
    (agent,) = app.agents.values()
    assert agent.concurrency == 1, "acknowledging out of order loses records (faust-streaming#606)"


def test_large_inputs_that_take_long_together_are_progress(settings: Settings, worker: Worker, limits: Limits) -> None:
    """Each takes a second, all together longer than the watchdog's patience."""
    limits(worker, **{"runner.watchdog_s": 12.0})
    inputs = [f"slow {n} " + "x" * 700_000 for n in range(14)]
    assert len(inputs) > worker.settings.runner.watchdog_s
    send(settings, inputs)
    worker.start()
    until(lambda: committed(settings, "echo", "raw") == len(inputs), workers=[worker])
    assert worker.running
    assert values(settings, "annotated") == inputs, "each once: nobody had to start again"


def test_a_stop_does_not_wait_for_all_of_a_batch_of_large_inputs(settings: Settings, worker: Worker) -> None:
    words = ["record", "gate", *["slow"] * 5]
    inputs = [f"{word} {n} " + "x" * 700_000 for n, word in enumerate(words)]
    send(settings, inputs)
    worker.start()
    until(lambda: committed(settings, "echo", "raw") >= 1, workers=[worker])
    worker.signal(signal.SIGTERM)
    open_gate(settings)
    assert worker.wait() == 0
    assert 1 <= len(values(settings, "annotated")) < 7
    worker.start()
    until(lambda: committed(settings, "echo", "raw") == 7, workers=[worker])
    assert values(settings, "annotated") == inputs, "what was done before the stop was acknowledged"


def test_a_stop_does_not_wait_for_all_that_one_input_sets_free(settings: Settings, worker: Worker) -> None:
    """A stage that goes on writing after it has left the group writes beside its successor."""
    send(settings, ["record 0", "steps 30"])
    worker.start()
    until(lambda: "step 0" in values(settings, "annotated"), workers=[worker])
    assert worker.stop() == 0
    assert "step 29" not in values(settings, "annotated")
    assert not in_work(settings), "no input is to blame"
    worker.start()
    until(lambda: committed(settings, "echo", "raw") == 2, workers=[worker])
    assert [v for v in values(settings, "annotated") if v.startswith("step ")][-30:] == [f"step {n}" for n in range(30)]


def test_kills_while_a_record_is_held_back_are_not_its_fault(settings: Settings, worker: Worker) -> None:
    send(settings, ["hold a"])
    for _ in range(settings.runner.max_attempts + 1):
        worker.start()
        until(lambda: consumed(settings) == 1 and not in_work(settings), workers=[worker])
        worker.kill()
    worker.start()
    send(settings, ["free a"])
    until(lambda: committed(settings, "echo", "raw") == 2, workers=[worker])
    assert read(settings, "dead-letter") == []
    assert "hold a" in values(settings, "annotated")


def test_nothing_is_decided_on_a_state_that_could_not_be_made_ready(settings: Settings, worker: Worker) -> None:
    send(settings, numbered(20))
    worker.environment["ECHO_STATE"] = "lost"
    worker.start()
    assert worker.wait() != 0
    assert "the state is lost" in worker.log
    assert values(settings, "annotated") == []
    assert committed(settings, "echo", "raw") == 0


def test_a_record_that_waits_in_vain_is_said_by_livez(settings: Settings, worker: Worker, limits: Limits) -> None:
    limits(worker, **{"runner.watchdog_s": 8.0})
    worker.start()
    until(lambda: "ready: raw[0]" in worker.log, workers=[worker])
    sent = time.monotonic()
    send(settings, ["record 0", "hold a"])
    until(lambda: committed(settings, "echo", "raw") == 1, workers=[worker])
    status, _ = probe(settings, "echo-0", "/livez")
    assert status == 200 or time.monotonic() - sent > 8.0, "it may yet be freed"
    status, said = until(lambda: (p := probe(settings, "echo-0", "/livez"))[0] != 200 and p, workers=[worker])
    assert status == 503
    assert "raw[0]@1 is held back" in said
    assert worker.running
    send(settings, ["free a"])
    until(lambda: probe(settings, "echo-0", "/livez")[0] == 200, workers=[worker])


def test_a_broker_that_goes_away_in_the_middle_of_the_work_costs_nothing(
    make_settings: Callable[..., Settings], settings: Settings, broker: RunningBroker
) -> None:
    """A patient stage waits for it; one for which it is away too long ends, and its successors go on."""
    patient = make_settings(
        **BASE | {"runner.watchdog_s": 300.0, "topics.prefix": "patient.", "data.dir": f"{settings.data.dir}-patient"}
    )
    ensure_topics(patient)
    hasty = make_settings(**BASE | {"runner.watchdog_s": 10.0})
    inputs = ["gate", *numbered(300)]
    both = [Worker(made, "echo").start() for made in (hasty, patient)]
    impatient = both[0]
    try:
        for worker in both:
            until(lambda w=worker: "ready: raw[0]" in w.log, workers=[worker])  # type: ignore[misc]
        for worker in both:
            send(worker.settings, inputs)
        for worker in both:
            until(lambda w=worker: in_work(w.settings), workers=[worker])  # type: ignore[misc]
        assert broker.local.kill()
        for worker in both:
            open_gate(worker.settings)
        try:
            assert impatient.wait() != 0, "a stage that cannot hand on its outputs must not wait for ever"
            impatient.start()
            time.sleep(2.0)  # the broker is still away
        finally:
            assert broker.local.start() == broker.bootstrap

        def finished(worker: Worker) -> bool:
            if worker is impatient and not worker.running:
                worker.start()
            return committed(worker.settings, "echo", "raw") == len(inputs)

        for worker in both:
            until(lambda w=worker: finished(w), what=f"all of it\n{worker.log[-3000:]}")  # type: ignore[misc]
            assert list(dict.fromkeys(values(worker.settings, "annotated"))) == inputs, "all there, in order"
            assert read(worker.settings, "dead-letter") == [], "no input is to blame"
        assert both[1].running
    finally:
        for worker in both:
            worker.kill()


def test_a_blocked_stage_ends_itself_with_its_stacks(settings: Settings, worker: Worker, limits: Limits) -> None:
    limits(worker, **{"runner.watchdog_s": 8.0})
    worker.start()
    until(lambda: "ready: raw[0]" in worker.log, workers=[worker])
    send(settings, ["hang"])
    assert worker.wait() == 70
    assert "stalled" in worker.log
    assert "echo_stage.py" in worker.log, "the stack dump says where it hung"


SESSION_S = 8.0
"""Of workers that are stopped for longer."""


def tended(worker: Worker, done: Callable[[], bool]) -> Callable[[], bool]:
    """The condition `done`, on a worker that is started again should the machine have stopped it for a session."""

    def look() -> bool:
        if not worker.running:
            worker.start()
        return done()

    return look


def test_a_frozen_worker_loses_its_partition_and_does_no_harm_when_it_wakes(
    settings: Settings, worker: Worker, limits: Limits
) -> None:
    other = Worker(settings, "echo", "echo-1")
    for one in (worker, other):
        limits(one, **{"broker.session_timeout_s": SESSION_S})
    try:
        worker.start()
        send(settings, numbered(50))
        until(tended(worker, lambda: committed(settings, "echo", "raw") == 50))
        worker.signal(signal.SIGSTOP)
        other.start()
        send(settings, [f"record {n}" for n in range(50, 100)])
        until(tended(other, lambda: committed(settings, "echo", "raw") == 100), workers=[worker, other])
        worker.signal(signal.SIGCONT)
        send(settings, [f"record {n}" for n in range(100, 150)])
        until(tended(other, lambda: committed(settings, "echo", "raw") == 150), workers=[worker, other])
        assert set(values(settings, "annotated")) == set(numbered(150))
    finally:
        other.kill()


def test_a_worker_frozen_in_the_middle_of_a_batch_writes_nothing_when_it_wakes(
    settings: Settings, worker: Worker, limits: Limits
) -> None:
    """A decision that came after its successors would be the one that compaction keeps."""
    other = Worker(settings, "echo", "echo-1")
    for one in (worker, other):
        limits(one, **{"broker.session_timeout_s": SESSION_S})
    try:
        worker.start()
        until(lambda: "ready: raw[0]" in worker.log, workers=[worker])
        send(settings, ["gate"])
        until(lambda: in_work(settings), what="a batch in work", workers=[worker])
        worker.signal(signal.SIGSTOP)
        open_gate(settings)
        awake = time.monotonic() + SESSION_S + 1.0
        other.start()
        until(tended(other, lambda: committed(settings, "echo", "raw") == 1), workers=[worker, other])
        time.sleep(max(0.0, awake - time.monotonic()))
        worker.signal(signal.SIGCONT)
        assert worker.wait() == 70
        assert values(settings, "annotated") == ["gate"], "from the other one alone"
    finally:
        other.kill()


def test_a_short_freeze_in_the_middle_of_a_batch_is_survived(
    settings: Settings, worker: Worker, limits: Limits
) -> None:
    limits(worker, **{"broker.session_timeout_s": 18.0})  # a heartbeat is due every six seconds
    worker.start()
    send(settings, ["gate", "record 1"])
    until(lambda: in_work(settings), what="a batch in work", workers=[worker])
    worker.signal(signal.SIGSTOP)
    time.sleep(7.0)
    open_gate(settings)
    worker.signal(signal.SIGCONT)
    until(lambda: committed(settings, "echo", "raw") == 2, workers=[worker])
    assert values(settings, "annotated") == ["gate", "record 1"]
    assert worker.running

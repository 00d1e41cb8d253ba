"""The stage runner on a real broker: what it promises, and the behaviours of Faust that it was built around."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest

from pipeline.broker.admin import ensure_topics
from pipeline.settings import Settings
from workers import Worker, committed, read, send, until, values

pytestmark = pytest.mark.broker


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    made = make_settings(
        **{
            "broker.session_timeout_s": 3.0,
            "runner.watchdog_s": 5.0,
            "runner.retry_base_s": 0.05,
            "runner.retry_attempts": 4,
            "topics.output_partitions": 1,
            "topics.unique_partitions": 1,
            "topics.dead_letter_partitions": 1,
        }
    )
    ensure_topics(made)
    return made


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    made = Worker(settings, "echo")
    yield made
    made.kill()


def numbered(count: int) -> list[str]:
    return [f"record {n}" for n in range(count)]


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


@pytest.mark.parametrize("poison", ["raise", "die"])
def test_an_input_that_crashes_the_stage_is_given_up_after_max_attempts(
    settings: Settings, worker: Worker, poison: str
) -> None:
    inputs = numbered(30)
    inputs[20] = poison
    send(settings, inputs)
    deaths = 0
    worker.start()
    deadline = time.monotonic() + 120
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
    inputs = [f"slow {n}" for n in range(6)]
    worker.start()
    send(settings, inputs)
    journal = settings.state_dir / "in-work" / "echo" / "raw-0"
    until(lambda: journal.exists() and journal.read_text().strip(), what="a batch in work", workers=[worker])
    assert worker.stop() == 0
    worker.start()
    until(lambda: committed(settings, "echo", "raw") == 6, workers=[worker])
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
    deadline = time.monotonic() + 120
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
    assert second.wait(30) != 0
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
        assert worker.wait(60) != 0
    assert committed(settings, "echo", "raw") == 0
    assert read(settings, "dead-letter") == []


def test_an_idle_stage_still_consumes_afterwards(settings: Settings, worker: Worker) -> None:
    worker.start()
    send(settings, ["record 0"])
    until(lambda: committed(settings, "echo", "raw") == 1, workers=[worker])
    time.sleep(3 * settings.broker.session_timeout_s)
    send(settings, ["record 1"])
    until(lambda: "record 1" in values(settings, "annotated"), workers=[worker])


def test_a_blocked_stage_ends_itself_with_its_stacks(settings: Settings, worker: Worker) -> None:
    worker.start()
    send(settings, ["hang"])
    assert worker.wait(60) == 70
    assert "stalled" in worker.log
    assert "echo_stage.py" in worker.log, "the stack dump says where it hung"


def test_a_frozen_worker_loses_its_partition_and_does_no_harm_when_it_wakes(settings: Settings, worker: Worker) -> None:
    other = Worker(settings, "echo", "echo-1")
    try:
        worker.start()
        send(settings, numbered(50))
        until(lambda: committed(settings, "echo", "raw") == 50, workers=[worker])
        worker.signal(signal.SIGSTOP)
        other.start()
        send(settings, [f"record {n}" for n in range(50, 100)])
        until(lambda: committed(settings, "echo", "raw") == 100, workers=[worker, other])
        worker.signal(signal.SIGCONT)
        send(settings, [f"record {n}" for n in range(100, 150)])
        until(lambda: committed(settings, "echo", "raw") == 150, workers=[worker, other])
        assert set(values(settings, "annotated")) == set(numbered(150))
    finally:
        other.kill()

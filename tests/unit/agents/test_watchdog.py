"""The watchdog: when it finds something wrong, and that it then ends the process. No test waits for a clock."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

from agents.watchdog import EXIT_STALLED, Watchdog


class Clock:
    """Time that a test moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_nothing_to_do_is_no_problem_however_long(clock: Clock) -> None:
    dog = Watchdog(5.0, 60.0)
    dog.waiting(0)
    clock.now += 10_000
    assert dog.problem() is None


def test_a_batch_without_progress_is_a_problem_after_the_limit(clock: Clock) -> None:
    dog = Watchdog(5.0, 60.0)
    dog.progress()
    dog.busy(True)
    clock.now += 5.0
    assert dog.problem() is None
    clock.now += 1.0
    assert "nothing was done for 6 s" in str(dog.problem())
    dog.progress()
    assert dog.problem() is None


def test_input_that_waits_is_a_problem_counted_from_when_it_began_to_wait(clock: Clock) -> None:
    dog = Watchdog(5.0, 60.0)
    clock.now += 100.0  # nothing came
    dog.waiting(3)
    assert dog.problem() is None, "it has only just come"
    clock.now += 4.0
    dog.waiting(3)
    clock.now += 2.0
    assert "3 records wait" in str(dog.problem())


def test_input_that_is_being_taken_is_no_problem(clock: Clock) -> None:
    dog = Watchdog(5.0, 60.0)
    for _ in range(10):
        dog.waiting(1000)  # never empty
        clock.now += 4.0
        dog.progress()
        assert dog.problem() is None


def test_looking_at_the_lag_is_no_progress_of_a_batch(clock: Clock) -> None:
    dog = Watchdog(5.0, 60.0)
    dog.progress()
    dog.busy(True)
    for _ in range(4):
        clock.now += 2.0
        dog.waiting(0)
    assert dog.problem() is not None


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=240, check=False
    )


def test_a_stalled_process_ends_with_its_stacks() -> None:
    done = run(
        """
        import time
        from agents import watchdog
        watchdog._LOOK_EVERY_S = 0.05
        dog = watchdog.Watchdog(0.2, 600.0)
        dog.start()
        def stuck_here():
            dog.busy(True)
            time.sleep(600)
        stuck_here()
        """
    )
    assert done.returncode == EXIT_STALLED
    assert "stuck_here" in done.stderr


def test_a_process_that_was_frozen_ends_before_it_writes_whoever_wakes_first() -> None:
    done = run(
        """
        import time
        from agents import watchdog
        watchdog._LOOK_EVERY_S = 60.0  # the thread sleeps on
        dog = watchdog.Watchdog(600.0, 500.0)
        dog.start()
        dog.end_if_frozen()
        print("awake", flush=True)
        real = time.clock_gettime
        time.clock_gettime = lambda clock: real(clock) + 501.0
        dog.end_if_frozen()
        print("written", flush=True)
        """
    )
    assert (done.returncode, done.stdout) == (EXIT_STALLED, "awake\n")


def test_a_worker_that_starts_slowly_is_not_frozen() -> None:
    Watchdog(60.0, 0.0).end_if_frozen()  # nobody watches yet

"""A Ctrl-C whose exception the interpreter drops still ends the command."""

import signal
from collections.abc import Iterator

import pytest

from pipeline import interrupts

NUMBER = signal.SIGUSR1


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handler = signal.getsignal(NUMBER)
    yield
    signal.signal(NUMBER, handler)


class Interrupted:
    def __del__(self) -> None:
        signal.raise_signal(NUMBER)  # what is raised in here, Python prints and drops


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_was_dropped_is_raised_at_the_next_check() -> None:
    interrupts.heed(NUMBER)
    interrupts.check()
    Interrupted()
    with pytest.raises(KeyboardInterrupt):
        interrupts.check()
    interrupts.check()


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(NUMBER, signal.SIG_IGN)
    interrupts.heed(NUMBER)
    signal.raise_signal(NUMBER)
    interrupts.check()

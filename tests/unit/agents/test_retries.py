"""How often a retryable failure is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from agents.messages import Outcome
from agents.meters import Meters
from agents.runner import Runner
from agents.watchdog import Watchdog
from pipeline.errors import RetryableError
from pipeline.metrics import Metrics
from pipeline.settings import load

TRIES = 4


class Away:
    """A stage whose store is away.

    Attributes:
        tries: how often it was asked for.
        on_try: called with that number at each.
    """

    def __init__(self, on_try: Callable[[int], None]) -> None:
        self.tries = 0
        self.on_try = on_try

    async def process(self, batch: object, taking_up: object) -> AsyncGenerator[Outcome, None]:
        self.tries += 1
        self.on_try(self.tries)
        raise RetryableError("the store is away")
        yield Outcome()


def runner_of(stage: Away) -> Runner[Any]:
    """The part of a runner that works through a batch, in its generation 1."""
    runner: Runner[Any] = Runner.__new__(Runner)
    runner._settings = load(env={}, flags={"runner.retry_base_s": 0, "runner.retry_attempts": TRIES})
    runner._stage = stage  # type: ignore[assignment]
    runner._blame = SimpleNamespace(taking_up=None)  # type: ignore[assignment]
    runner._meters = Meters(Metrics(), "sink")
    runner._watchdog = Watchdog(60, 60)
    runner._stopping, runner._generation = False, 1
    return runner


def test_a_store_that_stays_away_ends_the_process() -> None:
    stage = Away(lambda number: None)
    with pytest.raises(RetryableError):
        asyncio.run(runner_of(stage)._process([], [], 1))
    assert stage.tries == TRIES


@pytest.mark.parametrize("what", ["stop", "rebalance"])
def test_who_stops_or_loses_the_partitions_tries_no_more(what: str) -> None:
    def happens(number: int) -> None:
        if number == 2:
            runner._stopping = what == "stop"
            runner._generation = 1 if what == "stop" else -1

    stage = Away(happens)
    runner = runner_of(stage)
    assert not asyncio.run(runner._process([], [], 1)), "so the batch is not acknowledged"
    assert stage.tries == 2

"""What /readyz says, asked from the thread of the HTTP server while the event loop goes on."""

from __future__ import annotations

import asyncio
from typing import Any

from agents.runner import Runner


class _Turning(asyncio.Future[None]):
    """State made ready; the next rebalance begins while it is asked."""

    def __init__(self, runner: Runner[Any], following: asyncio.Future[None]) -> None:
        super().__init__()
        self.set_result(None)
        self._runner, self._following = runner, following

    def done(self) -> bool:
        self._runner._prepared = self._following  # type: ignore[assignment]
        return super().done()


def test_a_rebalance_that_begins_while_it_is_asked_breaks_no_answer() -> None:
    async def ask() -> tuple[str | None, str | None]:
        runner: Runner[Any] = Runner.__new__(Runner)
        runner._stopping, runner._generation = False, 1
        runner._prepared = _Turning(runner, asyncio.get_running_loop().create_future())  # type: ignore[assignment]
        return runner.not_ready(), runner.not_ready()

    assert asyncio.run(ask()) == (None, "restoring state")

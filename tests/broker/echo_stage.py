"""A stage that does what its input says, for the tests of the runner: raw -> annotated, value unchanged.

raise       the stage's code raises
die         the process ends at once
hang        the event loop blocks
retry N     RetryableError the first N times that this process sees it
hold N      is held back until the record `free N` has come; where N begins with "deadly", it then kills the process
slow        takes a second
gate        waits until the file `gate` is in the data directory
steps N     takes N seconds, and says something after each
bad         cannot be decoded

With ECHO_STATE=lost in its environment, its state cannot be made ready.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from agents.app import create_app
from agents.messages import Incoming, Item, Outcome, Outgoing
from agents.offsets import Offsets
from pipeline.errors import FatalError, InvalidEvent, RetryableError
from pipeline.metrics import Metrics
from pipeline.records import Void
from pipeline.settings import load
from pipeline.topics import TopicName


class EchoStage:
    name = "echo"
    inputs: tuple[TopicName, ...] = ("raw",)
    compacted_inputs = False
    batch_size = 16

    def __init__(self) -> None:
        self.waiting: dict[str, Incoming] = {}
        self.retries: Counter[str] = Counter()

    def decode(self, incoming: Incoming) -> str:
        text = (incoming.value or b"").decode("latin-1")
        if text.startswith("bad"):
            raise InvalidEvent("schema", "the test said so")
        return text

    async def process(
        self, batch: Sequence[Item[str]], taking_up: Callable[[Incoming], None]
    ) -> AsyncGenerator[Outcome, None]:
        outcome = Outcome()
        for item in batch:
            if isinstance(item.value, Void):
                outcome.outputs.append(echo(f"void {item.incoming.offset} {item.value.reason}"))
                continue
            word, _, argument = item.value.partition(" ")
            if word == "raise":
                raise ValueError("the test said so")
            if word == "die":
                os._exit(9)
            if word == "hang":
                time.sleep(3600)  # noqa: ASYNC251  # blocking the loop is the point
            if word == "slow":
                await asyncio.sleep(1.0)
            if word == "gate":
                while not GATE.exists():  # noqa: ASYNC110  # another process opens it
                    await asyncio.sleep(0.02)
            if word == "steps":
                for n in range(int(argument)):
                    await asyncio.sleep(1.0)
                    outcome.outputs.append(echo(f"step {n}"))
                    outcome.more = True
                    yield outcome
                    outcome = Outcome()
            if word == "retry" and self.retries[item.value] < int(argument):
                self.retries[item.value] += 1
                raise RetryableError("the test said so")
            if word == "hold":
                self.waiting[argument] = item.incoming
                continue
            if word == "free" and (freed := self.waiting.pop(argument, None)) is not None:
                taking_up(freed)
                if argument.startswith("deadly"):
                    os._exit(9)
                outcome.outputs.append(echo(f"hold {argument}"))
            outcome.outputs.append(echo(item.value))
        outcome.counts["ok"] += len(batch)
        yield outcome

    async def room(self) -> bool:
        return True

    def held(self, name: TopicName, partition: int) -> set[int]:
        return {i.offset for i in self.waiting.values()}

    def decided(self, value: str, incoming: Incoming) -> bool:
        return False

    async def assigned(
        self, partitions: Mapping[TopicName, Sequence[int]], offsets: Offsets, progress: Callable[[], None]
    ) -> None:
        self.waiting.clear()
        if os.environ.get("ECHO_STATE") == "lost":
            await asyncio.sleep(1.0)
            raise FatalError("the state is lost")

    def first_offset(self, name: TopicName, partition: int, offset: int) -> None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


def echo(text: str) -> Outgoing:
    return Outgoing(topic="annotated", key=None, value=text.encode("latin-1"), partition=0)


SETTINGS = load()
GATE = SETTINGS.data_dir / "gate"

app = create_app(SETTINGS, EchoStage(), Metrics())

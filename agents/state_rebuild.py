"""Making state anew: everything that was decided from `raw`, or the store alone from what was decided.

Both need the stages that they concern stopped, and refuse while one of them is in its consumer group.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import UnknownTopicOrPartitionError

from agents.progress import STAGE_INPUTS
from pipeline.broker.admin import ensure_topics
from pipeline.broker.client import bootstrap, client_options, explained
from pipeline.errors import WirefuseError
from pipeline.settings import Settings
from pipeline.sink.base import open_sink
from pipeline.topics import TopicName, group, topic

DERIVED: tuple[TopicName, ...] = (
    "unique",
    "annotated",
    "enriched",
    "incidents",
    "incident-changes",
    "dedup-log",
    "incident-log",
)
"""Topics that hold nothing but what follows from `raw`."""

# A static member that was stopped stays in its group until its session ends.
_GRACE_S = 5.0
_DELETED_WITHIN_S = 60.0
_WITHOUT_MEMBERS = ("Empty", "Dead")
_DONE = "OK"


def rebuild(settings: Settings, *, clear_store: bool) -> None:
    """Forget every decision; when the stages start again, they decide anew about all that `raw` still has.

    Args:
        clear_store: empty the sink's store, too. Without it the store keeps the first decision about each input: where
            the new ones differ, it becomes a mixture.

    Raises:
        WirefuseError: a stage is running, or the cluster or the store refuses.
    """
    with _admin(settings) as admin:
        _only_when_stopped(admin, settings, tuple(STAGE_INPUTS))
        if clear_store:
            _clear_store(settings)
        _forget_groups(admin, settings, tuple(STAGE_INPUTS))
        _delete(admin, [topic(settings, name) for name in DERIVED])
    shutil.rmtree(settings.state_dir / "in-work", ignore_errors=True)  # marks of offsets that are no more
    ensure_topics(settings)


def replay_sink(settings: Settings, *, clear_store: bool) -> None:
    """Let the sink read its inputs from their start, which a store that has them already does not change.

    Raises:
        WirefuseError: a sink is running, or the cluster or the store refuses.
    """
    with _admin(settings) as admin:
        _only_when_stopped(admin, settings, ("sink",))
        if clear_store:
            _clear_store(settings)
        _forget_groups(admin, settings, ("sink",))


def first_of_raw(settings: Settings) -> dict[int, int]:
    """Offset of the oldest record that each edition of `raw` still has; what was before, a rebuild cannot see."""
    partitions = [TopicPartition(topic(settings, "raw"), e) for e in range(settings.topics.editions)]
    with explained(settings, bootstrap(settings)), closing(KafkaConsumer(**client_options(settings))) as consumer:
        return {tp.partition: offset for tp, offset in consumer.beginning_offsets(partitions).items()}


@contextmanager
def _admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    with explained(settings, bootstrap(settings)), KafkaAdminClient(**client_options(settings)) as admin:
        yield admin


def _forget_groups(admin: KafkaAdminClient, settings: Settings, stages: Sequence[str]) -> None:
    there = {g["group_id"] for g in admin.list_groups()}
    doomed = [name for stage in stages if (name := group(settings, stage)) in there]
    if doomed:
        refused = {name: how for name, how in admin.delete_groups(doomed).items() if how != _DONE}
        if refused:
            raise WirefuseError(f"the cluster does not forget how far the stages are: {refused}")


def _only_when_stopped(admin: KafkaAdminClient, settings: Settings, stages: Sequence[str]) -> None:
    """Wait for members that have just been stopped, then refuse."""
    names = {group(settings, stage): stage for stage in stages}
    deadline = time.monotonic() + settings.broker.session_timeout_s + _GRACE_S
    while True:
        states = {g["group_id"]: g["group_state"] for g in admin.list_groups()}
        running = [stage for name, stage in names.items() if states.get(name, "Empty") not in _WITHOUT_MEMBERS]
        if not running:
            return
        if time.monotonic() > deadline:
            raise WirefuseError(f"still running: {', '.join(running)}. Stop the stages first; nothing was changed")
        time.sleep(0.5)


def _clear_store(settings: Settings) -> None:
    with closing(open_sink(settings.sink_url)) as sink:
        sink.clear()


def _delete(admin: KafkaAdminClient, names: Sequence[str]) -> None:
    """Delete topics and wait until the cluster has forgotten them: the new ones bear their names."""
    there = set(admin.list_topics())
    doomed = [name for name in names if name in there]
    if not doomed:
        return
    try:
        admin.delete_topics(doomed)
    except UnknownTopicOrPartitionError:
        pass  # somebody else was faster
    deadline = time.monotonic() + _DELETED_WITHIN_S
    while set(doomed) & set(admin.list_topics()):
        if time.monotonic() > deadline:
            raise WirefuseError(f"topics are still there {_DELETED_WITHIN_S:.0f} s after they were deleted; try again")
        time.sleep(0.2)

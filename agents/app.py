"""Makes the Faust app of a stage: settings that do not lose messages, and the stage runner as its only agent.

Faust keeps what it is good at (consumer group, assignment, service life cycle, `faust -A` command line). Acknowledging,
producing and failing are the runner's; docs/adr/0003 says why.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import threading
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import IO, Any, cast

import faust
import mode
from faust.transport.drivers.aiokafka import Consumer as AIOKafkaDriverConsumer
from faust.transport.drivers.aiokafka import Transport as AIOKafkaTransport
from mode.services import WaitResults

from agents.credentials import credentials
from agents.messages import Stage
from agents.output import Output
from agents.progress import upstream
from agents.runner import Runner
from pipeline import __version__, logs
from pipeline.broker.acls import Role
from pipeline.broker.client import bootstrap, servers
from pipeline.broker.errors import AccessDenied
from pipeline.broker.reachable import reachable
from pipeline.broker.rights import require
from pipeline.broker.security import security_arguments
from pipeline.claim import claim
from pipeline.errors import SettingsError
from pipeline.health import HealthServer
from pipeline.metrics import Metrics
from pipeline.process_name import checked
from pipeline.settings import Settings
from pipeline.topics import TopicName, group, topic

# Faust never rejoins the group after this much idleness (aiokafka#1187), so it must never pass.
_MAX_POLL_INTERVAL_S = 30 * 24 * 3600.0
# A member that is in the middle of a batch or of restoring its state may take so long to join a rebalance.
_REBALANCE_S = 300.0
# A batch that is being worked on when SIGTERM arrives may take so long; then it is left to be replayed.
_DRAIN_S = 45.0
EXIT_CRASHED = 70
# Records make no cycles; at Python's own limits, looking for some takes the ledger a thirtieth of its time.
_COLLECT_AFTER = (50_000, 20, 50)
# Faust asks every five minutes. A worker that joins while a broker comes back may be told that its topics have no
# partitions; it then stands by until it asks again.
_METADATA_AGE_S = 10.0
# A crashing worker that has not left by then is ended: a half-dead process holds its partitions.
_LAST_WORDS_S = 20.0


class _Consumer(AIOKafkaDriverConsumer):
    """Faust's consumer, with gaps that lose nothing and with less work for each record."""

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """Note a gap in the offsets without the record behind it, which Faust's own bounds count as acknowledged.

        Gaps are normal in compacted topics.
        """
        await super()._add_gap(tp, offset_from, offset_to - 1)

    async def wait_first(self, *coros: Any, **options: Any) -> Any:
        """Give a record to the stream, which Faust calls this for: at once while the stream's buffer has room.

        Faust's own way takes four tasks, and more time than most stages have for a record. They are needed where
        the buffer is full: there the wait ends when a rebalance begins.
        """
        if len(coros) != 2 or self.should_stop or any(channel.queue.full() for channel in self.app.topics):
            return await super().wait_first(*coros, **options)
        delivery, rebalance = coros
        rebalance.close()
        return WaitResults([delivery], [await delivery], False)


class _Transport(AIOKafkaTransport):
    Consumer = _Consumer


class StageApp(faust.App):
    """A Faust app whose start and stop take the runner along."""

    runner: Runner[Any]
    health: HealthServer
    name_lock: IO[bytes]
    check_access: Callable[[], None]
    refusal: SettingsError | AccessDenied | None = None
    """What ended the worker, if only a person can mend it; Faust itself knows one exit status for every failure."""

    def _new_transport(self) -> _Transport:
        return _Transport(self.conf.broker_consumer, self)

    async def on_first_start(self) -> None:
        self.conf.datadir.parent.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    async def on_start(self) -> None:
        self.health.start()
        try:
            await asyncio.to_thread(self.check_access)
            await self.runner.start()
        except (SettingsError, AccessDenied) as error:
            self.refusal = error
            raise
        await super().on_start()

    async def on_stop(self) -> None:
        _end_later(_DRAIN_S + _LAST_WORDS_S)
        await self.runner.drain(_DRAIN_S)
        # Without a broker, leaving the group takes minutes; and a consumer that is stopped while it starts may hang.
        _end_later(_LAST_WORDS_S)
        await super().on_stop()
        await self.runner.stop()
        self.health.close()

    async def crash(self, reason: BaseException) -> None:
        _end_later(_LAST_WORDS_S)
        await super().crash(reason)


class _Worker(faust.Worker):
    """Faust's process, which leaves standard output and error alone.

    Its command line overrides the setting `worker_redirect_stdouts`. What it redirects becomes a log line per piece of
    a print, hundreds for one traceback.
    """

    def _redirect_stdouts(self) -> None:
        pass


def _end_later(seconds: float) -> None:
    timer = threading.Timer(seconds, os._exit, (EXIT_CRASHED,))
    timer.daemon = True
    timer.start()


def worker_name(stage: str) -> str:
    """Name of this process among the workers of its stage on this machine, e.g. `entities-2`.

    Raises:
        SettingsError: `WIREFUSE_WORKER` says one that no file may have.
    """
    return checked(os.environ.get("WIREFUSE_WORKER") or f"{stage}-0", "WIREFUSE_WORKER")


def _claim(settings: Settings, name: str) -> IO[bytes]:
    """Make sure that no other process of this machine has the name: two members of one name expel each other for ever.

    Returns:
        The locked file; the lock ends with the process.

    Raises:
        FatalError: the name is taken.
    """
    taken = f"{name} runs already with this data directory; give this one another --name"
    return claim(settings.state_dir / f"{name}.lock", taken)


def create_app(settings: Settings, stage: Stage[Any], metrics: Metrics) -> StageApp:
    """The Faust app of one stage, ready for `faust -A` or `wirefuse worker`.

    Raises:
        FatalError: no broker is configured and the local one is not running, or another process has this one's name.
        SettingsError: a file of the connection's security cannot be used, or the name cannot be one of a process.
    """
    logs.report_dying_threads()
    gc.set_threshold(*_COLLECT_AFTER)
    addresses = ",".join(reachable(servers(bootstrap(settings))))
    name = worker_name(stage.name)
    app = _configured(settings, stage.name, addresses, name)
    short: dict[str, TopicName] = {topic(settings, t): t for t in stage.inputs}
    app.check_access = partial(require, settings, cast(Role, stage.name))
    app.name_lock = _claim(settings, name)
    output = Output(settings, addresses, client_id=name)
    runner = app.runner = Runner(
        settings, stage, output, metrics,
        worker=name, short_names=short, bootstrap=addresses, upstream=upstream(settings, stage.name),
    )  # fmt: skip
    app.health = HealthServer(settings, name, metrics, runner.not_ready, runner.not_alive)
    metrics.gauge("build_info").labels(__version__, stage.name).set(1)
    metrics.gauge("ready").labels(stage.name).set_function(lambda: float(runner.not_ready() is None))
    _tell_runner(app, short)

    source = app.topic(
        *short, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", internal=False
    )

    @app.agent(source, name=f"agents.{stage.name}.run", concurrency=1)
    async def run(stream: Any) -> None:
        size = runner.batch_size
        async for events in stream.noack().noack_take(size, within=settings.runner.batch_wait_s):
            await runner.batch(events)

    return app


def _configured(settings: Settings, stage: str, addresses: str, name: str) -> StageApp:
    """An app with the settings of Faust that lose no message."""
    conf = settings.broker
    return StageApp(
        group(settings, stage),
        broker=";".join(f"kafka://{address}" for address in addresses.split(",")),
        broker_credentials=credentials(security_arguments(settings)),
        env_prefix="WIREFUSE_FAUST",  # else any variable called e.g. WEB_PORT would override what stands here
        datadir=str(settings.state_dir / "faust" / name),
        agent_supervisor=mode.CrashingSupervisor,
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=1,  # selects Faust's sticky assignor; there are no tables
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{socket.gethostname()}-{name}",
        broker_session_timeout=conf.session_timeout_s,
        broker_heartbeat_interval=min(3.0, conf.session_timeout_s / 3),
        broker_request_timeout=max(conf.request_timeout_s, conf.session_timeout_s + 5),
        broker_rebalance_timeout=_REBALANCE_S,
        broker_max_poll_interval=_MAX_POLL_INTERVAL_S,
        broker_max_poll_records=500,
        broker_commit_interval=settings.runner.commit_interval_s,
        consumer_metadata_max_age_ms=int(_METADATA_AGE_S * 1000),
        consumer_max_fetch_size=max(1024 * 1024, settings.topics.max_message_bytes),
        stream_buffer_maxsize=4 * settings.runner.batch_size,
        stream_wait_empty=False,  # the runner drains; Faust's wait has no end while the ledger holds records back
        stream_processing_timeout=24 * 3600.0,
        Worker=_Worker,
        logging_config=logs.config(settings),
        producer_acks=-1,
    )


def _tell_runner(app: StageApp, short: dict[str, TopicName]) -> None:
    """Tell the runner of every rebalance, and the app of what must end it.

    Args:
        short: full topic name -> short name, for the stage's inputs.
    """
    runner = app.runner

    async def assigned(sender: Any, tps: Any, **kwargs: Any) -> None:
        partitions: defaultdict[TopicName, list[int]] = defaultdict(list)
        for tp in sorted(tps):
            partitions[short[tp.topic]].append(tp.partition)
        runner.on_assigned(partitions, app.consumer_generation_id)

    async def revoked(sender: Any, tps: Any, **kwargs: Any) -> None:
        await runner.on_revoked()

    app.on_partitions_assigned.connect(assigned, weak=False)  # type: ignore[arg-type]  # sends no `signal` argument
    app.on_partitions_revoked.connect(revoked, weak=False)  # type: ignore[arg-type]

    def fail(error: BaseException) -> None:
        if isinstance(error, AccessDenied):
            app.refusal = error
        app.add_future(app.crash(error))

    runner.fail = fail

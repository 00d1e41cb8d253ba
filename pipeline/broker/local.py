"""The local broker: a real Apache Kafka of one node (KRaft), on the loopback address, in a directory of its own.

The directory holds:

    data/               the log segments, formatted once
    logs/               broker.log (log4j2), console.log (what Java itself prints)
    server.properties   written anew at each start
    broker.lock, .json  who runs it: see `lease`
"""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from pipeline.broker import diagnosis, guard, jars
from pipeline.broker.errors import BrokerError
from pipeline.broker.java import find_java
from pipeline.broker.lease import Lease
from pipeline.broker.probe import answers
from pipeline.broker.server_config import log4j2_properties, server_properties
from pipeline.settings import Settings

HOST = "127.0.0.1"
_PORTS_TRIED = 3
_MIN_FREE_BYTES = 256 * 1024 * 1024
_START_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """What is known of the broker of one directory.

    Attributes:
        running: its process is alive.
        answering: it answers metadata requests.
        bootstrap: its address, `host:port`; None when it does not run.
        pid: of its Java process; None when it does not run.
    """

    running: bool
    answering: bool
    bootstrap: str | None
    pid: int | None
    directory: str
    kafka_version: str = jars.KAFKA_VERSION


class LocalBroker:
    """One local Kafka broker.

    Args:
        directory: its own directory; created when missing. One broker runs in it at a time.
        port: of its listener on 127.0.0.1; 0: any free one, the same at every start of this object.
        max_message_bytes: largest record that its topics may be configured to take.
        java: setting `broker.java`.
        detached: it outlives this process, until `stop`. Otherwise it ends with this process, even when that is killed.
            In both cases it leads a session of its own, so Ctrl-C on a terminal does not reach it.
        progress: called while Kafka is downloaded, see `jars.install`.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        max_message_bytes: int = 8 * 1024 * 1024,
        java: str = "",
        detached: bool = False,
        progress: jars.Progress | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.port = port
        self.max_message_bytes = max_message_bytes
        self.java = java
        self.detached = detached
        self.progress = progress
        self._lease = Lease(self.directory)
        self._process: subprocess.Popen[str] | None = None
        self._pid: int | None = None
        # Its only other end is in the guard: closed by the kernel when this process is gone.
        self._alive: int | None = None

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        detached: bool = False,
        progress: jars.Progress | None = None,
    ) -> LocalBroker:
        """The broker of the settings' data directory."""
        return cls(
            settings.data_dir / "broker",
            settings.broker.local_port,
            max_message_bytes=settings.topics.max_message_bytes,
            java=settings.broker.java,
            detached=detached,
            progress=progress,
        )

    # -- what a user does ---

    def start(self) -> str:
        """Start it and wait until it answers metadata requests.

        Returns:
            Its bootstrap address, `127.0.0.1:port`.

        Raises:
            BrokerError: it runs already, its port is taken, no Java, no jars, a full disk, a directory that is not a
                broker's; with the tail of its log where it started and failed.
        """
        class_path = ":".join(map(str, jars.install(progress=self.progress)))
        try:
            self._data.parent.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
            with self._lease.taken() as lock:
                self._release()  # should an earlier one have ended by itself
                self._check_disk()
                self._start(self._java(find_java(self.java), class_path), lock)
        except OSError as e:
            if e.errno == errno.ENOSPC:
                raise BrokerError(f"the disk of {self.directory} is full") from None
            raise BrokerError(f"the broker's directory {self.directory} cannot be used: {e}") from e
        return f"{HOST}:{self.port}"

    def stop(self, timeout_s: float = 30.0) -> bool:
        """End it: SIGTERM, which lets it write everything down, and SIGKILL after `timeout_s` seconds.

        Works on a broker that another process started in this directory.

        Returns:
            Whether it ran.
        """
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> bool:
        """End it with SIGKILL, as a crash would. Returns whether it ran."""
        return self._end(signal.SIGKILL, 0.0)

    def status(self) -> BrokerStatus:
        """Whether it runs, where, and whether it answers; for a broker that another process started, too."""
        known = self._lease.holder()
        if known is None:
            return BrokerStatus(False, False, None, None, str(self.directory))
        pid, address = known
        return BrokerStatus(True, answers(address, timeout_s=5.0), address, pid, str(self.directory))

    def address(self) -> str | None:
        """`host:port` of the broker that runs in this directory, whoever started it; None: none does."""
        known = self._lease.holder()
        return None if known is None else known[1]

    # -- files ---

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def logs(self) -> Path:
        """The folder of its logs."""
        return self.directory / "logs"

    def log_tail(self) -> str:
        """The last messages of its log."""
        return diagnosis.log_tail(self.logs)

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.directory).free
        if free < _MIN_FREE_BYTES:
            raise BrokerError(
                f"the disk of {self.directory} is nearly full ({free // 2**20} MiB free, "
                f"{_MIN_FREE_BYTES // 2**20} MiB needed): make room, or set data.dir to another disk"
            )

    # -- start ---

    def _start(self, java: list[str], lock: int) -> None:
        if self.port and not _port_is_free(self.port):
            raise BrokerError(
                f"port {self.port} is taken by another program: stop it, choose another with broker.local_port, or set "
                f"broker.bootstrap={HOST}:{self.port} if it is a Kafka broker that you want to use"
            )
        if not (self._data / "meta.properties").exists():
            self._format(java)
        wanted = self.port
        for attempt in range(_PORTS_TRIED):
            self.port = wanted or _free_port()
            try:
                self._launch(java, lock)
                self._await_answer()
                return
            except BaseException as e:
                self._release()
                self.port = wanted
                # A port that was free a moment ago can be taken before Kafka binds it.
                taken = isinstance(e, BrokerError) and diagnosis.port_was_taken(self.logs)
                if not taken or attempt + 1 == _PORTS_TRIED:
                    raise

    def _format(self, java: list[str]) -> None:
        if self._data.exists() and any(self._data.iterdir()):
            raise BrokerError(
                f"{self._data} holds files but is not a broker's directory (no meta.properties): it is damaged or "
                "belongs to another program. Move it away, and the broker starts with an empty one"
            )
        # Formatted beside its place and then renamed: an interrupted format leaves nothing half done.
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        properties = self._configure(fresh)
        command = [*java, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties)]
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True
        )
        if run.returncode != 0:
            raise BrokerError(f"{fresh} could not be formatted:\n{(run.stdout + run.stderr).strip()[-2000:]}")
        if self._data.exists():
            self._data.rmdir()
        fresh.rename(self._data)

    def _configure(self, data: Path) -> Path:
        """Write the configuration of a broker whose log segments are in `data`."""
        (self.directory / "log4j2.properties").write_text(log4j2_properties())
        properties = self.directory / "server.properties"
        properties.write_text(server_properties(data, self.port, _free_port(), self.max_message_bytes))
        return properties

    def _java(self, java: str, class_path: str) -> list[str]:
        return [
            java,
            "-Xms64m",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-UsePerfData",
            # Java's first compiler alone. What the second one makes would pay off at rates that one machine never sees;
            # to make it costs half of the broker's time while it runs beside the stages.
            "-XX:TieredStopAtLevel=1",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={(self.directory / 'log4j2.properties').as_uri()}",
            f"-Dwirefuse.log.dir={self.logs}",
            "-cp",
            class_path,
        ]

    def _launch(self, java: list[str], lock: int) -> None:
        command = [*java, "kafka.Kafka", str(self._configure(self._data))]
        inherited = [lock]
        if not self.detached:
            theirs, self._alive = os.pipe()
            inherited.append(theirs)
            command = [sys.executable, "-I", "-S", guard.__file__, str(theirs), *command]
        # The log of an earlier run must not explain how this one went.
        with contextlib.suppress(FileNotFoundError):
            (self.logs / "broker.log").replace(self.logs / "broker.log.1")
        try:
            with (self.logs / "console.log").open("w") as console:
                self._process = subprocess.Popen(
                    command,
                    cwd=self.directory,
                    stdin=subprocess.DEVNULL,
                    stdout=console if self.detached else subprocess.PIPE,
                    stderr=console,
                    pass_fds=inherited,
                    start_new_session=True,
                    text=True,
                )
        finally:
            for ours in inherited[1:]:
                os.close(ours)
        if self.detached:
            self._pid = self._process.pid
        else:
            assert self._process.stdout is not None
            printed = self._process.stdout.readline()
            if not printed:
                raise BrokerError(f"Java could not be started:\n{self.log_tail()}")
            self._pid = int(printed)
        self._lease.note(self._pid, f"{HOST}:{self.port}")

    def _await_answer(self) -> None:
        assert self._process is not None
        address = f"{HOST}:{self.port}"
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self._process.poll() is None:
            if answers(address, timeout_s=2.0):
                return
            if time.monotonic() > deadline:
                raise BrokerError(f"the broker did not answer within {_START_TIMEOUT_S:.0f} s:\n{self.log_tail()}")
            time.sleep(0.05)
        raise BrokerError(diagnosis.why_it_ended(self.directory, self.logs))

    # -- end ---

    def _end(self, first: signal.Signals, timeout_s: float) -> bool:
        known = self._lease.holder()
        if known is not None:
            pid, _ = known
            _signal(pid, first)
            if not self._wait_ended(timeout_s):
                _signal(pid, signal.SIGKILL)
                if not self._wait_ended(10.0):
                    raise BrokerError(f"process {pid} of the broker does not end, not even by SIGKILL")
        self._release()
        return known is not None

    def _wait_ended(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self._lease.holder() is not None:
            if self._process is not None:
                self._process.poll()  # reaps it
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _release(self) -> None:
        """Let go of the ended child process."""
        if self._process is not None:
            if self._process.poll() is None:
                # Java itself: the guard ends with it.
                _signal(self._pid or self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = self._pid = None
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _port_is_free(port: int) -> bool:
    with socket.socket() as s:
        # As Kafka binds it: connections of an earlier broker that linger do not matter.
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as s:
        s.bind((HOST, 0))
        return int(s.getsockname()[1])


def _cluster_id() -> str:
    """A Kafka `Uuid`: 22 characters of URL-safe base64; one that begins with "-" would read as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes)[:22].decode()
        if not text.startswith("-"):
            return text

"""The HTTP side of a process: /metrics, /livez and /readyz, on a thread of its own.

A thread of its own, so that a busy event loop or a long batch does not make a healthy worker look dead; whether there
is progress is what /livez is about.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from pipeline import codec
from pipeline.errors import FatalError
from pipeline.metrics import Metrics
from pipeline.settings import Settings

Check = Callable[[], str | None]
"""Returns None when all is well, else what is wrong, in words."""

_EVERY_ADDRESS = ("", "0.0.0.0", "::")


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 30.0
    """Seconds for each read: who connects and says nothing (its machine is gone, perhaps) must not keep a thread."""

    def handle(self) -> None:
        try:
            super().handle()
        except (TimeoutError, ConnectionError):
            pass  # it has gone, or might as well have

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds; they are not worth a log line."""


class HealthServer:
    """Serves the metrics and probes of one process until closed.

    The address is written to `<state dir>/<process>.json` as {"host", "port", "pid"}, because the port is any free one
    unless `http.port` says otherwise; and to `<state dir>/targets/<process>.json` in the form of Prometheus' file_sd.
    A process that is stopped in good order removes both. One that dies leaves them, and is missed by Prometheus.

    Args:
        name: process name, e.g. "entities-2".
        ready: says whether work may be expected of it (state restored, partitions assigned or stand-by).
        alive: says whether it should be left running.

    Raises:
        FatalError: the port is taken.
    """

    def __init__(self, settings: Settings, name: str, metrics: Metrics, ready: Check, alive: Check) -> None:
        self._metrics_app = make_wsgi_app(metrics.registry)
        self._checks = {"/livez": alive, "/readyz": ready}
        host, port = settings.http.host, settings.http.port
        try:
            self._server = make_server(host, port, self._respond, server_class=_Server, handler_class=_Quiet)
        except OSError as e:
            raise FatalError(f"cannot serve metrics on {host}:{port}: {e.strerror}; set http.port") from None
        self.host = host
        self.port = int(self._server.server_port)
        self._name = name
        self._file = address_file(settings, name)
        self._target_file = target_file(settings, name)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> HealthServer:
        _write(self._file, {"host": self.host, "port": self.port, "pid": os.getpid()})
        self._write_target()
        self._thread.start()
        return self

    def close(self) -> None:
        if self._thread.is_alive():  # else shutdown() would wait for ever
            self._server.shutdown()
        self._server.server_close()
        self._file.unlink(missing_ok=True)
        self._target_file.unlink(missing_ok=True)

    def _write_target(self) -> None:
        host = socket.gethostname() if self.host in _EVERY_ADDRESS else self.host
        # The port differs after every start; under one name it stays one series in Prometheus.
        target = {"targets": [f"{host}:{self.port}"], "labels": {"instance": self._name}}
        _write(self._target_file, [target])

    def __enter__(self) -> HealthServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            shown: Iterable[bytes] = self._metrics_app(environ, start_response)
            return shown
        check = self._checks.get(path)
        if check is None:
            status, text = "404 Not Found", "try /metrics, /livez or /readyz"
        else:
            problem = check()
            status, text = ("200 OK", "ok") if problem is None else ("503 Service Unavailable", problem)
        body = (text + "\n").encode()
        start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
        return [body]


def _write(file: Path, content: object) -> None:
    """Put a whole file in place: others read it at any moment, Prometheus whenever it changes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    written = file.with_suffix(".new")
    written.write_bytes(codec.encode(content))
    written.replace(file)


def address_file(settings: Settings, name: str) -> Path:
    """Where a process says on which port it serves."""
    return settings.state_dir / f"{name}.json"


def target_file(settings: Settings, name: str) -> Path:
    """Where a process says the same to Prometheus."""
    return settings.state_dir / "targets" / f"{name}.json"

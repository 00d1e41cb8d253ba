"""A real PostgreSQL server for tests: in a temporary folder, on loopback, as an unprivileged user."""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

import psycopg
import pytest

_USER = "wirefuse"
_PASSWORD = "only for tests"
_START_S = 240.0


class PostgresServer:
    """One server. `url` gives a schema of its own to each test."""

    def __init__(self) -> None:
        self._bin = _binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="wirefuse-postgres-"))
        self._owner = _unprivileged()
        if self._owner is not None:
            os.chown(self._folder, *self._owner)
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._emptied: str | None = None
        self._known = False  # the port is in URLs that were handed out
        secret = self._folder / "password"
        secret.write_text(_PASSWORD)
        if self._owner is not None:
            os.chown(secret, *self._owner)
        self._run("initdb", "-D", self._data, "-U", _USER, "-A", "password", f"--pwfile={secret}", "-E", "UTF8",
                  "--no-sync", "--locale=C.UTF-8")  # fmt: skip

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        # A port that was free a moment ago can be taken before PostgreSQL binds it.
        while not self._starts():
            log = (self._folder / "server.log").read_text()
            assert "could not bind" in log, log[-3000:]
            assert not self._known, log[-3000:]
            self.port = _free_port()
        self._known = True

    def _starts(self) -> bool:
        command = [self._bin / "postgres", "-D", self._data, "-p", str(self.port), "-k", self._folder,
                   "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=50"]  # fmt: skip
        with (self._folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_owner())
        deadline = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=30).close()
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    return False
                time.sleep(0.1)

    def start_again(self) -> None:
        """Start it if it was stopped."""
        if self._process is None:
            self.start()

    def kill(self) -> None:
        """Stop at once, as a crash would; `start` recovers."""
        if self._process is not None:
            self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate", "-w")
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def dsn(self, password: str = _PASSWORD, database: str = "postgres") -> str:
        return f"postgresql://{_USER}:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def url(self) -> str:
        """The URL of a schema that is there and empty."""
        schema = f"s{uuid.uuid4().hex}"
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return f"{self.dsn()}?options=-csearch_path%3D{schema}"

    def emptied(self) -> str:
        """The URL of one schema, the same at every call, with no row in its tables; much faster than a new one."""
        if self._emptied is None:
            self._emptied = self.url()
        with psycopg.connect(self._emptied, autocommit=True) as connection:
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE '%_schema'"
            ).fetchall()
            if tables:
                connection.execute(f"TRUNCATE {', '.join(name for (name,) in tables)} RESTART IDENTITY")
        return self._emptied

    def _run(self, program: str, *arguments: object) -> None:
        command = [self._bin / program, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, cwd=self._folder, check=False, **self._as_owner())
        assert done.returncode == 0, done.stderr.decode()

    def _as_owner(self) -> dict[str, object]:
        if self._owner is None:
            return {}
        return {"user": self._owner[0], "group": self._owner[1], "extra_groups": []}


@functools.cache
def server() -> PostgresServer:
    """The server of this test run, started when first asked for."""
    found = PostgresServer()
    atexit.register(found.close)
    found.start()
    return found


def rows(url: str) -> bytes:
    """All that a query can still find of articles, incidents and changes."""
    query = " UNION ALL ".join(f"SELECT t::text FROM {table} t" for table in ("articles", "incidents", "changes"))
    with psycopg.connect(url) as connection:
        return "\n".join(row for (row,) in connection.execute(query)).encode()


def _binaries() -> Path:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    for folder in [*([Path(on_path).parent] if on_path else []), *candidates]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    message = (
        "no PostgreSQL server is installed; `make test` installs Debian's where it may, or: apt-get install postgresql"
    )
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _unprivileged() -> tuple[int, int] | None:
    """User and group to run as; PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return found.pw_uid, found.pw_gid
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])

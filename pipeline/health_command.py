"""`wirefuse health`: asks the processes of this data directory how they are; what a container's health check runs."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from pipeline.settings import Settings

_TIMEOUT_S = 5.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


class _Address(msgspec.Struct, frozen=True):
    """What a process writes when it begins to serve (`pipeline.health.HealthServer`)."""

    host: str
    port: int
    pid: int


@click.command()
@click.argument("name", required=False)
@click.option("--ready", is_flag=True, help="Ask whether work may be expected of it (/readyz), not whether it lives.")
@click.pass_obj
def health(settings: Settings, name: str | None, ready: bool) -> None:
    """Ask the running processes of this data directory whether they are well.

    NAME is one of them, e.g. entities-0; without it all are asked. Kafka is not asked: a worker that waits for a
    broker is well.

    \b
    Exit codes: 0 all are well, 1 one is not or none runs.
    """
    path = "/readyz" if ready else "/livez"
    problems = {who: _problem(address, path) for who, address in _addresses(settings.state_dir, name)}
    for who, problem in problems.items():
        click.echo(f"{who}: {problem or 'ok'}")
    if not problems:
        click.echo(f"no {name or 'process'} serves its health in {settings.state_dir}", err=True)
    if not problems or any(problems.values()):
        raise click.exceptions.Exit(1)


def _addresses(directory: Path, name: str | None) -> Iterator[tuple[str, _Address]]:
    """The processes that say where they serve; one that died without a word is not among them."""
    for file in sorted(directory.glob("*.json")):
        if name not in (None, file.stem):
            continue
        try:
            address = msgspec.json.decode(file.read_bytes(), type=_Address)
        except (OSError, msgspec.DecodeError):
            continue  # it stops in this moment, or is no address
        if _runs(address.pid):
            yield file.stem, address


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, so it is there
    return True


def _problem(address: _Address, path: str) -> str | None:
    """What is wrong, in words; None when all is well."""
    connection = http.client.HTTPConnection(
        _ANY_ADDRESS.get(address.host, address.host), address.port, timeout=_TIMEOUT_S
    )
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        said = answer.read(1000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return f"port {address.port} does not answer: {error}"
    finally:
        connection.close()
    return None if answer.status == http.client.OK else said or f"status {answer.status}"

"""A full disk under everything: the broker, the stages' files and the store, while a wire flows.

    python tests/disk_full.py [--mib 1024] [--rate 20] [--full 60] [--dir .wirefuse/disk-full]

`wirefuse up` runs with its data directory on a small disk of its own (a tmpfs in a mount namespace of this process,
which needs Linux and leave to make user namespaces). A file takes all that is free; later it is removed. It must be
said that the disk is full; afterwards everything must go on by itself, with every input accounted for exactly once.
Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "broker")]

from agents.state_check import verify  # noqa: E402
from chain import sink  # noqa: E402  # the tests' own modules, found by the line above
from feeding import Feeder, accounted, values  # noqa: E402
from pipeline.errors import WirefuseError  # noqa: E402
from pipeline.settings import Settings, as_environment, load  # noqa: E402

BEFORE_S = 20.0
CAUGHT_UP_S = 300.0
_INSIDE = "DISK_FULL_TEST_INSIDE"


def main() -> int:
    arguments = _arguments()
    if _INSIDE not in os.environ:
        return _in_own_namespace(arguments.dir, arguments.mib)
    settings = load(
        env={},
        flags={
            "data.dir": str(arguments.dir / "disk" / "data"),
            "broker.local_port": _free_port(),
        },
    )  # fmt: skip
    said = arguments.dir / "up.log"
    with said.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", "up"],
            stdout=out, stderr=out, cwd=ROOT,
            env=os.environ | as_environment(settings),
        )  # fmt: skip
    try:
        problems = _fill_and_free(settings, arguments, said, up)
    finally:
        up.send_signal(signal.SIGTERM)  # a shell that starts this in the background has SIGINT ignored
        up.wait(120)
    for problem in problems:
        print("PROBLEM:", problem)
    print("it was said, and nothing lost or doubled" if not problems else f"{len(problems)} problems", flush=True)
    return int(bool(problems))


def _fill_and_free(
    settings: Settings, arguments: argparse.Namespace, said: Path, up: subprocess.Popen[bytes]
) -> list[str]:
    _until(lambda: "Publish with" in said.read_text(), "up and running", 120.0)
    client = load(
        env={},
        flags={"data.dir": str(settings.data_dir), "broker.bootstrap": f"127.0.0.1:{settings.broker.local_port}"},
    )
    feeder = Feeder(client, values(client, [], 1), arguments.rate)
    feeder.start()
    time.sleep(BEFORE_S)
    before = _in_sink(client)
    ballast = settings.data_dir.parent / "ballast"
    _fill(ballast)
    print(f"full with {before} inputs in the sink", flush=True)
    refilled = time.monotonic() + arguments.full
    while time.monotonic() < refilled:
        time.sleep(1.0)
        _fill(ballast)  # what was freed meanwhile: rotated logs and the like
    heard = said.read_text()
    ballast.unlink()
    freed = time.monotonic()
    print(f"freed, {len(feeder.sent)} inputs handed over", flush=True)
    time.sleep(BEFORE_S)
    feeder.stop()
    _until(lambda: _in_sink(client) == len(feeder.sent), "everything in the sink", CAUGHT_UP_S)
    print(f"all in the sink {time.monotonic() - freed:.0f} s after it was freed", flush=True)
    problems = [*accounted(client, len(feeder.sent)), *asyncio.run(verify(client)).problems]
    if "full" not in heard:
        problems.append(f"nobody said that the disk is full: {said}")
    if up.poll() is not None:
        problems.append(f"wirefuse up ended by itself with status {up.returncode}: {said}")
    return problems


def _in_own_namespace(directory: Path, mib: int) -> int:
    """Run this script again where a small disk is mounted that nobody else sees, and that goes away with it."""
    disk = directory.absolute() / "disk"
    disk.mkdir(parents=True, exist_ok=True)
    script = f'mount -t tmpfs -o size={mib}m none "$0" && exec "$@"'
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, disk, sys.executable, *sys.argv],
        env=os.environ | {_INSIDE: "yes"}, check=False,
    ).returncode  # fmt: skip


def _fill(path: Path) -> None:
    piece = bytes(64 * 1024)
    with path.open("ab", buffering=0) as file:
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[: len(piece) // 2]


def _in_sink(settings: Settings) -> int:
    try:
        with closing(sink(settings)) as reader:
            return sum(reader.counts().inputs.values())
    except WirefuseError:
        return -1  # not made yet, or it cannot be read without room for its index


def _until(condition: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024, help="size of the disk")
    parser.add_argument("--rate", type=float, default=20.0, help="inputs a second")
    parser.add_argument("--full", type=float, default=60.0, help="seconds for which it stays full")
    parser.add_argument("--dir", type=Path, default=Path(".wirefuse/disk-full"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

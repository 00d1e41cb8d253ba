"""Runs services of docker/compose.yaml from a built image with runc, as a container runtime would without a network.

Each gets what its service says: command, environment, user, read-only root file system, no capabilities, no new
privileges, tmpfs, volumes, secrets, memory limit; process 1 of its own PID namespace. The network is the caller's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compose import seconds

_TMPFS = ["nosuid", "nodev", "mode=1777"]


@dataclass(frozen=True, slots=True)
class Image:
    """A built image.

    Attributes:
        rootfs: folder of its file system.
        config: its OCI configuration (User, Env, Entrypoint, ...).
    """

    rootfs: Path
    config: dict[str, Any]


@dataclass(slots=True)
class Container:
    """One container of a service."""

    name: str
    log: Path
    grace_s: float
    process: subprocess.Popen[bytes]
    runc: list[str] = field(repr=False)

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as a health check does."""
        return subprocess.run([*self.runc, "exec", self.name, *command], capture_output=True, text=True, check=False)

    def wait(self, timeout_s: float) -> int:
        return self.process.wait(timeout_s)

    def stop(self) -> float:
        """SIGTERM to process 1, as `docker stop` does; returns after how many seconds it had ended with status 0."""
        started = time.monotonic()
        subprocess.run([*self.runc, "kill", self.name, "TERM"], check=True)
        status = self.process.wait(self.grace_s)
        taken = time.monotonic() - started
        assert status == 0, f"{self.name} ended with status {status} on SIGTERM:\n{self.tail()}"
        return taken

    def tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Runtime:
    """Starts containers and ends them all.

    Args:
        project: the project as Compose resolves it.
        hosts: file with the names of the services' hosts.
    """

    def __init__(self, image: Image, project: dict[str, Any], folder: Path, hosts: Path) -> None:
        self._image = image
        self._project = project
        self._folder = folder
        self._hosts = hosts
        self._runc = ["runc", "--root", str(folder / "runc")]
        self._user = tuple(map(int, image.config["User"].split(":")))
        self.containers: list[Container] = []

    def start(self, service: str, environment: dict[str, str] | None = None) -> Container:
        """Start a container of a service, with some variables of its environment replaced."""
        name = f"{service}-{len(self.containers)}"
        bundle = self._folder / name
        bundle.mkdir(parents=True)
        wanted = self._project["services"][service]
        (bundle / "config.json").write_text(json.dumps(self._bundle(service, wanted, environment or {})))
        log = bundle / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*self._runc, "run", "--bundle", str(bundle), name], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        grace = seconds(wanted.get("stop_grace_period", "10s"))
        container = Container(name, log, grace, process, self._runc)
        self.containers.append(container)
        return container

    def run(self, service: str, environment: dict[str, str] | None = None, timeout_s: float = 120.0) -> Container:
        """Run a one-shot service to its end, which must be a good one."""
        container = self.start(service, environment)
        status = container.wait(timeout_s)
        assert status == 0, f"{service} ended with status {status}:\n{container.tail()}"
        return container

    def close(self) -> None:
        for container in self.containers:
            if container.process.poll() is None:
                subprocess.run([*self._runc, "kill", container.name, signal.SIGKILL.name], check=False)
                container.process.wait()

    def _bundle(self, service: str, wanted: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
        image = self._image.config
        env = dict(text.split("=", 1) for text in image["Env"]) | wanted.get("environment", {}) | environment
        uid, gid = self._user
        limit = wanted.get("mem_limit")
        assert wanted["cap_drop"] == ["ALL"], "the only set of capabilities that is known here is none"
        return {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": {"uid": uid, "gid": gid},
                "args": image["Entrypoint"] + wanted["command"],
                "env": [f"{name}={value}" for name, value in env.items()],
                "cwd": image["WorkingDir"],
                "noNewPrivileges": "no-new-privileges:true" in wanted.get("security_opt", []),
                "capabilities": {"bounding": [], "effective": [], "permitted": []},
            },
            "root": {"path": str(self._image.rootfs), "readonly": wanted.get("read_only", False)},
            "hostname": wanted.get("hostname", service),
            "mounts": list(self._mounts(service, wanted)),
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts")],
                **({"resources": {"memory": {"limit": int(limit)}}} if limit else {}),
                "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"],
            },
        }

    def _mounts(self, service: str, wanted: dict[str, Any]) -> Any:
        yield {"destination": "/proc", "type": "proc", "source": "proc"}
        yield {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]}
        yield {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*_TMPFS, "size=65536k"]}
        for target in wanted.get("tmpfs", []):
            yield {"destination": target, "type": "tmpfs", "source": "tmpfs", "options": _TMPFS}
        yield _bound(self._hosts, "/etc/hosts", "ro")
        volumes = {v["target"]: v for v in wanted.get("volumes", [])}
        for target in self._image.config.get("Volumes") or {}:
            volumes.setdefault(target, {"type": "volume", "source": f"{service}-{len(self.containers)}"})
        for target, volume in volumes.items():
            if volume["type"] == "bind":
                yield _bound(Path(volume["source"]), target, "ro" if volume.get("read_only") else "rw")
            else:
                yield _bound(self._volume(volume["source"]), target, "rw")
        for secret in wanted.get("secrets", []):
            file = Path(self._project["secrets"][secret["source"]]["file"])
            yield _bound(file, str(Path("/run/secrets", secret["target"])), "ro")

    def _volume(self, name: str) -> Path:
        """A named volume: it takes its owner from the folder of the image that it is mounted over."""
        folder = self._folder / "volumes" / name
        if not folder.exists():
            folder.mkdir(parents=True)
            os.chown(folder, *self._user)
        return folder


def _bound(source: Path, target: str, mode: str) -> dict[str, Any]:
    return {"destination": target, "type": "bind", "source": str(source), "options": ["bind", mode, "nosuid", "nodev"]}

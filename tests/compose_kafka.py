"""The broker of docker/compose.yaml without its image: the same Kafka with the properties that its environment says."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from pipeline.broker import jars
from pipeline.broker.java import find_java
from pipeline.broker.server_config import log4j2_properties

_START_S = 60.0
# What the image's start scripts use themselves and do not pass on.
_NOT_PROPERTIES = ("KAFKA_HEAP_OPTS",)


def properties(service: dict[str, Any]) -> dict[str, str]:
    """Kafka's properties from the variables, by the image's rule: KAFKA_LOG_DIRS is log.dirs."""
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in service["environment"].items()
        if name.startswith("KAFKA_") and name not in _NOT_PROPERTIES
    }


class ComposeKafka:
    """Runs the broker; the names and ports of its listeners must be free and resolve here.

    Args:
        secrets: where the project's secrets are, by the path that the container would see.
    """

    def __init__(self, service: dict[str, Any], secrets: dict[str, Path], folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        found = properties(service) | {"log.dirs": str(folder / "data")}
        for name, value in found.items():
            if value in secrets:
                found[name] = str(secrets[value])
        file = folder / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in found.items()))
        (folder / "log4j2.properties").write_text(log4j2_properties())
        self._java = [
            find_java(), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={(folder / 'log4j2.properties').as_uri()}", f"-Dwirefuse.log.dir={folder}",
            "-cp", ":".join(map(str, jars.install())),
        ]  # fmt: skip
        self._run("kafka.tools.StorageTool", "format", "-t", service["environment"]["CLUSTER_ID"], "-c", str(file))
        with (folder / "console.log").open("wb") as log:
            self._process = subprocess.Popen([*self._java, "kafka.Kafka", str(file)], stdout=log, stderr=log)

    def until_healthy(self) -> None:
        """Wait until a connection to the port is taken, as the service's health check (`nc -z`) does."""
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection(("localhost", 9092), 5).close()
                return
            except ConnectionRefusedError:
                assert self._process.poll() is None, self.tail()
                assert time.monotonic() < deadline, f"not healthy in {_START_S:.0f} s\n{self.tail()}"
                time.sleep(0.5)

    def tail(self) -> str:
        logs = [self._folder / "console.log", self._folder / "broker.log"]
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([*self._java, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

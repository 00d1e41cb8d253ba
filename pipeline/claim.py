"""What only one process of this machine may do at a time."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO

from pipeline.errors import FatalError


def claim(file: Path, taken: str) -> IO[bytes]:
    """Lock a file, which is made if it is not there.

    Args:
        taken: what to say where another process has it.

    Returns:
        The locked file; the lock ends when it is closed, and with the process.

    Raises:
        FatalError: another process has it, or it cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.open("ab")
    except OSError as error:
        raise FatalError(f"the folder {file.parent} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise FatalError(taken) from None
    return lock

"""Says why a broker did not start, from what it logged."""

from __future__ import annotations

import re
from pathlib import Path

PORT_TAKEN = "Address already in use"

_TAIL_LINES = 12
_WHOLE_LOG = 2000

_CAUSES: tuple[tuple[str, str], ...] = (
    (PORT_TAKEN, "its port is taken by another program; choose another with broker.local_port"),
    ("No space left on device", "the disk of {directory} is full"),
    ("OutOfMemoryError", "it ran out of memory"),
    ("Permission denied", "it may not write in {directory}"),
)
"""Signs in the log -> what they mean to a user."""

# What is left after the causes above is, in practice, a file of its data directory that it cannot read.
_DAMAGED = "its data directory seems to be damaged; move {directory}/data away to begin with an empty one"

_STACK_FRAME = re.compile(r"\s+(at |\.\.\. \d+ more)")


def log_tail(logs: Path, lines: int = _TAIL_LINES) -> str:
    """The last messages of the broker's log, without stack frames; what Java printed when it wrote no log."""
    for name in ("broker.log", "console.log"):
        try:
            text = (logs / name).read_text("utf-8", "replace")
        except FileNotFoundError:
            continue
        messages = [line for line in text.splitlines() if line.strip() and not _STACK_FRAME.match(line)]
        if messages:
            return "\n".join(messages[-lines:])
    return "(its log is empty)"


def port_was_taken(logs: Path) -> bool:
    """Whether the broker ended because another program has its port."""
    return PORT_TAKEN in log_tail(logs, _WHOLE_LOG)


def why_it_ended(directory: Path, logs: Path) -> str:
    """What to tell the user about a broker that ended while it started: the cause, the log's tail, where to look."""
    log = log_tail(logs, _WHOLE_LOG)
    reason = next((meaning for sign, meaning in _CAUSES if sign in log), _DAMAGED)
    return (
        f"the broker ended while starting: {reason.format(directory=directory)}\n{log_tail(logs)}\n(whole log: {logs})"
    )

"""Remembers over a crash which inputs were being worked on, so that one that kills its stage is found and set aside.

One small file per input partition. It holds the offsets in work and is emptied when they are done, so a process that
dies in the middle leaves it filled. The next owner of the partition on this machine takes those offsets one at a time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_WIDTH = 64


@dataclass(frozen=True, slots=True)
class Suspect:
    """Offsets [first, last] that were in work when a process died, for the `attempts`-th time alone."""

    first: int
    last: int
    attempts: int


class CrashJournal:
    """The journal of one stage.

    Args:
        directory: made if missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._files: dict[tuple[str, int], int] = {}
        self._suspects: dict[tuple[str, int], Suspect] = {}

    def open(self, topic: str, partition: int) -> Suspect | None:
        """Start on a partition; says what killed its last owner, if something did."""
        key = (topic, partition)
        if key not in self._files:
            path = self._directory / f"{topic}-{partition}"
            self._files[key] = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        text = os.pread(self._files[key], _WIDTH, 0).split()
        try:
            first, last, attempts = (int(word) for word in text)
        except ValueError:  # empty, or torn by a power cut: nothing is suspected
            self._suspects.pop(key, None)
            return None
        self._suspects[key] = Suspect(first, last, attempts)
        return self._suspects[key]

    def suspect(self, topic: str, partition: int, offset: int) -> Suspect | None:
        """The suspicion that covers an offset."""
        found = self._suspects.get((topic, partition))
        return found if found is not None and found.first <= offset <= found.last else None

    def begin(self, topic: str, partition: int, first: int, last: int, attempts: int = 0) -> None:
        """Note that these offsets are in work from now on."""
        os.pwrite(self._files[topic, partition], f"{first} {last} {attempts}".ljust(_WIDTH).encode(), 0)

    def done(self, topic: str, partition: int, first: int, last: int) -> None:
        """Note that nothing is in work, and that [first, last] is beyond suspicion."""
        key = (topic, partition)
        found = self._suspects.get(key)
        rest: Suspect | None = None
        if found is not None:
            if last < found.first or first > found.last:
                rest = found  # still to come, or held back until later
            elif last < found.last:
                rest = Suspect(last + 1, found.last, 0)
        if rest is None:
            self._suspects.pop(key, None)
            os.pwrite(self._files[key], b" " * _WIDTH, 0)
        else:
            self._suspects[key] = rest
            self.begin(topic, partition, rest.first, rest.last, rest.attempts)

    def acquit(self) -> None:
        """Note that whatever is in work is given up for reasons of its own; what was suspected before stays so."""
        for key, handle in self._files.items():
            found = self._suspects.get(key)
            text = f"{found.first} {found.last} {found.attempts}" if found is not None else ""
            os.pwrite(handle, text.ljust(_WIDTH).encode(), 0)

    def close(self) -> None:
        for handle in self._files.values():
            os.close(handle)
        self._files.clear()

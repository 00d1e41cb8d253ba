"""Append-only text files in one folder that grow together: a batch is in all of them or in none.

`commit.json` holds the sizes after the last whole batch. It is replaced (written aside, then renamed) once the lines of
a batch are on the disk; what lies behind these sizes when the files are opened is a batch that was cut short, and goes.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from pipeline.errors import FatalError, RetryableError

_COMMIT = "commit.json"
_LOCK = ".lock"
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_BUSY = {errno.EAGAIN, errno.EIO, errno.ENOMEM, errno.ENFILE, errno.EMFILE, errno.EINTR, errno.ESTALE}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours, which say which file, what is wrong and what to do.

    Raises:
        RetryableError: no space, or the disk did not answer.
        FatalError: everything else.
    """
    try:
        yield
    except OSError as e:
        if e.errno in _NO_SPACE:
            raise RetryableError(
                f"{path} cannot grow: the disk is full, or a size limit is reached ({e.strerror})"
            ) from e
        if e.errno in _BUSY:
            raise RetryableError(f"{path} cannot be read or written: {e.strerror}") from e
        raise FatalError(
            f"{path} cannot be opened: {e.strerror}. Check the path, and the rights on it and on its folder"
        ) from e


class LineFiles:
    """Writes the files of one folder; a lock keeps a second writer out.

    Args:
        folder: made when missing, with its parents.
        names: file names in it.

    Raises:
        RetryableError: another process holds the lock, or the disk is full.
        FatalError: the folder cannot be used.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                self._acquire()
                committed = committed_sizes(folder)
                self._sizes = {name: _repair(folder / name, committed.get(name)) for name in names}
                self._commit(self._sizes)
            except BaseException:
                os.close(self._lock)
                raise

    def _acquire(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RetryableError(f"{self.folder} is locked: another process writes there") from None

    def close(self) -> None:
        """Release the lock."""
        os.close(self._lock)

    def append(self, lines: Mapping[str, Sequence[bytes]]) -> dict[str, list[int]]:
        """Add lines (each ends in a newline) to the files; all or nothing.

        Returns:
            The offset of each line.

        Raises:
            RetryableError, FatalError: see `explained`. The files are as before.
        """
        sizes = dict(self._sizes)
        offsets: dict[str, list[int]] = {name: [] for name in lines}
        if not any(lines.values()):
            return offsets
        with explained(self.folder):
            try:
                for name, added in lines.items():
                    for line in added:
                        offsets[name].append(sizes[name])
                        sizes[name] += len(line)
                    if added:
                        _append(self.folder / name, self._sizes[name], b"".join(added))
                self._commit(sizes)
            except OSError:
                for name, size in self._sizes.items():
                    os.truncate(self.folder / name, size)
                raise
        return offsets

    def clear(self) -> None:
        """Take every line out of every file; all or nothing, also in a crash.

        Raises:
            RetryableError, FatalError: see `explained`. The files are as before.
        """
        with explained(self.folder):
            self._commit(dict.fromkeys(self._sizes, 0))
            for name in self._sizes:  # a crash before this is mended when the files are opened
                os.truncate(self.folder / name, 0)

    def replace(self, name: str, lines: Iterable[bytes]) -> None:
        """Put other lines in place of all those of a file.

        A crash leaves the old file or the new one, never a mixture. A new one that is shorter than its committed size
        is whole.

        Raises:
            RetryableError, FatalError: see `explained`. The file is as before.
        """
        path = self.folder / name
        with explained(path):
            self._sizes[name] = _write_aside(path, lines)
            self._commit(self._sizes)

    def _commit(self, sizes: dict[str, int]) -> None:
        _write_aside(self.folder / _COMMIT, (orjson.dumps(sizes) + b"\n",))
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)  # a rename, too, must survive a power failure
        finally:
            os.close(folder)
        self._sizes = sizes


def committed_sizes(folder: Path) -> dict[str, int]:
    """Sizes after the last whole batch; empty where nothing says so."""
    try:
        sizes = orjson.loads((folder / _COMMIT).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return {k: v for k, v in sizes.items() if isinstance(v, int)} if isinstance(sizes, dict) else {}


def read_lines(file: BinaryIO, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of all whole lines that begin before `end`; a torn last line is left out."""
    file.seek(0)
    offset = 0
    for line in file:
        if not line.endswith(b"\n") or (end is not None and offset >= end):
            return
        yield offset, line
        offset += len(line)


def _repair(path: Path, committed: int | None) -> int:
    """Cut off what a crash left unfinished; the size afterwards."""
    with path.open("a+b") as file:
        size = file.tell()
        end = size if committed is None else min(size, committed)
        end = _end_of_last_line(file.fileno(), end)
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
    return end


def _end_of_last_line(fd: int, end: int) -> int:
    step = 64 * 1024
    while end > 0:
        start = max(0, end - step)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _append(path: Path, size: int, data: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        if file.tell() != size:  # an earlier batch failed, and the disk did not even let it be taken back
            file.truncate(size)
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        os.fsync(file.fileno())


def _write_aside(path: Path, lines: Iterable[bytes]) -> int:
    aside = path.with_name(path.name + ".new")
    try:
        with aside.open("wb") as file:
            for line in lines:
                file.write(line)
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    return size

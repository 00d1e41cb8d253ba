"""A user's `aliases.toml` while a worker runs: read again when it changes."""

from __future__ import annotations

import logging
from pathlib import Path

from pipeline.entities.gazetteer import Name, load_aliases
from pipeline.errors import SettingsError

log = logging.getLogger(__name__)

_State = tuple[int, int, int]
"""Modification time in ns, size, inode: an editor that writes a new file in place of the old one changes the last."""


class AliasFile:
    """The names in a file of aliases, as they were when it was last right.

    Args:
        path: the file; None: no names, ever.

    Attributes:
        names: the names in force.

    Raises:
        SettingsError: the file is wrong now.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        # Its state is taken first: a change while it is read is then seen at the next look.
        self._state = self._look()
        self.names: tuple[Name, ...] = () if path is None else load_aliases(path)

    def refresh(self) -> bool:
        """Look at the file, and read it if it changed; whether other names are in force now.

        A file that is wrong or gone changes nothing; that is logged once, not at every look.
        """
        if self._path is None:
            return False
        state = self._look()
        if state == self._state:
            return False
        self._state = state
        try:
            names = load_aliases(self._path)
        except SettingsError as e:
            log.error("%s; the %d names read before stay in force", e, len(self.names))
            return False
        if names == self.names:
            return False
        log.info("%s changed: %d names from the next batch on, %d before", self._path, len(names), len(self.names))
        self.names = names
        return True

    def _look(self) -> _State | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

"""One edition's ledger as the fold of its log, or of a snapshot and the log behind it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from agents.decided import TAIL, Decided
from agents.offsets import Offsets
from agents.snapshots import Snapshots
from pipeline.entities.gazetteer import Gazetteer
from pipeline.incidents.decision import SCHEMA, Decision, Mark
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.record import Written
from pipeline.incidents.snapshot import FORMAT
from pipeline.settings import Settings
from pipeline.topics import topic

log = logging.getLogger(__name__)

_TAKEN_BACK = frozenset({"kill", "withheld"})
_SOONER = 20
"""After a kill the next snapshot comes so many times sooner: not at once, as the stage waits while it is packed."""


_LAST_RECORDS = 4 * TAIL
"""Records at the end of the log among which those of the last `TAIL` decisions are: each decision has one, and
tombstones for what it lets be forgotten.
"""


class LedgerLog(Decided[Ledger, Decision]):
    """A ledger with the tail of its log and its snapshots.

    Args:
        names: known names that an incident's reports are folded with; default: those that ship.
    """

    def __init__(self, edition: int, settings: Settings, names: Gazetteer | None = None) -> None:
        log_topic = topic(settings, "incident-log")
        make = partial(Ledger, edition, settings.incidents, names=names)
        super().__init__(edition, make, Decision, "incident-log", log_topic, SCHEMA)
        self._every = settings.incidents.snapshot_every
        path = settings.data_dir / "snapshots" / f"incidents-{edition}.snapshot"
        decides = replace(settings.incidents, snapshot_every=0)
        self.snapshots = Snapshots(path, edition, log_topic, FORMAT, decides)
        self._saved_seq = -1
        self._wait = self._every
        """Seqs from the last snapshot to the next."""
        self._last_words: dict[str, Written] | None = None
        self._end = 0
        """Offset after the last record of the log when it was begun to be read."""
        self._closed: dict[tuple[str, int], Written] = {}
        """By incident id and version, in the order of these: the last records of incidents that were closed by being
        forgotten, for as long as the inputs of those decisions may come again.
        """

    async def restore(self, offsets: Offsets, progress: Callable[[], None]) -> None:
        """Fold what the log holds beyond the snapshot, where there is one that may be used."""
        if self._every and self.engine.last_seq < 0:
            await self.resume(offsets)
            progress()
        place = (self._topic, self.edition)
        self._end = (await offsets.ends([place])).get(place, 0)
        self._closed.clear()
        await super().restore(offsets, progress)
        self._last_words = None
        self._saved_seq = self.engine.last_seq

    def _fold(self, decisions: Sequence[Any], values: Sequence[bytes]) -> None:
        """Fold the log; of its end, one decision after the other, with the records that must not be missed."""
        if self._position < self._end - _LAST_RECORDS:
            super()._fold(decisions, values)
            return
        for decision, value in zip(decisions, values, strict=True):
            if decision.seq > self.engine.last_seq:
                for last in self.engine.closing(decision):
                    self._closed[last.incident_id, last.version] = last
            super()._fold([decision], [value])
        self._drop_closed()

    def _drop_closed(self) -> None:
        """Let go of what belongs to decisions whose inputs come no more."""
        oldest = next(iter(self._tail), 0)
        for key in [key for key in self._closed if key[1] < oldest]:
            del self._closed[key]

    def closed(self, mark: Mark) -> Written | None:
        """The record of an incident that was closed by being forgotten, by a decision whose outputs may be missing."""
        return self._closed.get((mark.incident_id, mark.seq))

    def last_words(self, incident_id: str) -> Written | None:
        """The record of an incident that was founded and forgotten by decisions whose outputs may be missing.

        As it was before its last reports were forgotten; None of one that had a record before these decisions, which
        whoever reads the topic has.
        """
        if self._last_words is None:
            self._last_words = self._forgotten()
        return self._last_words.get(incident_id)

    def _forgotten(self) -> dict[str, Written]:
        anew = self._make()
        founded: set[str] = set()
        changed: set[str] = set()
        found: dict[str, Written] = {}
        for seq in sorted(self._tail):
            decision = self.stored(seq)
            assert decision is not None
            losing = anew.losing(decision) & founded & changed
            found |= {i: record for i in sorted(losing) if (record := anew.written(i)) is not None}
            anew.apply(decision)
            founded |= {c.incident_id for c in decision.changes if c.change == "created"}
            changed = changed - losing | set(anew.touched(decision))
        return found

    async def resume(self, offsets: Offsets) -> bool:
        """Begin with the snapshot in the place of the first part of the log; False if there is none to be used."""
        found = await self.snapshots.load(offsets)
        if found is None:
            return False
        gc.disable()  # as in `Decided.restore`
        try:
            self.engine.resume(found.state)
        except ValueError as error:
            log.warning("%s is not used, the whole log is folded: %s", self.snapshots.path, error)
            return False
        finally:
            gc.enable()
        self._position = found.position
        self._whole = True
        log.info("%s: resumed, last seq %d", self.snapshots.path, self.engine.last_seq)
        return True

    def remember(self, decision: Decision) -> None:
        """Keep a decision for as long as its input may come again, and no snapshot that holds what it takes back."""
        super().remember(decision)
        if self._closed:
            self._drop_closed()
        if decision.verdict in _TAKEN_BACK:
            # Before the decision is in the log: if the process ends here, its input comes again.
            self.snapshots.remove()
            self._wait = self._every // _SOONER

    async def save(self, offsets: Offsets, *, at_end: bool = False) -> None:
        """Write a snapshot, if it is time; everything decided must have been delivered.

        Args:
            at_end: the worker stops: it is time if anything was decided since the last one.
        """
        since = self.engine.last_seq - self._saved_seq
        if self._every and since >= (1 if at_end else self._wait):
            self._saved_seq = self.engine.last_seq
            self._wait = self._every
            await self.snapshots.save(offsets, self.engine.last_seq, self.engine.snapshot())

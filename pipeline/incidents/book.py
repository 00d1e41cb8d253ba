"""What is kept of one incident between two of its records, so that the next one costs what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pipeline import codec
from pipeline.entities.gazetteer import Gazetteer
from pipeline.facts.places import fold
from pipeline.incidents.decision import Card
from pipeline.incidents.entry import Entry, Version
from pipeline.incidents.headline import Centre, title_of
from pipeline.incidents.naming import entities, weapons
from pipeline.incidents.publishers import Publishers
from pipeline.incidents.state import State
from pipeline.incidents.tallies import Days, Languages, Origins, Places, Rows, Running
from pipeline.records import Report

PLACE_LABELS = frozenset({"GPE", "LOC", "FAC"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One report as records show it: its card, and the JSON of its rows in `reports` and `timeline`."""

    card: Card
    report: bytes
    line: bytes


class Book:
    """One incident's reports and what follows from them, as of the last `open`.

    Attributes:
        title: of the most central report.
        event_time, places, entities, weapons, languages: as in `IncidentRecord`.
        origins: independent ones, of all reports.
    """

    def __init__(self, publishers: Publishers, names: Gazetteer | None) -> None:
        self.title: str | None = None
        self.event_time: dict[str, Any] | None = None
        self.places: Rows = ()
        self.entities: Rows = ()
        self.weapons: Rows = ()
        self.languages: Rows = ()
        self.origins = 0
        self._names = names
        self._shown: dict[Version, Shown] = {}
        self._centre = Centre()
        self._folded: list[int] = []
        """Seqs of the reports whose names are folded; without those that name nothing, as copies do."""
        self._days = Running(Days)
        self._spoken = Running(Languages)
        self._one: dict[str, str] = {}
        self._named = Running(lambda: Places(self._one))
        self._origins = Origins(publishers)

    def __len__(self) -> int:
        return len(self._shown)

    def open(self, state: State, incident_id: str, entries: Sequence[Entry], folded: int) -> list[Shown]:
        """Bring everything up to date; returns what the listed reports are shown as.

        Args:
            entries: the reports that the record lists, in the order of their decisions.
            folded: reports whose names are folded, the first.
        """
        known = self._shown
        self._shown = {e.version: known.get(e.version) or _show(e) for e in entries}
        shown = list(self._shown.values())
        self.origins = self._origins.of(state.reports(incident_id))
        # What a round-up names is mostly where, when and who of other events.
        telling = [n for n, e in enumerate(entries) if not e.is_round_up] or range(len(entries))
        tellers = [entries[n] for n in telling]
        cards = [shown[n].card for n in telling]
        self.title = title_of(tellers, cards, state.index, self._centre)
        self._fold(tellers[:folded], cards[:folded])
        of_tellers = {e.seq: card for e, card in zip(tellers, cards, strict=True)}
        self.event_time = self._days.of(of_tellers).winner()
        self.places = self._named.of(of_tellers).rows()
        self.languages = self._spoken.of({e.seq: s.card for e, s in zip(entries, shown, strict=True)}).rows()
        return shown

    def _fold(self, entries: Sequence[Entry], cards: Sequence[Card]) -> None:
        seqs = [e.seq for e, card in zip(entries, cards, strict=True) if card.mentions]
        if seqs == self._folded:
            return
        self._folded = seqs
        self.entities = entities(entries, cards, self._names)
        self.weapons = weapons(cards, self.entities)
        # Places that are one entity are one place.
        of_places = [e for e in self.entities if e["label"] in PLACE_LABELS]
        one = {fold(f["text"]): fold(e["name"]) for e in of_places for f in e["forms"]}
        if one != self._one:
            self._one = one
            self._named = Running(lambda: Places(one))


def _show(entry: Entry) -> Shown:
    card, why = entry.read()
    return Shown(card, codec.encode(told(entry, card, why)), codec.encode(timeline_row(entry, card)))


def told(entry: Entry, card: Card, why: dict[str, Any]) -> Report:
    """A report as the record lists it."""
    if entry.profile is not None and entry.profile.scenes:  # second thoughts may have written reasons without it
        why["round_up"] = entry.profile.scenes
    return Report(
        article_id=entry.article_id,
        assigned_seq=entry.assigned_seq,
        provider=card.provider,
        source=card.source,
        title=card.title,
        published=card.published,
        verdict=card.verdict,
        copy_of=entry.copy_of,
        why=why,
    )


def timeline_row(entry: Entry, card: Card) -> dict[str, datetime | str | None]:
    """A report as the timeline has it: {"time", "article_id", "source", "title"}."""
    return {
        "time": entry.event_time,
        "article_id": entry.article_id,
        "source": card.source or card.provider,
        "title": card.title,
    }

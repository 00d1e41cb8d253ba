"""The incident record, recomputed from the reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pipeline.entities import aliases
from pipeline.entities.gazetteer import Gazetteer
from pipeline.facts.places import fold
from pipeline.incidents.constraints import title_said, words_about
from pipeline.incidents.decision import Card
from pipeline.incidents.entry import Entry
from pipeline.incidents.headline import title_of
from pipeline.incidents.publishers import Publishers
from pipeline.incidents.state import State, earlier
from pipeline.records import IncidentRecord, IncidentStatus, Report

PLACE_LABELS = frozenset({"GPE", "LOC", "FAC"})
WEAPON_LABELS = frozenset({"WEAPON", "PLATFORM"})

LISTED = 1_000
"""Reports that a record lists: bounds its size and its cost. Its counts are of all."""

FOLDED = 40
"""Reports whose names are folded, the first ones: bounds the cost of a very large incident's record."""


def incident_record(
    state: State,
    edition: int,
    incident_id: str,
    close_after: timedelta,
    publishers: Publishers,
    names: Gazetteer | None = None,
) -> IncidentRecord | None:
    """The record of an incident as the state has it; None if there is none.

    Args:
        names: known names that reports are folded with; default: those that ship. Like the publishers, they act on the
            record alone: no decision sees them, so a replay decides alike whatever the tables say.
    """
    roster = state.members.get(incident_id)
    all_entries = state.reports(incident_id)
    mark = state.marks.get(incident_id)
    if mark is None or not (all_entries or mark.withdrawn or mark.merged_into):
        return None
    entries = listed(all_entries)
    read = [e.read() for e in entries]
    cards = [card for card, _ in read]
    # What a round-up names is mostly where, when and who of other events.
    telling = [n for n, e in enumerate(entries) if not e.is_round_up] or range(len(entries))
    tellers, told = [entries[n] for n in telling], [cards[n] for n in telling]
    folded = entities(tellers, told, names)
    return IncidentRecord(
        incident_id=incident_id,
        edition=edition,
        version=mark.seq,
        status=_status(state, incident_id, close_after),
        merged_into=mark.merged_into,
        title=title_said(state, incident_id) or title_of(tellers, told, state.index),
        first_seen=None if roster is None else roster.first_seen,
        last_seen=None if roster is None else roster.last_seen,
        event_time=event_time(told),
        places=places(told, folded),
        entities=folded,
        weapons=weapons(told, folded),
        reports=tuple(_report(e, card, why) for e, (card, why) in zip(entries, read, strict=True)),
        counts={
            "reports": len(all_entries),
            "copies": sum(e.copy_of is not None for e in all_entries),
            "independent_origins": independent_origins(all_entries, publishers),
        },
        timeline=_timeline(entries, cards),
        words=words_about(state, incident_id),
        languages=_languages(cards),
    )


def listed(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The reports that a record lists, in the order of their decisions.

    All of them up to LISTED; of a larger incident the first FOLDED and those that were put into it last. Each report is
    so listed when it comes or is moved in, which is what a sink learns a move from.
    """
    if len(entries) <= LISTED:
        return entries
    newest = sorted(entries[FOLDED:], key=lambda e: (e.assigned_seq, e.seq))[FOLDED - LISTED :]
    return [*entries[:FOLDED], *sorted(newest, key=lambda e: e.seq)]


def _status(state: State, incident_id: str, close_after: timedelta) -> IncidentStatus:
    mark = state.marks[incident_id]
    if mark.merged_into is not None:
        return "merged"
    if mark.withdrawn:
        return "withdrawn"
    line = earlier(state.watermark.time, close_after)
    last = state.last_time(incident_id)
    return "closed" if line is not None and last is not None and last < line else "open"


def _report(entry: Entry, card: Card, why: dict[str, Any]) -> Report:
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


def event_time(cards: Sequence[Card]) -> dict[str, Any] | None:
    """The day that most reports speak of: {"start", "end", "precision", "reports"}; None where none names one.

    A report votes once for each day it names and again for the one it names first or most; ties go to the earlier.
    """
    votes: dict[str, float] = {}
    naming: dict[str, int] = {}
    for card in cards:
        most = max(card.times, key=lambda t: t["count"], default=None)
        for position, time in enumerate(card.times):
            day = time["day"]
            votes[day] = votes.get(day, 0.0) + 1.0 + 0.5 * (position == 0) + 0.5 * (time is most)
            naming[day] = naming.get(day, 0) + 1
    if not votes:
        return None
    day = min(votes, key=lambda d: (-votes[d], d))
    return {"start": day, "end": day, "precision": "day", "reports": naming[day]}


def places(cards: Sequence[Card], folded: Sequence[dict[str, Any]] = ()) -> tuple[dict[str, Any], ...]:
    """Places by the number of reports that name them: {"name", "forms", "label", "role", "reports"}.

    The role is "event" where more than half of the reports that name a place of the event name this one as such, or
    where none is named so by more; else "mentioned".

    Args:
        folded: the incident's entities: places that are one entity are one place.
    """
    one = {fold(f["text"]): fold(e["name"]) for e in folded if e["label"] in PLACE_LABELS for f in e["forms"]}
    forms: dict[str, dict[str, int]] = {}
    labels: dict[str, str | None] = {}
    here: dict[str, int] = {}
    naming: dict[str, int] = {}
    for card in cards:
        seen: dict[str, bool] = {}
        for place in card.places:
            key = one.get(fold(place["name"]), fold(place["name"]))
            own = forms.setdefault(key, {})
            own[place["name"]] = own.get(place["name"], 0) + 1
            labels[key] = labels.get(key) or place["label"]
            seen[key] = seen.get(key, False) or place["here"]
        for key, is_here in seen.items():
            naming[key] = naming.get(key, 0) + 1
            here[key] = here.get(key, 0) + is_here
    most = max(here.values(), default=0)
    telling = sum(any(p["here"] for p in card.places) for card in cards)
    rows: list[dict[str, Any]] = []
    for key, own in forms.items():
        ordered = sorted(own.items(), key=lambda x: (-x[1], x[0]))
        rows.append(
            {
                "name": ordered[0][0],
                "forms": [{"text": text, "count": count} for text, count in ordered],
                "label": labels[key],
                "role": "event" if here[key] and (here[key] == most or 2 * here[key] > telling) else "mentioned",
                "reports": naming[key],
            }
        )
    rows.sort(key=lambda r: (r["role"], -r["reports"], r["name"]))
    return tuple(rows)


def entities(
    entries: Sequence[Entry], cards: Sequence[Card], names: Gazetteer | None = None
) -> tuple[dict[str, Any], ...]:
    """The names of all reports, folded: {"entity_id", "name", "label", "forms", "disagreements"}, the most mentioned
    first.

    Args:
        names: known names; default: those that ship.
    """
    mentions = [
        aliases.Mention(
            text=m.text,
            label=m.label,
            document=entry.article_id,
            outlet=card.source or card.provider,
            explains=m.explains,
            roles=frozenset(m.roles),
            count=m.count,
        )
        for entry, card in list(zip(entries, cards, strict=True))[:FOLDED]
        for m in card.mentions
    ]
    rows: list[dict[str, Any]] = [
        {
            "entity_id": group.entity_id,
            "name": group.name,
            "label": group.label,
            "forms": _forms(group.forms),
            "disagreements": [{"kind": d.kind, "forms": _forms(d.forms)} for d in group.disagreements],
        }
        for group in aliases.fold(mentions, names)
    ]
    rows.sort(key=lambda r: (-sum(f["count"] for f in r["forms"]), r["label"], r["name"]))
    return tuple(rows)


def weapons(cards: Sequence[Card], folded: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Weapons, vehicles, ships and aircraft by the number of reports that name them: {"entity_id", "name", "label",
    "forms", "reports"}. One and many of a kind ("rocket", "rockets") are one row, under the more frequent.

    Args:
        folded: the incident's entities, the most mentioned first.
    """
    kinds: dict[str, list[dict[str, Any]]] = {}
    for entity in folded:
        if entity["label"] in WEAPON_LABELS:
            kinds.setdefault(entity["name"].casefold().removesuffix("s"), []).append(entity)
    rows = []
    for alike in kinds.values():
        forms = sorted((f for entity in alike for f in entity["forms"]), key=lambda f: (-f["count"], f["text"]))
        written = {f["text"] for f in forms}
        naming = sum(any(m.label in WEAPON_LABELS and m.text in written for m in c.mentions) for c in cards[:FOLDED])
        head = {key: alike[0][key] for key in ("entity_id", "name", "label")}
        rows.append(head | {"forms": forms, "reports": naming})
    rows.sort(key=lambda r: (-r["reports"], r["label"], r["name"]))
    return tuple(rows)


def _forms(forms: Sequence[aliases.Form]) -> list[dict[str, Any]]:
    return [{"text": f.text, "count": f.count} for f in forms]


def _languages(cards: Sequence[Card]) -> tuple[dict[str, Any], ...]:
    counts = Counter(card.language for card in cards if card.language)
    ordered = sorted(counts.items(), key=lambda x: (-x[1], x[0]))
    return tuple({"language": language, "reports": count} for language, count in ordered)


def independent_origins(entries: Sequence[Entry], publishers: Publishers) -> int:
    """Number of reports that may have been written independently: copies and one publisher's own reports count once.

    A round-up repeats what others have reported: it counts only where there is nothing else.
    """
    entries = [e for e in entries if not e.is_round_up] or entries
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(key: tuple[str, str]) -> tuple[str, str]:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    for entry in entries:
        group = ("group", entry.copy_group)
        root(group)
        # A copy says nothing about who wrote the original: outlets that run the same agency story are not one.
        if entry.outlet and entry.copy_of is None:
            publisher = publishers.get(entry.outlet)
            origin = ("source", entry.outlet) if publisher is None else ("publisher", publisher)
            parent[root(origin)] = root(group)
    return len({root(("group", e.copy_group)) for e in entries})


def _timeline(entries: Sequence[Entry], cards: Sequence[Card]) -> tuple[dict[str, Any], ...]:
    """Reports in the order of their time: {"time", "article_id", "source", "title"}."""
    ordered = sorted(zip(entries, cards, strict=True), key=lambda x: (x[0].event_time, x[0].seq))
    return tuple(
        {"time": e.event_time, "article_id": e.article_id, "source": c.source or c.provider, "title": c.title}
        for e, c in ordered
    )

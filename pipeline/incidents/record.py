"""The incident record, recomputed from the reports."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from pipeline.incidents.decision import Card, Mention
from pipeline.incidents.state import Entry, State, earlier
from pipeline.records import Annotated, IncidentRecord, IncidentStatus, Report

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s|\n")
_LEAD_CHARS = 300


def card(item: Annotated) -> Card:
    """What the record will need of this report."""
    article = item.article
    assert article is not None
    lead = _SENTENCE_END.split(article.text.strip(), maxsplit=1)[0][:_LEAD_CHARS]
    return Card(
        provider=article.provider,
        source=article.source,
        title=article.title,
        lead=lead,
        published=article.published,
        precision=article.published_precision,
        language=article.language,
        verdict=item.verdict,
        mentions=mentions(item),
    )


def mentions(item: Annotated) -> tuple[Mention, ...]:
    """Entities of the article, spans of one thing together, in order of first mention."""
    if item.annotation is None:
        return ()
    found: dict[tuple[str | None, str, str], dict[str, int]] = {}
    for entity in (*item.annotation.title_entities, *item.annotation.entities):
        key = (entity.entity_id, entity.label, "" if entity.entity_id else entity.text.casefold())
        forms = found.setdefault(key, {})
        forms[entity.text] = forms.get(entity.text, 0) + 1
    return tuple(Mention(entity_id=k[0], label=k[1], forms=forms) for k, forms in found.items())


def incident_record(state: State, edition: int, incident_id: str, close_after: timedelta) -> IncidentRecord | None:
    """The record of an incident as the state has it; None if there is none."""
    entries = state.reports(incident_id)
    mark = state.marks.get(incident_id)
    if not entries and (mark is None or not (mark.withdrawn or mark.merged_into)):
        return None
    assert mark is not None
    cards = [e.read_card() for e in entries]
    return IncidentRecord(
        incident_id=incident_id,
        edition=edition,
        version=mark.seq,
        status=_status(state, incident_id, close_after),
        merged_into=mark.merged_into,
        title=next((c.title for c in cards if c.title), cards[0].lead if cards else None),
        first_seen=min((e.event_time for e in entries), default=None),
        last_seen=max((e.event_time for e in entries), default=None),
        event_time=None,
        places=(),
        entities=_entities(cards),
        reports=tuple(_report(e, c) for e, c in zip(entries, cards, strict=True)),
        counts={
            "reports": len(entries),
            "copies": sum(e.copy_of is not None for e in entries),
            "independent_origins": len({e.copy_group for e in entries}),
        },
        timeline=(),
    )


def _status(state: State, incident_id: str, close_after: timedelta) -> IncidentStatus:
    mark = state.marks[incident_id]
    if mark.merged_into is not None:
        return "merged"
    if mark.withdrawn:
        return "withdrawn"
    line = earlier(state.watermark.time, close_after)
    last: datetime | None = state.last_time(incident_id)
    return "closed" if line is not None and last is not None and last < line else "open"


def _report(entry: Entry, card: Card) -> Report:
    return Report(
        article_id=entry.article_id,
        assigned_seq=entry.assigned_seq,
        provider=card.provider,
        source=card.source,
        title=card.title,
        published=card.published,
        verdict=card.verdict,
        copy_of=entry.copy_of,
        why=entry.read_why(),
    )


def _entities(cards: list[Card]) -> tuple[dict[str, Any], ...]:
    folded: dict[tuple[str, str], dict[str, int]] = {}
    labels: dict[tuple[str, str], tuple[str | None, str]] = {}
    for one in cards:
        for mention in one.mentions:
            name = max(mention.forms.items(), key=lambda x: (x[1], x[0]))[0]
            key = (mention.label, mention.entity_id or name.casefold())
            labels.setdefault(key, (mention.entity_id, mention.label))
            forms = folded.setdefault(key, {})
            for form, count in mention.forms.items():
                forms[form] = forms.get(form, 0) + count
    entities = []
    for key, forms in folded.items():
        ordered = sorted(forms.items(), key=lambda x: (-x[1], x[0]))
        entities.append(
            {
                "entity_id": labels[key][0],
                "name": ordered[0][0],
                "label": labels[key][1],
                "forms": [{"text": t, "count": n} for t, n in ordered],
                "disagreements": [],
            }
        )
    return tuple(sorted(entities, key=lambda e: (-sum(f["count"] for f in e["forms"]), e["label"], e["name"])))

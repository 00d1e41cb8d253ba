"""What is left of an incident's record when articles that it names are taken back after the ledger has forgotten them.

The ledger writes the record anew for a kill of an article that it remembers. Of an older one it no longer knows where
it was, so whoever keeps records takes it out of them: by the record alone, because the article's own text is gone by
then. What the record does not tell of the reports that are left is left out. Cutting twice gives what cutting both at
once gives, so that no order of arrival matters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pipeline.records import IncidentRecord, Report
from pipeline.sink.rules import NOTHING_REMOVED, listed, standing
from pipeline.text.headlines import clean

Row = dict[str, Any]


def cut(record: IncidentRecord, removed: Mapping[str, tuple[int, int]]) -> IncidentRecord:
    """The record without what was taken back after it had been put there; the same object where nothing was.

    Args:
        removed: article id -> (edition, seq) of its newest kill or withheld version.
    """
    gone = {id for id, claim in listed(record) if standing(claim, removed.get(id, NOTHING_REMOVED)) is None}
    return _without(record, gone) if gone else record


def _without(record: IncidentRecord, gone: Collection[str]) -> IncidentRecord:
    taken = [r for r in record.reports if r.article_id in gone]
    left = tuple(r for r in record.reports if r.article_id not in gone)
    if not left:
        return _ended(record)
    timeline = tuple(row for row in record.timeline if row.get("article_id") not in gone)
    counts = _counts(record, taken, left)
    titles = _titles(left)
    first_seen, last_seen = record.first_seen, record.last_seen
    times = [time for row in timeline if (time := _time(row.get("time"))) is not None]
    if len(times) == len(left) == counts["reports"]:
        first_seen, last_seen = min(times), max(times)
    return replace(
        record,
        title=_title(record, taken, titles),
        first_seen=first_seen,
        last_seen=last_seen,
        event_time=_fewer(record.event_time, len(taken)),
        places=tuple(_certain(record.places, "count", len(taken), titles)),
        entities=tuple(_certain(record.entities, "reports", len(taken), titles)),
        weapons=tuple(_certain(record.weapons, "reports", len(taken), titles)),
        languages=tuple(row | {"reports": min(_number(row, "reports"), len(left))} for row in record.languages),
        reports=left,
        timeline=timeline,
        counts=record.counts | counts,
    )


def _ended(record: IncidentRecord) -> IncidentRecord:
    return replace(
        record,
        status=record.status if record.status == "merged" else "withdrawn",
        title=None,
        first_seen=None,
        last_seen=None,
        event_time=None,
        places=(),
        entities=(),
        weapons=(),
        languages=(),
        reports=(),
        timeline=(),
        counts=dict.fromkeys(record.counts, 0),
    )


def _title(record: IncidentRecord, taken: Collection[Report], titles: Sequence[str]) -> str | None:
    """Its title, if that is an editor's or of a report that stays; else the title of the first that stays."""
    if record.title is None or any(word.get("word") == "retitle" for word in record.words):
        return record.title
    said_by = next((r for r in record.reports if _titles([r]) == [record.title]), None)
    if said_by is not None and said_by not in taken:
        return record.title
    return titles[0] if titles else None


def _titles(reports: Iterable[Report]) -> list[str]:
    """Those that they have, as an incident would have them."""
    return [title for r in reports if r.title and (title := clean(r.title))]


def _counts(record: IncidentRecord, taken: Sequence[Report], left: Sequence[Report]) -> dict[str, int]:
    """The counts without some reports; origins are counted too low rather than too high."""
    reports = max(len(left), _number(record.counts, "reports") - len(taken))
    lost = len(_origins([*taken, *left]) - _origins(left))
    return {
        "reports": reports,
        "copies": max(0, _number(record.counts, "copies") - sum(r.copy_of is not None for r in taken)),
        "independent_origins": max(1, min(_number(record.counts, "independent_origins") - lost, reports)),
    }


def _origins(reports: Iterable[Report]) -> set[str]:
    return {r.copy_of or r.article_id for r in reports if "round_up" not in r.why}


def _fewer(row: Row | None, gone: int) -> Row | None:
    """A row that so many reports fewer may speak of; None where it may be none."""
    if row is None or _number(row, "reports") <= gone:
        return None
    return row | {"reports": _number(row, "reports") - gone}


def _certain(rows: Iterable[Row], field: str, gone: int, titles: Sequence[str]) -> Iterator[Row]:
    """Names that a report which is left has certainly written, each in the forms of which this is certain.

    Args:
        field: of a form, the number of reports that write it so.
        gone: number of reports that are taken out.
        titles: of the reports that are left; what stands in one is certain.
    """
    for row in rows:
        before = _list(row, "forms")
        forms = _forms(before, field, gone, titles)
        if not forms:
            continue
        kept = row | {"forms": forms}
        if len(forms) < len(before) and row.get("name") not in [f.get("text") for f in forms]:
            kept["name"] = forms[0].get("text")
        if "reports" in row:
            kept["reports"] = max(1, _number(row, "reports") - gone)
        if "disagreements" in row:
            disputed = [
                d | {"forms": _forms(_list(d, "forms"), field, gone, titles)} for d in _list(row, "disagreements")
            ]
            kept["disagreements"] = [d for d in disputed if len(d["forms"]) > 1]
        yield kept


def _forms(forms: Iterable[Row], field: str, gone: int, titles: Sequence[str]) -> list[Row]:
    found = []
    for form in forms:
        sure = max(0, _number(form, field) - gone)
        text = form.get("text")
        if sure or (isinstance(text, str) and any(text in title for title in titles)):
            found.append(form | {field: sure})
    return found


# Records come from a topic, and only their outer shape has been checked.


def _number(row: Mapping[str, Any], name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else 0


def _list(row: Mapping[str, Any], name: str) -> list[Row]:
    value = row.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list | tuple) else []


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return found if isinstance(found, datetime) and found.tzinfo is not None else None

"""Incidents and articles on a terminal, 100 columns at most.

Text of a wire is printed as text: no markup of ours is read in it, and control characters do not reach the terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.incidents.as_written import as_written
from pipeline.incidents.explain import explain
from pipeline.incidents.explain import parts as signals
from pipeline.records import IncidentChange
from pipeline.sink.base import StoredArticle, StoredIncident
from pipeline.sink.tolls import tolls_said

WIDTH = 100
SHORT_ID = 10
"""Digits of an id that are shown: unique among a million ids in all but one case of two; `show` says if not."""

_ENTITIES_SHOWN = 12
_PLACES_NAMED = 6
_NOT_NAMES = frozenset({"DATE", "TIME", "MONEY", "PERCENT", "QUANTITY", "ORDINAL", "CARDINAL"})
_PLACES = frozenset({"GPE", "LOC", "FAC"})  # they stand beside "where"
_NAMES = {"PERSON": "person", "ORG": "organisation", "NORP": "group"}
# C0 and C1 controls (ESC among them), and the characters that turn the direction of text around.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def console() -> Console:
    """A console on standard output; 100 columns wide unless the terminal is narrower."""
    out = Console(emoji=False, markup=False, highlight=False)
    if not out.is_terminal or out.width > WIDTH:
        out.width = WIDTH
    return out


def clean(text: object) -> str:
    """Text for one line of a terminal."""
    return " ".join(_UNPRINTABLE.sub(" ", str(text)).split())


def short(id: str | None) -> str:
    return "-" if id is None else clean(id)[:SHORT_ID]


def moment(time: datetime | str | None, *, year: bool = True) -> str:
    """A time for a person, in UTC; a text is an RFC 3339 time."""
    if time is None:
        return "-"
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    return f"{time.day:2} {time:%b}{f' {time.year:04}' if year else ''} {time:%H:%M}"


def _column(name: str, times: Iterable[datetime | None]) -> tuple[str, bool]:
    """Head of a column of times, and whether each needs its year: one that all share stands in the head."""
    years = {time.year for time in times if time is not None}
    return (f"{name} {min(years):04}", False) if len(years) == 1 else (name, True)


def incident_table(incidents: Sequence[StoredIncident]) -> RenderableType:
    """One incident a line."""
    when, year = _column("last report", (i.last_seen for i in incidents))
    table = _table("incident", when, "status", ">reports", ">origins", "title")
    for i in incidents:
        title = Text(clean(i.title) if i.title else "-")
        if i.merged_into is not None:
            title = Text(f"into {short(i.merged_into)}", style="dim")
        counts = (str(i.reports), str(i.independent_origins))
        table.add_row(short(i.incident_id), moment(i.last_seen, year=year), i.status, *counts, title)
    return table


def incident_page(incident: StoredIncident, articles: Sequence[StoredArticle]) -> RenderableType:
    """All that the record says that a person would ask for, and what the incident's articles count."""
    record = incident.record
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", min_width=9)
    facts.add_column(overflow="fold")
    first, last = moment(incident.first_seen), moment(incident.last_seen)
    facts.add_row("reported", f"{first} UTC" if first == last else f"{first} to {last} UTC")
    for name, value in (
        ("happened", _happened(record.get("event_time"))),
        ("where", _where(record.get("places", ()))),
        ("who, what", "; ".join(_entities(record.get("entities", ())))),
        ("tolls", "; ".join(_tolls(articles))),
        ("disputed", "; ".join(_disagreements(record.get("entities", ())))),
        ("counts", counts(incident)),
        ("editors", "; ".join(map(_word, record.get("words", ())))),
        ("incident", f"{incident.incident_id}  ({incident.status}, version {incident.version})"),
    ):
        if value:
            facts.add_row(name, Text(value))
    title = Text(clean(incident.title) if incident.title else "(no title)", style="bold")
    parts: list[RenderableType] = [title, Text(), facts]
    # In the order of their publication, those without a time last: the record has them as the ledger took them.
    reports = sorted(record.get("reports", ()), key=lambda r: (r.get("published") is None, r.get("published") or ""))
    if reports:
        titles = {report["article_id"]: report.get("title") for report in reports}
        records = {article.article_id: article.record for article in articles}
        parts += [Text(), Text("Reports", style="bold"), *(_report(report, titles, records) for report in reports)]
    return Group(*parts)


def counts(incident: StoredIncident) -> str:
    """The three counts of an incident in words."""
    return ", ".join(
        (
            _plural(incident.reports, "report", "reports"),
            _plural(incident.copies, "copy", "copies") + " among them",
            _plural(incident.independent_origins, "independent origin", "independent origins"),
        )
    )


def why_page(report: Mapping[str, Any], incident: StoredIncident, article: StoredArticle | None) -> RenderableType:
    """Why a report is in its incident: in words, then what each signal added."""
    why = report.get("why") or {}
    titles = {r["article_id"]: r.get("title") for r in incident.record.get("reports", ())}
    title = Text(clean(report.get("title") or "(no title)"), style="bold")
    parts: list[RenderableType] = [title, Text(f"in: {clean(incident.title or '(no title)')}", style="dim")]
    parts += [
        Text(),
        Text(explained(why, titles, article.record if article else None) or "The sink has no reasons of it."),
    ]
    found = signals(why)
    if found:
        table = Table.grid(padding=(0, 2))
        table.add_column(justify="right")
        table.add_column()
        for said, value in found:
            table.add_row(f"{value:+.2f}", said)
        parts += [Text(), Text("Against the closest report, as log-odds", style="dim"), table]
    return Group(*parts)


def article_table(articles: Sequence[StoredArticle]) -> RenderableType:
    """One article a line."""
    when, year = _column("published", (a.published for a in articles))
    table = _table("article", when, "outlet", "verdict", "incident", "title")
    for a in articles:
        outlet = Text(clean(a.source or a.provider or "-"))
        outlet.truncate(18, overflow="ellipsis")
        title = clean(a.title) if a.title else ("-" if a.status == "usable" else "(taken back)")
        table.add_row(
            short(a.article_id), moment(a.published, year=year), outlet, a.verdict, short(a.incident_id), title
        )
    return table


def article_page(article: StoredArticle) -> RenderableType:
    """The article with what was decided on it, then its text."""
    record = article.record
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", min_width=9)
    facts.add_column(overflow="fold")
    origin = " via ".join(dict.fromkeys(clean(n) for n in (article.source, article.provider) if n))
    copied = article.copy_of is not None
    entities = [e for e in record.get("entities", ()) if e["label"] not in _NOT_NAMES]
    names = dict.fromkeys(clean(e["text"]) for e in entities)
    shown, more = list(names)[:_ENTITIES_SHOWN], len(names) - _ENTITIES_SHOWN
    for name, value in (
        ("outlet", origin),
        ("published", f"{moment(article.published)} UTC" if article.published else ""),
        ("url", clean(record.get("url") or "")),
        ("verdict", f"{article.verdict} ({clean(record.get('reason', ''))})"),
        ("copy of", f"{article.copy_of} ({record.get('copy_kind')})" if copied else ""),
        ("incident", article.incident_id or ""),
        ("why", explained(record.get("why", {}), article=record)),
        ("names", "; ".join(shown) + (f"; and {more} more" if more > 0 else "")),
        ("article", f"{article.article_id}  ({clean(article.native_id or 'id unknown')})"),
    ):
        if value:
            facts.add_row(name, Text(value))
    if article.status != "usable":
        state = "was taken back by its wire" if article.status == "killed" else "is withheld by its wire"
        return Group(Text(f"This article {state}.", style="bold"), Text(), facts)
    body = [Text(clean(line)) for line in str(record.get("text") or "").splitlines()]
    title = Text(clean(article.title) if article.title else "(no title)", style="bold")
    return Group(title, Text(), facts, Text(), *body)


def change_line(change: IncidentChange, title: str | None) -> RenderableType:
    """One entry of the stream of changes."""
    line = Text(f"{moment(change.event_time)}  {change.change:<9}  {short(change.incident_id)}  ")
    line.append(_word(change.evidence) if change.change == "edited" else clean(title) if title else "-")
    line.truncate(WIDTH, overflow="ellipsis")
    return line


def explained(
    why: Mapping[str, Any],
    titles: Mapping[str, str | None] | None = None,
    article: Mapping[str, Any] | None = None,
) -> str:
    """The reasons of an assignment in words.

    Args:
        titles: by article id, to name other reports.
        article: its record, for the words as it writes them.
    """
    if not why:
        return ""
    try:
        said = article or {}
        return clean(
            explain(why, (titles or {}).get, as_written(f"{said.get('title') or ''}\n{said.get('text') or ''}"))
        )
    except (KeyError, TypeError, ValueError):
        # Another version of Wirefuse wrote this: show what it says.
        return ", ".join(_details(why))


def _word(word: Mapping[str, Any]) -> str:
    note = f": {word['note']}" if word.get("note") else ""
    when = f", {moment(word['at'])}" if word.get("at") else ""
    return clean(f"{word.get('word')} by {word.get('by')}{when} (word {word.get('word_id')}){note}")


def _happened(time: Mapping[str, Any] | None) -> str:
    if not time or not time.get("start"):
        return ""
    start, end = (_day(time.get(name) or time["start"]) for name in ("start", "end"))
    said = f", according to {_plural(time['reports'], 'report', 'reports')}" if time.get("reports") else ""
    return (start if start == end else f"{start} to {end}") + said


def _day(day: str) -> str:
    time = datetime.fromisoformat(day)
    return f"{time.day} {time:%b} {time.year:04}" + (f" {time:%H:%M}" if "T" in day else "")


def _where(places: Sequence[Mapping[str, Any]]) -> str:
    """Where it happened, and then what else was named."""
    there = [clean(p["name"]) for p in places if p.get("role", "event") == "event"]
    named = [clean(p["name"]) for p in places if p.get("role", "event") != "event"][:_PLACES_NAMED]
    return "; ".join(filter(None, (", ".join(there), f"also named: {', '.join(named)}" if named else "")))


def _details(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            inner = ", ".join(_details(value))
            if inner:
                yield f"{clean(name).replace('_', ' ')} ({inner})"
        elif isinstance(value, list | tuple):
            if value:
                yield f"{clean(name).replace('_', ' ')} {', '.join(clean(v) for v in value)}"
        elif value is not None:
            yield f"{clean(name).replace('_', ' ')} {_number(value)}"


def _number(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else clean(value)


def _entities(entities: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    named = [entity for entity in entities if entity.get("label") not in _NOT_NAMES | _PLACES]
    for entity in named[:_ENTITIES_SHOWN]:
        label = str(entity.get("label", ""))
        yield f"{clean(entity.get('name', '?'))} ({_NAMES.get(label, clean(label).lower())})"
    if len(named) > _ENTITIES_SHOWN:
        yield f"and {len(named) - _ENTITIES_SHOWN} more"


def _disagreements(entities: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for entity in entities:
        for disagreement in entity.get("disagreements", ()):
            forms = (f"{clean(form['text'])} ({form['count']})" for form in disagreement["forms"])
            yield f"the {clean(disagreement['kind'])} of {clean(entity.get('name', '?'))}: {', '.join(forms)}"


def _tolls(articles: Sequence[StoredArticle]) -> Iterator[str]:
    for kind, counts in tolls_said(articles).items():
        said = (f"{count} ({_plural(n, 'report', 'reports')})" for count, n in counts.items())
        yield f"{kind} {', '.join(said)}"


def _report(
    report: Mapping[str, Any], titles: Mapping[str, str | None], records: Mapping[str, Mapping[str, Any]]
) -> RenderableType:
    head = Table.grid(padding=(0, 2))
    head.add_column(width=17)
    head.add_column(width=20, overflow="ellipsis", no_wrap=True)
    head.add_column(overflow="fold")
    outlet = clean(report.get("source") or report.get("provider") or "-")
    head.add_row(moment(report.get("published")), outlet, Text(clean(report.get("title") or "(no title)")))
    version = f", {report['verdict']}" if report.get("verdict") in ("update", "correction") else ""
    reasons = explained(report.get("why") or {}, titles, records.get(report["article_id"]))
    why = ": ".join(filter(None, (short(report["article_id"]) + version, reasons)))
    return Padding(Group(head, Padding(Text(why, style="dim"), (0, 0, 0, 19))), (0, 0, 0, 2))


def _table(*columns: str) -> Table:
    """A table without lines; numbers (`>`) to the right; the last column takes what is left and is cut there."""
    table = Table(expand=True, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in columns[:-1]:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", no_wrap=True)
    table.add_column(columns[-1], no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def _plural(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"

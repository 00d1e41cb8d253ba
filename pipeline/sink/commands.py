"""`wirefuse incidents`, `wirefuse articles` and `wirefuse copies`: look into the configured sink."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import click

from pipeline.codec import encode
from pipeline.records import IncidentStatus
from pipeline.settings import Settings
from pipeline.sink.base import (
    ArticleQuery,
    ArticleStatus,
    IncidentQuery,
    StoredArticle,
    StoredIncident,
)
from pipeline.sink.lineage import as_json as lineage_json
from pipeline.sink.lineage import lineage
from pipeline.sink.lookup import article_id_of, incident_of, reading
from pipeline.sink.render import (
    article_page,
    article_table,
    change_line,
    console,
    incident_page,
    incident_table,
    short,
    why_page,
)
from pipeline.sink.render_lineage import lineage_page

_Stored = TypeVar("_Stored", StoredArticle, StoredIncident)

_POLL_S = 1.0
_INCIDENT_STATUSES: dict[str, tuple[IncidentStatus, ...]] = {
    "live": ("open", "closed"),
    "all": (),
    **{status: (status,) for status in get_args(IncidentStatus)},
}


class _Time(click.ParamType):
    """A date, or a time in RFC 3339; UTC where it does not say."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r}: write a date such as 2024-03-14, or a time such as 2024-03-14T10:00Z", param, ctx)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time


_as_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON, one object a line.")
_limit = click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")


@click.group()
def incidents() -> None:
    """List and show incidents, and say what the machine should know of them."""


@incidents.command("list")
@_limit
@click.option(
    "--status",
    type=click.Choice(list(_INCIDENT_STATUSES)),
    default="live",
    show_default=True,
    help="live: open or closed, not merged or withdrawn.",
)
@click.option("--since", type=_Time(), help="Latest report at this time (UTC) or after.")
@click.option("--min-reports", type=click.IntRange(min=0), default=0, help="With at least so many reports.")
@_as_json
@click.pass_obj
def list_incidents(
    settings: Settings, limit: int, status: str, since: datetime | None, min_reports: int, as_json: bool
) -> None:
    """List incidents, the latest report first."""
    query = IncidentQuery(statuses=_INCIDENT_STATUSES[status], since=since, min_reports=min_reports, limit=limit + 1)
    with reading(settings) as reader:
        found = _cut(reader.incidents(query), limit)
    if as_json:
        for incident in found:
            _print_json(incident.record)
    elif not found:
        click.echo("no such incidents")
    else:
        console().print(incident_table(found))


@incidents.command("show")
@click.argument("id")
@_as_json
@click.pass_obj
def show_incident(settings: Settings, id: str, as_json: bool) -> None:
    """Show one incident, with its reports and why each is there.

    ID may be the beginning of an id. An incident that was merged leads to the one that took its reports.
    """
    with reading(settings) as reader:
        found = incident_of(reader, id)
        members = reader.articles(ArticleQuery(incident_id=found.incident_id))
    if as_json:
        _print_json(found.record)
    else:
        console().print(incident_page(found, members))


@incidents.command("why")
@click.argument("id", metavar="INCIDENT")
@click.argument("article", metavar="ARTICLE")
@_as_json
@click.pass_obj
def why(settings: Settings, id: str, article: str, as_json: bool) -> None:
    """Say why an article is in an incident: what speaks for it, what against, and what was second best.

    INCIDENT and ARTICLE may be the beginnings of ids; ARTICLE also the whole of the id that the wire gave it.
    """
    with reading(settings) as reader:
        found = incident_of(reader, id)
        article_id = article_id_of(reader, article)
        stored = reader.article(article_id)
    report = next((r for r in found.record.get("reports", ()) if r["article_id"] == article_id), None)
    if report is None and stored is not None and stored.incident_id == found.incident_id:
        report = {**stored.record, "article_id": article_id}  # a very large incident lists only some of its reports
    if report is None:
        raise click.ClickException(_elsewhere(article_id, found, stored))
    if as_json:
        _print_json({"incident_id": found.incident_id, "article_id": article_id, "why": report.get("why") or {}})
    else:
        console().print(why_page(report, found, stored))


def _elsewhere(article_id: str, incident: StoredIncident, stored: StoredArticle | None) -> str:
    where = "it is in none" if stored is None or stored.incident_id is None else f"it is in {short(stored.incident_id)}"
    return f"article {short(article_id)} is not in incident {short(incident.incident_id)}; {where}"


@incidents.command("tail")
@click.option("-n", "--lines", type=click.IntRange(min=0), default=20, show_default=True, help="Begin so far back.")
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until stopped with Ctrl-C.")
@_as_json
@click.pass_obj
def tail(settings: Settings, lines: int, follow: bool, as_json: bool) -> None:
    """Show what happened to incidents last: created, joined, merged, ...

    The time of a line is that of the news. Changes are in the order in which the sink got them.
    """
    out = console()
    position: int | None = None
    while True:
        # Opened anew each time: a reader of the JSON-lines sink shows the files as they were when it was made.
        with reading(settings) as reader:
            if position is None:
                entries = reader.changes(last=max(lines, 1))
                shown = entries if lines else []
            else:
                entries = shown = reader.changes(after=position)
            for _, change in shown:
                if as_json:
                    _print_json(change)
                else:
                    incident = reader.incident(change.incident_id)
                    out.print(change_line(change, None if incident is None else incident.title))
            position = entries[-1][0] if entries else position or 0
        if not follow:
            return
        time.sleep(_POLL_S)


@click.group()
def articles() -> None:
    """List and show articles."""


@articles.command("list")
@_limit
@click.option("--status", type=click.Choice(get_args(ArticleStatus)), help="Only these.")
@click.option("--incident", metavar="ID", help="Only those of this incident (or the beginning of its id).")
@click.option("--since", type=_Time(), help="Published at this time (UTC) or after.")
@_as_json
@click.pass_obj
def list_articles(
    settings: Settings,
    limit: int,
    status: ArticleStatus | None,
    incident: str | None,
    since: datetime | None,
    as_json: bool,
) -> None:
    """List articles, the latest first."""
    with reading(settings) as reader:
        incident_id = None if incident is None else incident_of(reader, incident).incident_id
        query = ArticleQuery(status=status, incident_id=incident_id, since=since, limit=limit + 1)
        found = _cut(reader.articles(query), limit)
    if as_json:
        for article in found:
            _print_json(_article_json(article))
    elif not found:
        click.echo("no such articles")
    else:
        console().print(article_table(found))


@articles.command("show")
@click.argument("id")
@_as_json
@click.option("--html", "as_html", is_flag=True, help="A web page on standard output, with the entities in colour.")
@click.pass_obj
def show_article(settings: Settings, id: str, as_json: bool, as_html: bool) -> None:
    """Show one article: its text, and what was decided on it.

    ID may be the beginning of an article id, or the whole of the id that the wire gave it.
    `wirefuse articles show ID --html > page.html` makes one file that needs nothing from elsewhere.
    """
    if as_json and as_html:
        raise click.UsageError("--json or --html, not both")
    with reading(settings) as reader:
        found = reader.article(article_id_of(reader, id))
    assert found is not None
    if as_json:
        _print_json(_article_json(found))
    elif as_html:
        from pipeline.sink.render_html import article_html  # spaCy takes a second to import: not for the others

        # Bytes: the page says that it is UTF-8, whatever the locale is.
        click.get_binary_stream("stdout").write(article_html(found).encode())
    else:
        console().print(article_page(found))


@click.group()
def copies() -> None:
    """Show who carried a text, and with which edits."""


@copies.command("show")
@click.argument("id")
@_as_json
@click.pass_obj
def show_copies(settings: Settings, id: str, as_json: bool) -> None:
    """Show the copy group of an article as a tree: who carried it, when, and what each made of it.

    The origin is the first published; under each article stand its direct copies. Kept, changed and added are shares of
    a copy's words, in sentences; cut is the share of its source's words that it left out. Agencies are those that the
    text itself credits ("(Reuters)", "AP —", a byline, the copyright line).

    ID may be the beginning of an article id, or the whole of the id that the wire gave it.
    """
    with reading(settings) as reader:
        article = reader.article(article_id_of(reader, id))
        assert article is not None
        found = lineage(reader, article)
    if as_json:
        _print_json(lineage_json(found))
    elif article.status != "usable":
        console().print(article_page(article))
    else:
        out = console()
        out.print(lineage_page(found, out.width))


def _article_json(article: StoredArticle) -> dict[str, Any]:
    return {**article.record, "status": article.status}


def _cut(found: list[_Stored], limit: int) -> list[_Stored]:
    """No more than the limit; that there is more is said beside the list, where no program reads it."""
    if len(found) > limit:
        click.echo(f"these are the first {limit}; --limit N shows more", err=True)
    return found[:limit]


def _print_json(record: object) -> None:
    click.echo(encode(record))  # bytes: JSON is UTF-8, whatever the locale is

"""What the commands share to find things in the configured sink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import click

from pipeline.settings import Settings
from pipeline.sink.base import NoStoreError, Reader, StoredIncident, open_reader
from pipeline.sink.render import short


@contextmanager
def reading(settings: Settings) -> Iterator[Reader]:
    """A reader of the configured sink.

    Raises:
        ClickException: nothing has been written there yet.
    """
    try:
        reader = open_reader(settings.sink_url)
    except NoStoreError as e:
        raise click.ClickException(f"{e}\n`wirefuse demo` fills one; or start `wirefuse up`, and publish.") from None
    with closing(reader):
        yield reader


def named(id: str) -> str:
    """The id or beginning of one that was given. Nothing is the beginning of all: a script's empty variable, mostly.

    Raises:
        ClickException: it is empty.
    """
    if not id.strip():
        raise click.ClickException("an empty text is no id")
    return id


def incident_of(reader: Reader, asked: str) -> StoredIncident:
    """The incident whose id begins so, or the one that it was merged into.

    Raises:
        ClickException: there is none, or more than one.
    """
    found = reader.find_incidents(named(asked).strip().lower())
    if not found and reader.find_articles(asked):
        raise click.ClickException(f"{asked!r} is an article, not an incident: --help says which goes where")
    return _followed(reader, _only("incident", asked, found))


def article_id_of(reader: Reader, asked: str) -> str:
    """The id of the article whose id begins so, or to which the wire gave this id.

    Raises:
        ClickException: there is none, or more than one.
    """
    found = reader.find_articles(named(asked))
    if not found and reader.find_incidents(asked.strip().lower()):
        raise click.ClickException(f"{asked!r} is an incident, not an article: --help says which goes where")
    return _only("article", asked, found)


def _only(what: str, asked: str, found: Sequence[str]) -> str:
    """The one id that was asked for, of those found by its beginning.

    Raises:
        ClickException: there is none, or more than one.
    """
    if not found:
        raise click.ClickException(f"no {what} has the id {asked!r}; `wirefuse {what}s list` shows some")
    if len(found) > 1 and asked not in found:
        some = ", ".join(found[:3])
        raise click.ClickException(f"{asked!r} may be {len(found)} {what}s or more ({some}, ...): write more of the id")
    return asked if asked in found else found[0]


def _followed(reader: Reader, id: str) -> StoredIncident:
    """The incident, or the one that it was merged into in the end."""
    found = reader.incident(id)
    assert found is not None
    seen = {id}
    while found.merged_into is not None and found.merged_into not in seen:
        heir = reader.incident(found.merged_into)
        if heir is None:
            break
        click.echo(f"{short(found.incident_id)} was merged into {short(heir.incident_id)}", err=True)
        seen.add(heir.incident_id)
        found = heir
    return found

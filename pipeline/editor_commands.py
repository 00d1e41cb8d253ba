"""`wirefuse incidents join|split|never-join|pin|retitle|undo|words`: an editor's word, published into the wire.

What is said here is decided when the ledger comes to it, in the order of the wire like everything else; `wirefuse
incidents words` shows what became of it. `docs/adr/0005-editors-words.md` says what each word does and undoes.
"""

from __future__ import annotations

import getpass
import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import click

from pipeline import editor_word
from pipeline.clock import SystemClock
from pipeline.codec import encode
from pipeline.errors import InvalidEvent
from pipeline.records import EditorWord, WordKind
from pipeline.settings import Settings
from pipeline.sink.base import StoredIncident
from pipeline.sink.commands import incidents
from pipeline.sink.lookup import article_id_of, incident_of, named, reading
from pipeline.sink.render import clean, console, moment, short
from pipeline.sink.said import Said, words_said

__all__ = ["incidents"]

_FILE = "wirefuse incidents"
"""What stands for the file of an item that came from the command line."""

Command = Callable[..., None]


def _signed(command: Command) -> Command:
    """The options of every word: who says it, and why."""
    command = click.option("--json", "as_json", is_flag=True, help="Write the published word as JSON.")(command)
    command = click.option("--note", metavar="TEXT", help="Why, for those who see it later.")(command)
    return click.option("--by", metavar="NAME", help="Who says so.  [default: the name of your login]")(command)


@incidents.command("join")
@click.argument("incident")
@click.argument("other")
@_signed
@click.pass_obj
def join(settings: Settings, /, incident: str, other: str, **signed: Any) -> None:
    """Put the reports of OTHER into INCIDENT, for ever; OTHER then leads there."""
    with reading(settings) as reader:
        taker, joined = incident_of(reader, incident), incident_of(reader, other)
    _say(settings, "join", taker, other=joined.incident_id, **signed)


@incidents.command("split")
@click.argument("incident")
@click.argument("article", nargs=-1, required=True)
@_signed
@click.pass_obj
def split(settings: Settings, /, incident: str, article: tuple[str, ...], **signed: Any) -> None:
    """Put articles, with their copies, into an incident of their own; the machine never puts the two together again.

    The part with the article that founded the incident keeps its id.
    """
    with reading(settings) as reader:
        found = incident_of(reader, incident)
        articles = [article_id_of(reader, a) for a in article]
    _say(settings, "split", found, articles=articles, **signed)


@incidents.command("never-join")
@click.argument("incident")
@click.argument("other")
@_signed
@click.pass_obj
def never_join(settings: Settings, /, incident: str, other: str, **signed: Any) -> None:
    """Forbid the machine to merge two incidents, or to move articles from one to the other."""
    with reading(settings) as reader:
        one, two = incident_of(reader, incident), incident_of(reader, other)
    _say(settings, "never-join", one, other=two.incident_id, **signed)


@incidents.command("pin")
@click.argument("article")
@click.argument("incident")
@_signed
@click.pass_obj
def pin(settings: Settings, /, article: str, incident: str, **signed: Any) -> None:
    """Put ARTICLE into INCIDENT, where it stays with its later versions, whatever the machine thinks."""
    with reading(settings) as reader:
        found, article_id = incident_of(reader, incident), article_id_of(reader, article)
    _say(settings, "pin", found, articles=[article_id], **signed)


@incidents.command("retitle")
@click.argument("incident")
@click.argument("title")
@_signed
@click.pass_obj
def retitle(settings: Settings, /, incident: str, title: str, **signed: Any) -> None:
    """Give INCIDENT a title of yours, whatever is reported later."""
    with reading(settings) as reader:
        found = incident_of(reader, incident)
    _say(settings, "retitle", found, title=title, **signed)


@incidents.command("undo")
@click.argument("word")
@_signed
@click.pass_obj
def undo(settings: Settings, /, word: str, **signed: Any) -> None:
    """Take the force from WORD, an id (or its beginning) that `wirefuse incidents words` shows.

    \b
    join        what it moved, and is still there, goes back under the old id
    split       what it moved, and is still there, goes back
    retitle     the title is again the one before
    pin, never-join  the machine is free again; what stands is not moved
    """
    with reading(settings) as reader:
        known = {said.word_id: said for said in words_said(reader) if said.word_id is not None}
    asked = named(word).strip().lower()
    meant = [w for w in known if w.startswith(asked)]
    if len(meant) != 1:
        many = "more than one word has" if meant else "no word has"
        raise click.ClickException(f"{many} an id that begins with {word!r}; `wirefuse incidents words` lists them")
    found = known[meant[0]]
    _say(settings, "undo", None, edition=found.edition, of=found.word_id, **signed)


@incidents.command("words")
@click.option("--json", "as_json", is_flag=True, help="For programs: JSON, one object a line.")
@click.pass_obj
def words(settings: Settings, as_json: bool) -> None:
    """List what editors have said, in the order of the wire, and what became of it."""
    with reading(settings) as reader:
        said = words_said(reader)
    out = console()
    for one in said:
        if as_json:
            click.echo(encode(one).decode())
        else:
            out.print(clean(_line(one)), soft_wrap=True)
    if not said and not as_json:
        click.echo("no editor has said anything")


def _line(said: Said) -> str:
    if said.word_id is None:
        return f"refused: {said.reason}"
    about = ", ".join(short(i) for i in said.incidents)
    of = f" of {said.of} in" if said.of else ""
    when = f", {moment(said.at)}" if said.at else ""
    note = f": {said.note}" if said.note else ""
    return f"{said.word_id} {said.word}{of} {about} by {said.by}{when}{' (undone)' if said.undone else ''}{note}"


def _say(
    settings: Settings,
    word: WordKind,
    incident: StoredIncident | None,
    *,
    by: str | None,
    note: str | None,
    as_json: bool,
    edition: int | None = None,
    **said: Any,
) -> None:
    """Publish a word into the edition of its incident and say how to see what becomes of it."""
    if incident is not None:
        edition = int(incident.record["edition"])
        said["incident"] = incident.incident_id
    try:
        made = editor_word.make(word, by=by or _login(), at=SystemClock().now(), note=note, **said)
    except InvalidEvent as error:
        raise click.ClickException(error.detail) from None
    assert edition is not None
    code = _publish(settings, made, edition)
    if code == 0:
        click.echo(
            encode(made).decode()
            if as_json
            else f"published as word {made.word_id}; `wirefuse incidents words` shows what becomes of it"
        )
    sys.exit(code)


def _publish(settings: Settings, word: EditorWord, edition: int) -> int:
    """Send one word and wait until the broker has it; the exit code."""
    from pipeline.sources.destination import Stopped, destination
    from pipeline.sources.publisher import Publisher
    from pipeline.sources.signals import stop_on_signals
    from pipeline.sources.wire import Item

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # what a person must know, the publisher says
    say = partial(click.echo, err=True)
    raw = encode(word)
    item = Item(file=_FILE, line=1, raw=raw, size=len(raw), word=word)
    with stop_on_signals() as stop:
        try:
            destination(settings, edition, say=say, stop=stop)
            publisher: Publisher[None] = Publisher(settings, lambda marks: None, edition=edition, say=say, stop=stop)
            try:
                publisher.send(item, None)
                publisher.flush()
            finally:
                publisher.close()
        except Stopped:
            click.echo("stopped; the word may not have been published", err=True)
            return stop.exit_code or 1
    return 0


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a user table
        return editor_word.UNKNOWN_EDITOR

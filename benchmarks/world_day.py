"""A day of world news through the ledger: speed, memory as it fills, and what a crowd of other news costs in quality.

    python benchmarks/world_day.py --labelled GOLD.jsonl --other NEWS.jsonl [--articles 130000] [--every 5000] [--json]

Labelled incidents (`id`, `title`, `text`, `published`, `cluster`) are moved in time, each as a whole, so that all begin
within one day; the other articles (the same without `cluster`) are spread over that day in the order they have. Where
there are fewer than asked for, they come again as copies, as in a wire that many outlets carry. Entities are given:
there are none. At the end the labelled part is scored, beside the same part alone. Times are processor times.
"""

from __future__ import annotations

import gc
import gzip
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click
import psutil

from pipeline import codec, ids
from pipeline.evaluate.gold import GoldArticle, annotated, fold, in_order, read
from pipeline.evaluate.incidents import run, scores, shift_days
from pipeline.incidents.decision import Features
from pipeline.incidents.features import Frequency, features
from pipeline.incidents.ledger import Ledger
from pipeline.records import Annotated, Copy
from pipeline.settings import Incidents

DAY = timedelta(days=1)
PROVIDER = "gold"
"""Of all articles, as `annotated` has them."""


def others(files: Iterable[Path], start: datetime, count: int) -> list[GoldArticle]:
    """So many articles of the files, spread evenly over the day that begins at `start`; those that come again have an
    id with `#`.
    """
    found = list(islice((_article(row) for file in files for row in _rows(file)), count))
    known = len(found)
    for n in range(known, count if known else 0):
        found.append(replace(found[n % known], id=f"{found[n % known].id}#{n // known}"))
    return [replace(a, published=start + DAY * n / len(found)) for n, a in enumerate(found)]


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
        for line in lines:
            yield codec.decode_json(line)


def _article(row: dict[str, Any]) -> GoldArticle:
    return GoldArticle(
        id=row["id"],
        title=row.get("title") or None,
        text=row.get("text") or row.get("title") or row["id"],
        published=None,
        precision="time",
        source=row.get("source"),
        cluster="",
    )


def inputs(articles: Sequence[GoldArticle]) -> Iterator[Annotated]:
    """The articles as the ledger gets them; what comes again is a copy of what came first."""
    for article, item in zip(articles, annotated(articles), strict=True):
        first, again, _ = article.id.partition("#")
        if again and not article.cluster:
            source = ids.article_id(PROVIDER, first)
            yield replace(item, verdict="copy", copy=Copy(of=source, kind="exact", why={}), copy_group=source)
        else:
            yield item


@click.command()
@click.option("--labelled", multiple=True, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--other", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--articles", default=130_000, show_default=True, help="Labelled and other ones together.")
@click.option("--every", default=5_000, show_default=True, help="A line each so many decisions.")
@click.option("--json", "as_json", is_flag=True)
def main(labelled: tuple[Path, ...], other: tuple[Path, ...], articles: int, every: int, as_json: bool) -> None:
    """Put a day of news through one ledger."""
    gold = [
        replace(a, id=f"{file.parent.name}/{a.id}", cluster=f"{file.parent.name}/{a.cluster}")
        for file in labelled
        for a in read(file)
        if a.published is not None
    ]
    gold = in_order(fold(gold, 1))
    start = min(a.event_time for a in gold if a.event_time is not None)
    stream = in_order([*gold, *others(other, start, max(0, articles - len(gold)))])
    shifts = {a.id: a.shift.days for a in gold}

    def shifted(item: Annotated, frequency: Frequency, remembered: int) -> Features:
        found = features(item, frequency, remembered)
        days = shifts.get(item.native_id or "", 0)
        return shift_days(found, days) if days else found

    def say(row: dict[str, Any]) -> None:
        click.echo(codec.encode(row).decode() if as_json else "  ".join(f"{k} {v}" for k, v in row.items()))

    ledger = Ledger(0, Incidents(), extract=shifted)
    before = _resident()
    begun = since = time.process_time()
    for n, item in enumerate(inputs(stream), start=1):
        ledger.decide(item)
        if n % every == 0 or n == len(stream):
            now = time.process_time()
            say(
                {
                    "articles": n,
                    "decisions_per_second": round(((n - 1) % every + 1) / (now - since)),
                    "incidents": len(ledger._state.members),
                    "kb_per_article": round((_resident() - before) / 1024 / n, 2),
                }
            )
            since = now
    seconds = time.process_time() - begun
    found = {a.id: ledger.incident_of(ids.article_id(PROVIDER, a.id)) or "" for a in gold}
    say({"articles": len(stream), "seconds": round(seconds), "decisions_per_second": round(len(stream) / seconds)})
    for where, outcome in (("in the day", found), ("alone", run(gold).found)):
        rounded = {name: round(value, 4) for name, value in scores(gold, outcome).items()}
        say({"labelled": len(gold), "where": where, **rounded})


def _resident() -> int:
    """Bytes of memory that this process holds now."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()

"""`wirefuse evaluate incidents`: the ledger against labelled incidents."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import msgspec

from pipeline.codec import encode
from pipeline.evaluate.gold import CUTS, Cut, GoldArticle, annotated, cut, fold, in_order, joined, read, shuffled
from pipeline.evaluate.metrics import bcubed, pairs
from pipeline.incidents.decision import Decision, Features
from pipeline.incidents.features import Frequency, features
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.score import Weights
from pipeline.records import Annotated
from pipeline.settings import Incidents

SEEDS = (1, 2)
"""Seeds of the two arrival orders that are compared."""


@dataclass(frozen=True, slots=True)
class Run:
    """What the ledger made of a labelled set.

    Attributes:
        articles: in arrival order.
        found: id as given -> incident id at the end, after merges.
        moved: share of the articles whose incident changed after it was first said.
        decisions: by position in `articles`.
    """

    articles: list[GoldArticle]
    found: dict[str, str]
    moved: float
    decisions: list[Decision]
    seconds: float


def run(
    articles: Sequence[GoldArticle],
    settings: Incidents | None = None,
    fitted: Weights | None = None,
    known: Sequence[Features] | None = None,
) -> Run:
    """Put labelled articles through a fresh ledger, in the order given, as new articles without dedup.

    Args:
        known: features of the articles, where they have been made already for this order.
    """
    shifts = {a.id: a.shift.days for a in articles}

    def shifted(item: Annotated, frequency: Frequency, remembered: int) -> Features:
        """Features as the text has them, with their days where the stream has the article."""
        if known is not None:
            return known[item.seq]
        found = features(item, frequency, remembered)
        assert item.article is not None
        days = shifts[item.article.native_id]
        return found if not days else shift_days(found, days)

    ledger = Ledger(0, settings or Incidents(), fitted=fitted, extract=shifted)
    first: dict[str, str | None] = {}
    decisions = []
    start = time.perf_counter()
    for item in annotated(articles):
        decision = ledger.decide(item)
        assert item.article is not None
        first[item.article.native_id] = decision.incident_id
        decisions.append(decision)
    seconds = time.perf_counter() - start
    found = {}
    for article, decision in zip(articles, decisions, strict=True):
        incident_id = ledger.incident_of(decision.article_id or "")
        # A forgotten article stays where it was last put.
        found[article.id] = incident_id or decision.incident_id or ""
    moved = sum(found[i] != first[i] for i in found) / len(found) if found else 0.0
    return Run(list(articles), found, moved, decisions, seconds)


def shift_days(found: Features, days: int) -> Features:
    """The same features some days later."""
    return msgspec.structs.replace(
        found,
        days=tuple(d + days for d in found.days),
        back=tuple(d + days for d in found.back),
        day=None if found.day is None else found.day + days,
    )


def scores(articles: Sequence[GoldArticle], found: dict[str, str]) -> dict[str, float]:
    """BCubed and pair scores by name."""
    gold = {a.id: a.cluster for a in articles}
    b, p = bcubed(gold, found), pairs(gold, found)
    return {
        "bcubed_f1": b.f1,
        "bcubed_precision": b.precision,
        "bcubed_recall": b.recall,
        "pair_f1": p.f1,
        "pair_precision": p.precision,
        "pair_recall": p.recall,
    }


def agreement(articles: Sequence[GoldArticle], hours: float) -> float:
    """BCubed F1 between the outcomes of two arrival orders, each article late by up to `hours`."""
    one, two = (run(shuffled(list(articles), hours, seed)).found for seed in SEEDS)
    return bcubed(one, two).f1


@dataclass(frozen=True, slots=True)
class Mistake:
    """An article that joined strangers (`joined`), or that did not find its mates (`missed`)."""

    kind: str
    article: GoldArticle
    other: GoldArticle
    decision: Decision


def mistakes(result: Run) -> list[Mistake]:
    """Decisions that were wrong when they were made, in order."""
    by_gold: dict[str, list[GoldArticle]] = defaultdict(list)
    by_incident: dict[str | None, list[GoldArticle]] = defaultdict(list)
    by_article_id: dict[str | None, GoldArticle] = {}
    wrong = []
    for article, decision in zip(result.articles, result.decisions, strict=True):
        mates, company = by_gold[article.cluster], by_incident[decision.incident_id]
        if company and all(c.cluster != article.cluster for c in company):
            closest = by_article_id.get(decision.why.get("closest"), company[-1])
            wrong.append(Mistake("joined", article, closest, decision))
        elif mates and not any(m in company for m in mates):
            wrong.append(Mistake("missed", article, mates[-1], decision))
        mates.append(article)
        company.append(article)
        by_article_id[decision.article_id] = article
    return wrong


def describe(mistake: Mistake) -> str:
    """Two articles side by side with the reasons, for a person."""
    lines = [f"{mistake.kind}: {encode(mistake.decision.why).decode()}"]
    for article in (mistake.article, mistake.other):
        text = " ".join(article.text.split())[:300]
        lines.append(f"  [{article.cluster}] {article.event_time or 'undated'} {article.title or '-'}\n      {text}")
    return "\n".join(lines)


@click.command("incidents")
@click.option(
    "--gold",
    "files",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Labelled JSON lines (id, title, text, published, cluster; .gz too). May be repeated.",
)
@click.option("--join-files", is_flag=True, help="Score all files as one stream instead of one by one.")
@click.option("--fold-days", type=click.IntRange(1), help="Shift incidents so that all begin within so many days.")
@click.option(
    "--shuffle-hours",
    type=click.FloatRange(0),
    help="Also compare two arrival orders, each article late by up to this.",
)
@click.option("--undated", is_flag=True, help="Forget the times of the articles.")
@click.option("--cut", "how", type=click.Choice([*CUTS, "mixed"]), help="Leave so much of each text, as feeds do.")
@click.option("--sample", type=click.IntRange(1), help="Only the first so many articles of each set.")
@click.option("--errors", type=click.IntRange(0), default=0, help="Print so many wrong decisions side by side.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a set.")
def incidents_command(
    files: tuple[Path, ...],
    join_files: bool,
    fold_days: int | None,
    shuffle_hours: float | None,
    undated: bool,
    how: Cut | None,
    sample: int | None,
    errors: int,
    as_json: bool,
) -> None:
    """Score the ledger against labelled incidents: BCubed F1 and pair F1.

    Every article is taken as new and on its own (no dedup); one setting, the default, for all sets. Undated sets
    arrive in the order of a hash.
    """
    sets: list[tuple[str, list[GoldArticle]]] = [(f"{path.parent.name}/{path.name}", read(path)) for path in files]
    if join_files:
        sets = [(" + ".join(name for name, _ in sets), joined(articles for _, articles in sets))]
    for name, articles in sets:
        if undated:
            articles = [replace(a, published=None) for a in articles]
        if how:
            articles = cut(articles, how)
        folded = fold(articles, fold_days) if fold_days else articles
        ordered = in_order(folded)[:sample]
        result = run(ordered)
        row: dict[str, Any] = {"set": name, "articles": len(ordered), **scores(ordered, result.found)}
        row["moved"] = result.moved
        row["articles_per_second"] = len(ordered) / result.seconds if result.seconds else 0.0
        if shuffle_hours is not None:
            row["agreement"] = agreement(ordered, shuffle_hours)
        wrong = mistakes(result)
        row["wrong"] = dict(sorted(Counter(m.kind for m in wrong).items()))
        _print(row, as_json)
        for mistake in wrong[:: max(1, len(wrong) // errors)][:errors] if errors else []:
            click.echo(describe(mistake), err=as_json)


def _print(row: dict[str, Any], as_json: bool) -> None:
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
    if as_json:
        click.echo(encode(rounded).decode())
        return
    click.echo(
        f"{row['set']}: {row['articles']} articles\n"
        f"  BCubed F1 {row['bcubed_f1']:.3f} (P {row['bcubed_precision']:.3f}, R {row['bcubed_recall']:.3f}), "
        f"pair F1 {row['pair_f1']:.3f} (P {row['pair_precision']:.3f}, R {row['pair_recall']:.3f})\n"
        f"  moved after the first word {row['moved']:.1%}, wrong decisions {row['wrong']}, "
        f"{row['articles_per_second']:.0f} articles/s"
        + (f"\n  agreement of two arrival orders {row['agreement']:.3f}" if "agreement" in row else "")
    )

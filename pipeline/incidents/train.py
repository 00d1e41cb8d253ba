"""`wirefuse train incidents`: fit the scorer's weights on labelled sets.

A logistic regression over pairs of an article and its nearest earlier ones (do they report one event?), each set with
the same total weight. No randomness: the same sets give the same weights. The numbers that make an incident's score of
its links are options: they were chosen by the clusters that come out on sets left out of the fit, because a regression
on true incidents knows nothing of what one wrong article does to those that follow (docs/quality/incidents.md).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt
import orjson

from pipeline.evaluate.gold import CUTS, GoldArticle, annotated, cut, in_order, read
from pipeline.evaluate.incidents import run, scores, shift_days
from pipeline.incidents.features import features
from pipeline.incidents.index import Index
from pipeline.incidents.match import crowd, nearest
from pipeline.incidents.score import ONLY_BRIEF, SIGNALS, Query, Weights, query_of, signals

Array = npt.NDArray[np.float64]

_L2 = 1.0
_PSEUDO_SAMPLES = 20_000
_STEPS = 50


@dataclass(slots=True)
class Prepared:
    """A labelled set, read once: each article's query and its nearest earlier articles, by position."""

    articles: list[GoldArticle]
    queries: list[Query]
    near: list[list[int]]
    index: Index


def prepare(articles: Sequence[GoldArticle]) -> Prepared:
    """Extract features in stream order, as the ledger would."""
    index = Index()
    queries: list[Query] = []
    near: list[list[int]] = []
    for seq, (gold, item) in enumerate(zip(articles, annotated(articles), strict=True)):
        found = features(item, index.frequencies(), len(index))
        if gold.shift:
            found = shift_days(found, gold.shift.days)
        candidates, cosines = nearest(index, index.look_up(found.words, found.weights))
        near.append(candidates)
        index.add(seq, found.words, found.weights)
        queries.append(query_of(seq, found, index.lookup_of(seq), crowd(cosines)))
    return Prepared(list(articles), queries, near, index)


@dataclass(slots=True)
class LabelledSet:
    """A labelled set in full and, by the name of the cut, with less text."""

    full: Prepared
    brief: dict[str, Prepared]


def labelled(articles: Sequence[GoldArticle]) -> LabelledSet:
    """Prepare a set in full and with each of CUTS.

    Args:
        articles: in stream order.
    """
    return LabelledSet(prepare(articles), {how: prepare(cut(articles, how)) for how in CUTS})


class Samples(NamedTuple):
    """Pairs of an article and its nearest earlier ones.

    Attributes:
        signals: (pairs, SIGNALS).
        labels: (pairs,), 1 where both are of one incident.
        gaps: (pairs,), ln(1 + days between the two).
    """

    signals: Array
    labels: Array
    gaps: Array


def pair_samples(data: Prepared) -> Samples:
    """Each article with each of its nearest earlier ones."""
    rows: list[tuple[float, ...]] = []
    labels: list[bool] = []
    gaps: list[float] = []
    for query, near, gold in zip(data.queries, data.near, data.articles, strict=True):
        rows += signals(query, [data.queries[n].profile for n in near], data.index.cosines(query.lookup, near))
        labels += [data.articles[n].cluster == gold.cluster for n in near]
        gaps += [_gap(gold, data.articles[n]) for n in near]
    return Samples(np.array(rows), np.array(labels, dtype=float), np.array(gaps))


def _gap(one: GoldArticle, other: GoldArticle) -> float:
    if one.event_time is None or other.event_time is None:
        return 0.0
    return math.log1p(abs((one.event_time - other.event_time).total_seconds()) / 86_400)


def logistic(samples: Iterable[Samples], gap: float = 0.0, without: Container[str] = ()) -> dict[str, float]:
    """Weights (`bias` and SIGNALS) of an L2-regularised logistic regression, by Newton's method; sets weigh the same.

    Args:
        gap: what the gap adds to the log-odds, given and not fitted.
        without: signals that get no weight.
    """
    parts = list(samples)
    kept = [n for n, name in enumerate(SIGNALS) if name not in without]
    x = np.vstack([part.signals[:, kept] for part in parts])
    x = np.hstack([np.ones((len(x), 1)), x])
    y = np.concatenate([part.labels for part in parts])
    given = gap * np.concatenate([part.gaps for part in parts])
    weight = np.concatenate([np.full(len(part.labels), 1.0 / len(part.labels)) for part in parts])
    weight *= _PSEUDO_SAMPLES / weight.sum()
    penalty = np.eye(x.shape[1]) * _L2
    penalty[0, 0] = 1e-6  # the bias is free
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ beta + given, -30.0, 30.0)))
        gradient = x.T @ (weight * (p - y)) + penalty @ beta
        hessian = (x * (weight * p * (1.0 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(hessian, gradient)
        beta -= step
        if np.abs(step).max() < 1e-8:
            break
    fitted = dict(zip(("bias", *(SIGNALS[n] for n in kept)), beta, strict=True))
    return {name: round(float(fitted.get(name, 0.0)), 3) for name in ("bias", *SIGNALS)}


def fit(sets: Sequence[LabelledSet], incident: Mapping[str, float], join: float, margin: float) -> Weights:
    """Fit the pair scorers, for full texts and for brief ones; the rest is as given (see `Weights`)."""
    pair = logistic((pair_samples(data.full) for data in sets), without=ONLY_BRIEF)
    brief = logistic((pair_samples(part) for data in sets for part in data.brief.values()), incident["gap"])
    return Weights(pair=pair, brief=brief, incident=dict(incident), join=join, margin=margin, fitted={})


@click.command("incidents")
@click.option(
    "--gold",
    "files",
    multiple=True,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Labelled JSON lines; each file is a set of its own. May be repeated.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the weights here.")
@click.option("--best", default=0.5, show_default=True, help="Weight of the best link; the best three get the rest.")
@click.option("--gap", default=0.35, show_default=True, help="What ln(1 + days since its nearest report) costs it.")
@click.option("--brief-gap", default=0.25, show_default=True, help="How much more it costs between brief texts.")
@click.option("--prior", default=0.3, show_default=True, help="How far a wire's own habit moves the threshold.")
@click.option("--join", default=-0.05, show_default=True, help="Score from which an article joins an incident.")
@click.option("--margin", default=0.3, show_default=True, help="How much more a merge or a move needs.")
@click.option("--leave-one-out", is_flag=True, help="Also score each set with weights fitted on the others.")
def train_command(
    files: tuple[Path, ...],
    out: Path | None,
    best: float,
    gap: float,
    brief_gap: float,
    prior: float,
    join: float,
    margin: float,
    leave_one_out: bool,
) -> None:
    """Fit the incident scorer on labelled sets and show how it does on each."""
    sets = {f"{path.parent.name}/{path.name}": labelled(in_order(read(path))) for path in files}
    incident = {"best": best, "top": round(1.0 - best, 6), "gap": -gap, "brief_gap": -brief_gap, "prior": prior}
    fitted = fit(list(sets.values()), incident, join, margin)
    figures: dict[str, Any] = {}
    for name, data in sets.items():
        fits = {"all": fitted}
        if leave_one_out and len(sets) > 1:
            fits["left_out"] = fit([d for n, d in sets.items() if n != name], incident, join, margin)
        parts = {"full": data.full, **data.brief}
        figures[name] = {
            cut_to: {key: _figures(part, weights) for key, weights in fits.items()} for cut_to, part in parts.items()
        }
        click.echo(f"{name}: {figures[name]}")
    fitted = replace(fitted, fitted={"sets": {n: len(d.full.articles) for n, d in sets.items()}, "figures": figures})
    if out is not None:
        out.write_bytes(orjson.dumps(fitted, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    click.echo(f"pair {fitted.pair}\nbrief {fitted.brief}\nincident {fitted.incident}")


def _figures(data: Prepared, fitted: Weights) -> dict[str, float]:
    found = scores(data.articles, run(data.articles, fitted=fitted, known=[q.said() for q in data.queries]).found)
    return {key: round(found[key], 4) for key in ("bcubed_f1", "pair_f1")}

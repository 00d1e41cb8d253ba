"""`wirefuse train incidents`: fit the scorer's weights on labelled sets.

A logistic regression over pairs of an article and its nearest earlier ones (do they report one event?), each set with
the same total weight. No randomness: the same sets give the same weights. The numbers that make an incident's score of
its links are options: they were chosen by the clusters that come out on sets left out of the fit, because a regression
on true incidents knows nothing of what one wrong article does to those that follow (docs/quality/incidents.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import orjson

from pipeline.evaluate.gold import GoldArticle, annotated, in_order, read
from pipeline.evaluate.incidents import run, scores, shift_days
from pipeline.incidents.features import features
from pipeline.incidents.index import Index
from pipeline.incidents.match import crowd, nearest
from pipeline.incidents.score import SIGNALS, Query, Weights, query_of, signals

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
        found = replace(found, crowd=crowd(cosines))
        near.append(candidates)
        index.add(seq, found.words, found.weights)
        queries.append(query_of(seq, found, index.lookup_of(seq)))
    return Prepared(list(articles), queries, near, index)


def pair_samples(data: Prepared) -> tuple[Array, Array]:
    """(signals of each article and each of its nearest earlier ones, whether both are of one incident)."""
    rows: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for query, near, gold in zip(data.queries, data.near, data.articles, strict=True):
        rows += signals(query, [data.queries[n].profile for n in near], data.index.cosines(query.lookup, near))
        labels += [data.articles[n].cluster == gold.cluster for n in near]
    return np.array(rows), np.array(labels, dtype=float)


def logistic(samples: Iterable[tuple[Array, Array]]) -> Array:
    """Weights (bias first) of an L2-regularised logistic regression, by Newton's method; each set weighs the same."""
    parts = list(samples)
    x = np.vstack([rows for rows, _ in parts])
    x = np.hstack([np.ones((len(x), 1)), x])
    y = np.concatenate([labels for _, labels in parts])
    weight = np.concatenate([np.full(len(labels), 1.0 / len(labels)) for _, labels in parts])
    weight *= _PSEUDO_SAMPLES / weight.sum()
    penalty = np.eye(x.shape[1]) * _L2
    penalty[0, 0] = 1e-6  # the bias is free
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ beta, -30.0, 30.0)))
        gradient = x.T @ (weight * (p - y)) + penalty @ beta
        hessian = (x * (weight * p * (1.0 - p))[:, None]).T @ x + penalty
        step = np.linalg.solve(hessian, gradient)
        beta -= step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def fit(sets: Sequence[Prepared], incident: Mapping[str, float], join: float, margin: float) -> Weights:
    """Fit the pair scorer; the rest is as given (see `Weights`)."""
    beta = logistic(pair_samples(data) for data in sets)
    pair = {name: round(float(b), 3) for name, b in zip(("bias", *SIGNALS), beta, strict=True)}
    return Weights(pair=pair, incident=dict(incident), join=join, margin=margin, fitted={})


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
@click.option("--prior", default=0.3, show_default=True, help="How far a wire's own habit moves the threshold.")
@click.option("--join", default=-0.05, show_default=True, help="Score from which an article joins an incident.")
@click.option("--margin", default=0.3, show_default=True, help="How much more a merge or a move needs.")
@click.option("--leave-one-out", is_flag=True, help="Also score each set with weights fitted on the others.")
def train_command(
    files: tuple[Path, ...],
    out: Path | None,
    best: float,
    gap: float,
    prior: float,
    join: float,
    margin: float,
    leave_one_out: bool,
) -> None:
    """Fit the incident scorer on labelled sets and show how it does on each."""
    sets = {f"{path.parent.name}/{path.name}": prepare(in_order(read(path))) for path in files}
    incident = {"best": best, "top": round(1.0 - best, 6), "gap": -gap, "prior": prior}
    fitted = fit(list(sets.values()), incident, join, margin)
    figures: dict[str, Any] = {}
    for name, data in sets.items():
        row = {"all": _figures(data, fitted)}
        if leave_one_out and len(sets) > 1:
            row["left_out"] = _figures(data, fit([d for n, d in sets.items() if n != name], incident, join, margin))
        figures[name] = row
        click.echo(f"{name}: {row}")
    fitted = replace(fitted, fitted={"sets": {n: len(d.articles) for n, d in sets.items()}, "figures": figures})
    if out is not None:
        out.write_bytes(orjson.dumps(fitted, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    click.echo(f"pair {fitted.pair}\nincident {fitted.incident}")


def _figures(data: Prepared, fitted: Weights) -> dict[str, float]:
    found = scores(data.articles, run(data.articles, fitted=fitted).found)
    return {key: round(found[key], 4) for key in ("bcubed_f1", "pair_f1")}

"""Cost of the ledger's decisions, features given: speed by number of live incidents, memory, restart.

    python benchmarks/incidents.py [--live 1000 --live 10000] [--decisions 1000] [--json]
    python benchmarks/incidents.py --filled --live 1000 --live 10000 --live 100000

The articles are made up: words drawn from a Zipf distribution over a vocabulary, each incident with its own rare
words, names and street. Beside the ledger, in the same run: a brute-force scan, the cosine of the same vectors with
the centroid of every live incident; and scikit-learn's clustering that is incremental and needs no number of clusters,
Birch, one article at a time (vectors of 512 dimensions; up to 10,000 incidents; left out where scikit-learn is not
installed). Neither reads names, places or days, says why, or forgets. Times are processor times of this process.

With --filled the articles before the timed ones are not decided but put where they are known to belong, so that a
hundred thousand incidents are there several times sooner. The timed ones are decided as ever. What was not decided has
no reasons in memory and log, so compare speeds alone, and rows that were all filled.
"""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import click
import numpy as np
import psutil

from pipeline import codec, ids
from pipeline.incidents.card import card
from pipeline.incidents.decision import Features
from pipeline.incidents.index import MAX_WORDS, WEIGHT_ONE
from pipeline.incidents.ledger import Ledger
from pipeline.incidents.plan import Plan
from pipeline.incidents.profile import Profile
from pipeline.records import Annotated, Article
from pipeline.settings import Incidents

START = datetime(2024, 1, 1, tzinfo=UTC)
VOCABULARY = 60_000
OWN_WORDS = 25
"""Words of an article that are its incident's own; the others are anybody's."""

PER_DAY = 3_000

CHUNK = 2_500
"""Records of the log that Kafka gives at once, about."""

HASHED = 512
BIRCH_TIMED = 50
MOST_BIRCH = 10_000


class Stream:
    """Made-up articles: two reports an incident on average, each incident's within a day or so."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._ranks = np.random.default_rng(seed)
        self.features: dict[int, Features] = {}
        self.event: dict[int, tuple[str, str]] = {}
        """Of each article the name and the street of its incident, which no other has."""
        self._open: list[tuple[list[int], str, str]] = []

    def item(self, seq: int) -> Annotated:
        rng = self._rng
        if not self._open or rng.random() < 0.5:
            own = [rng.randrange(VOCABULARY // 10, VOCABULARY) for _ in range(OWN_WORDS)]
            self._open.append((own, f"name{rng.randrange(200_000)}", f"street{rng.randrange(20_000)} st"))
            del self._open[:-200]
        own, name, street = rng.choice(self._open)
        self.event[seq] = name, street
        common = np.unique(self._ranks.zipf(1.2, 2 * MAX_WORDS) % VOCABULARY).tolist()
        rare = rng.sample(own, OWN_WORDS * 3 // 4)
        numbers = list(dict.fromkeys(rare + common))[:MAX_WORDS]
        weights = np.log(np.array(numbers) + 2.0) ** 2
        order = np.argsort(-weights, kind="stable")
        unit = weights[order] / np.linalg.norm(weights)
        day = START + timedelta(days=seq / PER_DAY)
        self.features[seq] = Features(
            words=tuple(f"w{numbers[i]}" for i in order),
            weights=tuple(int(w) for w in np.round(unit * WEIGHT_ONE)),
            names=(name, f"name{rng.randrange(500)}"),
            rarity=(700, 100),
            places=(f"name{rng.randrange(500)}",),
            addresses=(street,),
            ages=(rng.randrange(18, 90),),
            days=(day.toordinal(),),
            day=day.toordinal(),
        )
        article_id = ids.article_id("bench", str(seq))
        return Annotated(
            edition=0,
            seq=seq,
            prev_seq=seq - 1,
            article_id=article_id,
            provider="bench",
            native_id=str(seq),
            verdict="new",
            reason="first version",
            event_time=day,
            copy_group=article_id,
            article=Article(
                provider="bench",
                native_id=str(seq),
                source=f"outlet {seq % 40}",
                title=f"Report {seq} of something that happened",
                text="Officials said so. " * 4,
                published=day,
                published_precision="time",
                url=None,
                language="en",
                version=None,
                version_created=None,
            ),
        )


class Filled(Ledger):
    """A ledger that is told where articles belong, until `told` is False."""

    def __init__(self, stream: Stream, settings: Incidents) -> None:
        super().__init__(0, settings, extract=lambda item, frequency, remembered: stream.features.pop(item.seq))
        self.told = True
        self._events = stream.event
        self._homes: dict[tuple[str, str], str] = {}

    def _find_home(self, plan: Plan, item: Annotated) -> None:
        event = self._events.pop(item.seq)
        if not self.told:
            super()._find_home(plan, item)
            return
        plan.card = card(item)
        plan.features = self._extract(item, lambda word: 0, 0)
        self._profile = plan.profile = Profile.of(item.seq, plan.features)
        plan.scored = True
        home = self._homes.get(event)
        if home is None:
            self._homes[event] = plan.found()
        else:
            plan.incident_id = home
        plan.why = {"kind": "joined"}


def measure(live: int, decisions: int, filled: bool) -> dict[str, Any]:
    """Fill a ledger until it has so many live incidents, then time decisions; then a restart from its log."""
    stream = Stream(seed=live)
    settings = Incidents(close_after_days=36_500)
    ledger = Filled(stream, settings)
    ledger.told = filled
    before = _resident()
    seq = 0
    with tempfile.TemporaryFile() as log:
        while len(ledger._state.members) < live:
            log.write(codec.encode(ledger.decide(stream.item(seq))) + b"\n")
            seq += 1
        log_bytes = log.tell()
        resident = _resident() - before
        ledger.told = False
        items = [stream.item(seq + n) for n in range(decisions)]
        start = time.process_time()
        decided = [ledger.decide(item) for item in items]
        seconds = time.process_time() - start
        tail = [codec.encode(decision) for decision in decided]
        del ledger, decided
        gc.collect()
        log.seek(0)
        fold, folded = _restart(settings, None, log)
        start = time.process_time()
        snapshot = folded.snapshot()
        saving = time.process_time() - start
        del folded
        gc.collect()
        resume, _ = _restart(settings, snapshot, tail)
    return {
        "live_incidents": live,
        "remembered_articles": seq,
        "decisions_per_second": round(decisions / seconds),
        "brute_force_per_second": round(1 / _scan(live)),
        "birch_per_second": _birch(live),
        "log_bytes_per_decision": round(log_bytes / seq),
        "kb_per_article": round(resident / 1024 / seq, 2),
        "restart_from_log_s": round(fold, 2),
        "restart_from_log_s_per_100k": round(fold / seq * 100_000, 1),
        "restart_from_snapshot_s": round(resume, 2),
        "restart_from_snapshot_s_per_100k": round(resume / seq * 100_000, 1),
        "snapshot_s": round(saving, 2),
        "snapshot_bytes_per_article": round(len(snapshot) / seq),
    }


def _restart(settings: Incidents, snapshot: bytes | None, log: Iterable[bytes]) -> tuple[float, Ledger]:
    """Seconds until a ledger can decide, as in `agents.decided`: without garbage collection, the log in chunks."""
    gc.disable()
    start = time.process_time()
    ledger = Ledger(0, settings)
    if snapshot is not None:
        ledger.resume(snapshot)
    lines = iter(log)
    while chunk := [Ledger.read(line) for line in islice(lines, CHUNK)]:
        ledger.apply_all(chunk)
    ledger.settle()
    ledger.drain_tombstones()
    seconds = time.process_time() - start
    gc.enable()
    return seconds, ledger


def _scan(live: int) -> float:
    """Seconds of one brute-force decision: a dense query against the centroids of all live incidents."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, VOCABULARY, (live, MAX_WORDS))
    weights = rng.random((live, MAX_WORDS)).astype(np.float32)
    query = np.zeros(VOCABULARY, dtype=np.float32)
    query[rng.integers(0, VOCABULARY, MAX_WORDS)] = 1.0
    rounds = max(3, min(50, 200_000 // live))
    start = time.process_time()
    for _ in range(rounds):
        int(np.argmax(np.einsum("ij,ij->i", query[words], weights)))
    return (time.process_time() - start) / rounds


def _birch(live: int) -> int | None:
    """Articles a second that scikit-learn's Birch takes one by one once it has so many clusters; None: not measured."""
    if live > MOST_BIRCH:
        return None
    try:
        from sklearn.cluster import Birch
    except ModuleNotFoundError:
        return None
    model = Birch(threshold=0.5, n_clusters=None)
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(live, HASHED))
    articles = np.vstack([centres, centres[:BIRCH_TIMED] + rng.normal(scale=0.1, size=(BIRCH_TIMED, HASHED))])
    articles /= np.linalg.norm(articles, axis=1, keepdims=True)
    model.partial_fit(articles[:live])
    start = time.process_time()
    for article in articles[live:]:
        model.partial_fit(article[None, :])
    return round(BIRCH_TIMED / (time.process_time() - start))


def _resident() -> int:
    """Bytes of memory that this process holds now."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


@click.command()
@click.option("--live", "sizes", type=int, multiple=True, default=(1_000, 10_000), show_default=True)
@click.option("--decisions", default=1_000, show_default=True, help="Decisions timed at each size.")
@click.option("--filled", is_flag=True, help="Put the articles before the timed ones where they belong.")
@click.option("--json", "as_json", is_flag=True)
def main(sizes: tuple[int, ...], decisions: int, filled: bool, as_json: bool) -> None:
    """Time the ledger."""
    for live in sizes:
        row = measure(live, decisions, filled)
        click.echo(codec.encode(row).decode() if as_json else "  ".join(f"{k} {v}" for k, v in row.items()))


if __name__ == "__main__":
    main()

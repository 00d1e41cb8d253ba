"""Dedup on one core: articles a second beside datasketch; with --scale cost, memory and restore with many remembered.

    python benchmarks/dedup.py WIRE.jsonl[.gz] ... [--pairs PAIRS.jsonl[.gz]] [--limit N] [--json OUT]
    python benchmarks/dedup.py WIRE.jsonl[.gz] ... --scale [--remembered 1000000] [--json OUT]

Both systems go from the text of an article to whose copy it is: candidates, then a close comparison of each. What the
peer is asked to find is said beside each of its settings, and so is what each finds: speed alone says nothing.

The peer is not among the project's dependencies: pip install datasketch==2.0.0

Times are processor times of this process, so that other load on the machine disturbs them little; where two are
compared they are taken in turns.
"""

from __future__ import annotations

import gc
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import click
import numpy as np
import psutil

from pipeline import codec
from pipeline.dedup.decision import Decision, read_logged
from pipeline.dedup.evidence import sentences
from pipeline.dedup.state import Dedup
from pipeline.evaluate.dedup import LEFT_OUT, POSITIVE, article, read_rows, score_pairs
from pipeline.evaluate.edits import edits, report
from pipeline.ids import article_id
from pipeline.records import RawArticle
from pipeline.settings import Dedup as DedupSettings
from pipeline.text.clean import clean

BATCH = 256
"""Articles decided together: the stage's default."""

CHUNK = 4096
"""Decisions read back together."""

COLLECT_AFTER = (50_000, 20, 50)
"""When Python looks for garbage: as in the stage."""

PERMUTATIONS = 128
VERIFIED_JACCARD, VERIFIED_CONTAINED = 0.2, 0.7
"""What the peer's candidates must reach to be called copies, on their whole shingle sets: near our own bounds."""

PEERS: dict[str, dict[str, Any]] = {
    "threshold 0.5 (its usual use)": {"threshold": 0.5},
    "threshold 0.2": {"threshold": 0.2},
    "threshold 0.2, recall first": {"threshold": 0.2, "weights": (0.1, 0.9)},
}
"""Settings of MinHashLSH. A pair of Jaccard 0.2 becomes a candidate with a chance of 0.01 (25 bands of 5), 0.68 (28 of
2) and 0.93 (64 of 2). Ours looks up 64 hashes of which three must be among another text's 32 keys: above 0.999.
"""

_WORD = re.compile(r"\w+")
_PIECE = re.compile(r"\w+|\W+")
_START = datetime(2024, 1, 1, tzinfo=UTC)
_FOREVER = DedupSettings(ttl_days=36_500)


@dataclass(frozen=True, slots=True)
class Sent:
    """An article of the mixed wire; `copied`: ids of the articles it was made from."""

    item: RawArticle
    copied: tuple[str, ...] = ()


def read(files: Sequence[Path], limit: int | None) -> list[RawArticle]:
    """The articles of the files in the order given."""
    return [article(row) for path in files for row in islice(read_rows(path), limit) if row.get("text")]


def mixed(items: Sequence[RawArticle]) -> list[Sent]:
    """The articles, and a generated edit of every fifth, after those that it was made from; ten seconds apart."""
    reports = [report(str(n), a.title, clean(a).text) for n, a in enumerate(items) if n % 5 == 0]
    reports = [r for r in reports if r.words >= 60 and len(r.sentences) >= 4]
    kinds = 12
    every = list(edits(reports, 1))
    # Another kind of edit for each article.
    ready: dict[int, list[Sent]] = {}
    for n, edit in enumerate(every[n * kinds + n % kinds] for n in range(len(every) // kinds)):
        copy = RawArticle(provider="copy", native_id=str(n), title=edit.title, text=edit.text)
        after = min(max(map(int, edit.sources)) + n % 500, len(items) - 1)
        made_from = tuple(article_id(items[int(source)].provider, source) for source in edit.sources)
        ready.setdefault(after, []).append(Sent(copy, made_from))
    stream: list[Sent] = []
    for n, item in enumerate(items):
        stream += [Sent(replace(item, native_id=str(n))), *ready.get(n, ())]
    return [replace(s, item=replace(s.item, published=_time(10 * n))) for n, s in enumerate(stream)]


def _time(seconds: int) -> datetime:
    return _START + timedelta(seconds=seconds)


@dataclass(slots=True)
class Score:
    """What one system made of the mixed wire.

    Attributes:
        rate: articles a second, from text to verdict.
        recall: share of the generated edits that were called copies of what they were made from.
        others: share of the other articles that were called copies; real wires have many.
        f1: of "copy" on the labelled pairs.
    """

    rate: float
    recall: float
    others: float
    f1: float | None = None


def _score(stream: Sequence[Sent], sources: Sequence[set[str]], seconds: float) -> Score:
    hits = Counter[tuple[bool, bool]]()
    for sent, found in zip(stream, sources, strict=True):
        right = not found.isdisjoint(sent.copied) if sent.copied else bool(found)
        hits[bool(sent.copied), right] += 1
    share = {made: hits[made, True] / max(1, hits[made, True] + hits[made, False]) for made in (True, False)}
    return Score(len(stream) / seconds, share[True], share[False])


def ours(stream: Sequence[Sent]) -> Score:
    """Text in, verdict, evidence and log record out. A copy counts as found in the group of its source."""
    state = Dedup(0, _FOREVER)
    items = [s.item for s in stream]
    state.decide(0, replace(items[0], native_id="warm up"))
    verdicts = []
    started = time.process_time()
    for at in range(0, len(items), BATCH):
        batch = items[at : at + BATCH]
        # As in the stage, a decision lives until it is sent; what is kept of it is what is scored.
        decisions = state.decide_all(range(1 + at, 1 + at + len(batch)), batch)
        verdicts += [(d.article_id, d.copy_of, d.copy_group) for d in decisions]
    seconds = time.process_time() - started
    group = {id: root for id, _, root in verdicts}
    sources: list[set[str]] = []
    for sent, (_, copy_of, root) in zip(stream, verdicts, strict=True):
        found = set() if copy_of is None else {copy_of}
        # What it was made from may itself be a copy of what was found.
        found |= {s for s in sent.copied if found and group.get(s) == root}
        sources.append(found)
    return _score(stream, sources, seconds)


class Peer:
    """datasketch: five-word shingles, MinHash, LSH, then the whole shingle sets compared."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from datasketch import MinHash, MinHashLSH

        self._minhash = MinHash
        self._index = MinHashLSH(num_perm=PERMUTATIONS, **settings)
        self._shingles: dict[str, set[bytes]] = {}
        MinHash(num_perm=PERMUTATIONS).update_batch([b"warm up"])

    def decide(self, item: RawArticle) -> set[str]:
        """Ids of the articles that this one is a copy of; remembers it."""
        id = article_id(item.provider, item.native_id)
        words = _WORD.findall((item.text or "").lower())
        own = {" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))}
        signature = self._minhash(num_perm=PERMUTATIONS)
        signature.update_batch(own)
        found = {c for c in self._index.query(signature) if self._is_copy(own, self._shingles[c])}
        self._shingles[id] = own
        self._index.insert(id, signature, check_duplication=False)
        return found

    def _is_copy(self, own: set[bytes], other: set[bytes]) -> bool:
        shared = len(own & other)
        return (
            shared >= VERIFIED_JACCARD * (len(own) + len(other) - shared)
            or shared >= VERIFIED_CONTAINED * min(len(own), len(other))
        )  # fmt: skip


def datasketch(stream: Sequence[Sent], pairs: Sequence[dict[str, Any]], settings: dict[str, Any]) -> Score:
    """The same with datasketch."""
    peer = Peer(settings)
    started = time.process_time()
    sources = [peer.decide(sent.item) for sent in stream]
    score = _score(stream, sources, time.process_time() - started)
    hits = Counter[tuple[bool, bool]]()
    for row in pairs:
        peer = Peer(settings)
        peer.decide(article(row["a"]))
        hits[row["label"] == POSITIVE, bool(peer.decide(article(row["b"])))] += row["label"] != LEFT_OUT
    score.f1 = 2 * hits[True, True] / max(1, 2 * hits[True, True] + hits[True, False] + hits[False, True])
    return score


class Invented:
    """A wire without end that reads like the real one to an index: real texts with other words put in.

    Function words, punctuation, lengths and repetitions stay; so do one sentence of twelve and all numbers, as stock
    phrases and forms do. Every sixth article is an edit of one of the last 5,000.
    """

    def __init__(self, items: Sequence[RawArticle], seed: int = 1) -> None:
        self._random = Random(seed)
        texts = [(a.title or "", clean(a).text) for a in items]
        counts = Counter(w for _, text in texts for w in _WORD.findall(text))
        function = {w for w, _ in counts.most_common(150)}
        self._words: list[str] = []
        self._texts: list[tuple[list[str], list[int], list[str], list[int]]] = []
        for title, text in texts:
            parts: list[str] = []
            places: list[int] = []
            for start, end in sentences(text):
                pieces = [*_PIECE.findall(text[start:end]), " "]
                if self._random.random() > 1 / 12:
                    places += [len(parts) + n for n, p in enumerate(pieces) if p.isalpha() and p not in function]
                parts += pieces
            heading = _PIECE.findall(title)
            self._words += [parts[n] for n in places]
            named = [n for n, p in enumerate(heading) if p.isalpha() and p not in function]
            self._texts.append((parts, places, heading, named))

    def articles(self, count: int) -> Iterator[RawArticle]:
        """So many, a second apart."""
        recent: list[RawArticle] = []
        for n in range(count):
            made = self._edit(n, recent) if n % 6 == 5 else self._new(n)
            recent.append(made)
            del recent[:-5_000]
            yield made

    def _new(self, n: int) -> RawArticle:
        parts, places, heading, named = self._random.choice(self._texts)
        return RawArticle(
            provider="wire",
            native_id=str(n),
            title=self._other_words(heading, named),
            text=self._other_words(parts, places),
            published=_time(n),
        )

    def _other_words(self, parts: list[str], places: list[int]) -> str:
        parts = parts.copy()
        for place, word in zip(places, self._random.choices(self._words, k=len(places)), strict=True):
            parts[place] = word
        return "".join(parts)

    def _edit(self, n: int, recent: Sequence[RawArticle]) -> RawArticle:
        source = self._random.choice(recent)
        text = source.text or ""
        said = [text[start:end] for start, end in sentences(text)]
        kept = said[: max(1, round(self._random.uniform(0.4, 1) * len(said)))]
        return replace(source, native_id=str(n), text=" ".join([*kept, self._new(n).text[:200]]), published=_time(n))


def at_scale(items: Sequence[RawArticle], most: int) -> dict[str, Any]:
    """Decide so many invented articles, then restore the state from their log.

    The cost is that of a window of articles at the end, beside that of the same articles, batch by batch in turns, in a
    state that remembers the 10,000 before them alone. Memory is the growth of the process.
    """
    invented = Invented(items)
    gc.collect()
    process = psutil.Process()
    base = process.memory_info().rss
    state = Dedup(0, DedupSettings())
    small = Dedup(0, DedupSettings())
    # As in the stage: the collector looks seldom, and leaves the state alone.
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()
    window, before = min(20_000, most // 4), min(10_000, most // 4)
    cost = np.zeros(2)
    copies = 0
    stream = invented.articles(most)
    with tempfile.TemporaryFile() as log:
        seq = 0
        while batch := list(islice(stream, BATCH)):
            seqs = range(seq, seq + len(batch))
            seq += len(batch)
            if seq <= most - window:
                decisions, _ = _timed(state, seqs, batch)
                if seq > most - window - before:
                    small.apply_all(decisions)
            elif seq // BATCH % 2:
                decisions, large = _timed(state, seqs, batch)
                _, little = _timed(small, seqs, batch)
                cost += large, little
            else:
                # The second finds the texts in the processor's cache.
                _, little = _timed(small, seqs, batch)
                decisions, large = _timed(state, seqs, batch)
                cost += large, little
            copies += sum(d.copy_of is not None for d in decisions)
            log.writelines(codec.encode(d) + b"\n" for d in decisions)
        del batch, decisions, small
        gc.unfreeze()
        gc.collect()
        memory = (process.memory_info().rss - base) / state.entries
        remembered = state.entries
        del state
        size = log.tell()
        log.seek(0)
        restored = Dedup(0, DedupSettings())
        decoding = folding = 0.0
        # As the stage does it: nothing of what is restored is garbage.
        gc.disable()
        while lines := list(islice(log, CHUNK)):
            started = time.process_time()
            logged = [read_logged(line) for line in lines]
            decoded = time.process_time()
            restored.apply_all(logged)
            folding += time.process_time() - decoded
            decoding += decoded - started
        started = time.process_time()
        while restored.settle():
            pass
        folding += time.process_time() - started
        gc.enable()
    assert restored.entries == remembered
    return {
        "remembered": remembered,
        "copies": copies / most,
        "cost_us": float(cost[0]) / window * 1e6,
        "cost_of_10000_us": float(cost[1]) / window * 1e6,
        "cost_ratio": float(cost[0] / cost[1]),
        "bytes_per_article": memory,
        "log_bytes_per_article": size / most,
        "restore_decode_s": decoding,
        "restore_fold_s": folding,
    }


def _timed(state: Dedup, seqs: range, batch: Sequence[RawArticle]) -> tuple[list[Decision], float]:
    """The decisions on a batch, and the seconds that they took."""
    started = time.process_time()
    decisions = state.decide_all(seqs, batch)
    return decisions, time.process_time() - started


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--pairs", "gold", type=click.Path(exists=True, path_type=Path), help="Labelled pairs, to score on too.")
@click.option("--limit", type=int, help="Articles of each file; default: all.")
@click.option("--scale", is_flag=True, help="Measure with many remembered, not beside the peer.")
@click.option("--remembered", default=1_000_000, show_default=True, help="So many, for --scale.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Also write the figures here.")
def main(
    files: tuple[Path, ...], gold: Path | None, limit: int | None, scale: bool, remembered: int, out: Path | None
) -> None:
    """Measure dedup on real articles."""
    items = read(files, limit)
    figures: dict[str, Any] = {}
    if scale:
        figures = at_scale(items, remembered)
        for name, value in figures.items():
            click.echo(f"{name:24}{value:14,.3f}")
    else:
        peer = _peer()
        stream = mixed(items)
        words = sum(len(_WORD.findall(s.item.text or "")) for s in stream) / len(stream)
        click.echo(
            f"{len(stream)} articles of {words:.0f} words, {sum(bool(s.copied) for s in stream)} generated edits"
        )
        pairs = [] if gold is None else list(read_rows(gold))
        click.echo(f"{'':50}articles/s  edits found  others called copies  F1 of pairs")
        scores = {"wirefuse": ours(stream)}
        if pairs:
            scores["wirefuse"].f1 = score_pairs(pairs, DedupSettings()).figures["f1"]
        _print("wirefuse", scores["wirefuse"])
        for name, settings in PEERS.items():
            label = f"{peer}, {name}"
            scores[label] = datasketch(stream, pairs, settings)
            _print(label, scores[label])
        figures = {name: {k: getattr(score, k) for k in Score.__slots__} for name, score in scores.items()}
    if out:
        out.write_bytes(codec.encode(figures))


def _peer() -> str:
    try:
        return f"datasketch {version('datasketch')}"
    except PackageNotFoundError:
        raise click.ClickException("the peer is missing: pip install datasketch==2.0.0") from None


def _print(name: str, s: Score) -> None:
    f1 = "" if s.f1 is None else f"{s.f1:13.4f}"
    click.echo(f"{name:50}{s.rate:10,.0f}  {s.recall:11.4f}  {s.others:20.4f}{f1}")


if __name__ == "__main__":
    main()

"""Dedup on one core: articles a second beside datasketch, cost and memory with many remembered, restore.

    python benchmarks/dedup.py WIRE.jsonl[.gz] ... [--limit N] [--remembered 1000000] [--json OUT]

The peer is not among the project's dependencies: pip install datasketch==2.0.0

The wire is the articles of the files in the order given, and a generated edit of every fifth. Times are processor
times of this process, so that other load on the machine disturbs them little.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil

from pipeline import codec
from pipeline.dedup.decision import Decision, Memory
from pipeline.dedup.remembered import packed
from pipeline.dedup.sketch import EVERYTHING, KEPT
from pipeline.dedup.state import Dedup
from pipeline.evaluate.dedup import article, read_rows
from pipeline.evaluate.edits import edits, report
from pipeline.records import RawArticle
from pipeline.settings import Dedup as DedupSettings
from pipeline.text.clean import clean

PERMUTATIONS = 128
THRESHOLD = 0.2
"""Jaccard at which datasketch is to find candidates: that of our least similar copies."""

_WORD = re.compile(r"\w+")
_START = datetime(2024, 1, 1, tzinfo=UTC)
_FOREVER = DedupSettings(ttl_days=36_500)


def wire(files: Sequence[Path], limit: int | None) -> list[RawArticle]:
    """Articles of the files and an edit of every fifth, ten seconds apart."""
    items = [article(row) for path in files for row in islice(read_rows(path), limit) if row.get("text")]
    reports = [report(a.native_id, a.title, clean(a).text) for a in items[::5]]
    reports = [r for r in reports if r.words >= 60 and len(r.sentences) >= 4]
    edited = list(edits(reports, 1))
    step = 12
    copies = [
        RawArticle(provider="copy", native_id=str(n), title=e.title, text=e.text)
        for n, e in enumerate(edited[n * step + n % step] for n in range(len(edited) // step))
    ]
    mixed = []
    for n, item in enumerate(items):
        mixed.append(item)
        # A copy of an article that came before.
        if n % 5 == 4 and n // 5 - 1 < len(copies) and n >= 5:
            mixed.append(copies[n // 5 - 1])
    return [replace(a, provider=a.provider, native_id=f"{n}", published=_time(n)) for n, a in enumerate(mixed)]


def _time(n: int) -> datetime:
    return _START + timedelta(seconds=10 * n)


def ours(items: Sequence[RawArticle]) -> tuple[float, int]:
    """Articles a second from text to verdict, and how many were copies."""
    state = Dedup(0, _FOREVER)
    state.decide(0, replace(items[0], native_id="warm up"))
    started = time.process_time()
    copies = 0
    for seq, item in enumerate(items, 1):
        copies += state.decide(seq, item).copy_of is not None
    return len(items) / (time.process_time() - started), copies


def datasketch(items: Sequence[RawArticle]) -> tuple[float, int]:
    """The same with datasketch: five-word shingles, MinHash, LSH; candidates only, without a close comparison."""
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise click.ClickException("the peer is missing: pip install datasketch==2.0.0") from None

    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    started = time.process_time()
    found = 0
    for item in items:
        words = _WORD.findall((item.text or "").lower())
        shingles = {" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))}
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch(shingles)
        found += bool(index.query(signature))
        index.insert(item.native_id, signature, check_duplication=False)
    return len(items) / (time.process_time() - started), found


def remembered(count: int, sizes: Sequence[int], seed: int = 1) -> Iterator[Decision]:
    """Decisions on articles that never were: sketches of real sizes, a twelfth of them common phrases."""
    random = np.random.default_rng(seed)
    phrases = random.integers(0, EVERYTHING, 20_000, dtype=np.uint32)
    prev = -1
    for n in range(count):
        shingles = int(sizes[n % len(sizes)])
        kept = min(shingles, KEPT) if shingles < 8 * KEPT else shingles // 8
        bound = EVERYTHING if shingles <= KEPT else max(EVERYTHING * KEPT // shingles, EVERYTHING >> 3)
        hashes = random.integers(0, bound, kept, dtype=np.uint32)
        common = phrases[np.minimum(random.zipf(1.3, 1 + kept // 12) - 1, len(phrases) - 1)]
        common = common[common < bound]
        hashes[: len(common)] = common[:kept]
        _, first = np.unique(hashes, return_index=True)
        hashes = hashes[np.sort(first)]
        when = _time(0) - timedelta(seconds=count - n)
        micros = int(when.timestamp()) * 1_000_000
        article_id = random.bytes(16).hex()
        yield Decision(
            seq=n,
            prev_seq=prev,
            article_id=article_id,
            verdict="new",
            reason="first seen",
            event_time=when,
            watermark=when,
            copy_group=article_id,
            memory=Memory(
                status="usable",
                version=None,
                version_created=None,
                published=micros,
                content=random.bytes(16).hex(),
                origin=micros,
                since=micros,
                group=article_id,
                signature=packed(hashes),
                bound=bound,
                shingles=shingles,
                words=shingles + 4,
                figures=packed(random.integers(0, EVERYTHING, 8, dtype=np.uint32)),
                headline=packed(random.integers(0, EVERYTHING, 7, dtype=np.uint32)),
                exact=random.bytes(12).hex(),
            ),
        )
        prev = n


def with_many(items: Sequence[RawArticle], counts: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Cost, memory and restore with so many remembered: each count builds on the one before."""
    sizes = [max(1, len(_WORD.findall(a.text or "")) - 4) for a in items]
    process = psutil.Process()
    state = Dedup(0, replace(_FOREVER, max_entries=10**9))
    state.decide(0, replace(items[0], native_id="warm up"))
    gc.collect()
    base = process.memory_info().rss
    records = remembered(max(counts), sizes)
    restoring = 0.0
    done = 0
    probes = iter(items)
    for count in counts:
        while done < count:
            chunk = [codec.encode(replace(d, seq=d.seq + 1)) for d in islice(records, min(20_000, count - done))]
            started = time.process_time()
            for record in chunk:
                state.apply(codec.decode(record, Decision))
            restoring += time.process_time() - started
            done += len(chunk)
        del chunk
        gc.collect()
        memory = (process.memory_info().rss - base) / state.entries
        probe = list(islice(probes, 2_000))
        started = time.process_time()
        for item in probe:
            state.decide(state.last_seq + 1, item)
        cost = (time.process_time() - started) / len(probe)
        yield {
            "remembered": count,
            "cost_us": cost * 1e6,
            "bytes_per_article": memory,
            "restore_s": restoring,
        }


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--limit", type=int, help="Articles of each file; default: all.")
@click.option("--remembered", "most", default=1_000_000, show_default=True)
@click.option("--json", "out", type=click.Path(path_type=Path), help="Also write the figures here.")
def main(files: tuple[Path, ...], limit: int | None, most: int, out: Path | None) -> None:
    """Measure dedup on real articles."""
    items = wire(files, limit)
    words = sum(len(_WORD.findall(a.text or "")) for a in items) / len(items)
    click.echo(f"{len(items)} articles of {words:.0f} words")
    rate, copies = ours(items)
    click.echo(f"wirefuse    {rate:8.0f} articles/s, {copies} copies")
    peer, found = datasketch(items)
    click.echo(
        f"datasketch  {peer:8.0f} articles/s, {found} with candidates; wirefuse is {rate / peer:.1f} times as fast"
    )
    figures: dict[str, Any] = {"articles": len(items), "words": words, "articles_per_s": rate, "datasketch_per_s": peer}
    figures["many"] = []
    for row in with_many(items, [n for n in (10_000, 100_000, 1_000_000) if n < most] + [most]):
        click.echo(
            f"{row['remembered']:>9} remembered: {row['cost_us']:6.0f} us an article, "
            f"{row['bytes_per_article']:6.0f} bytes each, restored in {row['restore_s']:.1f} s"
        )
        figures["many"].append(row)
    if out:
        out.write_bytes(codec.encode(figures))


if __name__ == "__main__":
    main()

"""Streams of articles for tests and benchmarks, made from real ones: edited, recombined, shifted in time."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).parents[1] / "seeds"
SHIPPED = ("wikinews.jsonl", "re3d.jsonl", "world-events.jsonl", "written-wire.jsonl")
START = datetime(2024, 1, 1, tzinfo=UTC)
OUTLETS = ("Meridian", "Tressel", "Courier", "Gazette", "Harbour Radio", "Northern Mail", "Daily Ledger")
_SENTENCE_END = re.compile(r"(?<=[.!?”\"])\s+")

Row = dict[str, Any]


def load(paths: Sequence[Path]) -> list[Row]:
    """The articles of JSON-lines files (also .gz) that have a text."""
    rows: list[Row] = []
    for path in paths:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as f:
            rows += [row for line in f if (row := json.loads(line)).get("text")]
    return rows


def shipped() -> list[Row]:
    return load([SEEDS / name for name in SHIPPED])


def mixed(count: int, seed: int, base: Sequence[Row] | None = None, gap: timedelta = timedelta(minutes=2)) -> list[Row]:
    """A wire of `count` rows: mostly articles of their own, and all that a wire does to them.

    About 70 % new, 15 % copies (whole or edited), 8 % newer versions, 2 % older ones that come late, 2 % kills, 3 %
    sent twice. Every fresh article has a text that no other has: a base article, or sentences of two of them.
    """
    rng = random.Random(seed)
    stock = list(base or shipped())
    rng.shuffle(stock)
    made: list[Row] = []
    living: list[Row] = []
    for n in range(count):
        now = START + n * gap
        roll = rng.random()
        if not living or roll < 0.70:
            row = _fresh(rng, stock, n, now)
            living.append(row)
        elif roll < 0.85:
            row = _copy(rng, rng.choice(living[-400:]), n, now)
            living.append(row)
        elif roll < 0.93:
            index = rng.randrange(max(0, len(living) - 400), len(living))
            row = living[index] = _newer(rng, living[index], now)
        elif roll < 0.95:
            newest = rng.choice(living[-400:])
            row = newest | {"version": newest["version"] - 1, "text": "An older word. " + newest["text"]}
        elif roll < 0.97:
            killed = living.pop(rng.randrange(max(0, len(living) - 400), len(living)))
            row = {k: killed[k] for k in ("id", "provider", "source")}
            row |= {"version": killed["version"] + 1, "pub_status": "canceled", "published": _iso(now)}
        else:
            row = dict(rng.choice(living[-400:]))
        made.append(row)
    return made


def speed(rows: Sequence[Row], seconds: float) -> float:
    """What `wirefuse publish --speed` takes to replay the rows in about so many seconds."""
    times = [datetime.fromisoformat(row["published"]) for row in rows]
    return sum(max(0.0, (after - before).total_seconds()) for before, after in pairwise(times)) / seconds


def lines(rows: Sequence[Row]) -> Iterator[bytes]:
    """The rows as lines of a JSON-lines file."""
    return (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def write(path: Path, rows: Sequence[Row]) -> Path:
    path.write_bytes(b"".join(lines(rows)))
    return path


def _fresh(rng: random.Random, stock: Sequence[Row], n: int, now: datetime) -> Row:
    first = stock[n % len(stock)]
    text = first["text"]
    if n >= len(stock):
        text = " ".join(_mix(rng, _sentences(text), _sentences(rng.choice(stock)["text"])))
    outlet = rng.choice(OUTLETS)
    jitter = timedelta(minutes=rng.randrange(-600, 1))
    row = {"id": f"n{n}", "provider": "stream", "source": outlet, "text": text, "version": 1}
    return row | {"title": first.get("title"), "published": _iso(now + jitter)}


def _copy(rng: random.Random, source: Row, n: int, now: datetime) -> Row:
    sentences = _sentences(source["text"])
    if rng.random() < 0.5 and len(sentences) > 4:
        sentences = sentences[: max(3, int(len(sentences) * rng.uniform(0.5, 0.95)))]
    if rng.random() < 0.3:
        sentences = [f"{rng.choice(OUTLETS)} has this report from a correspondent in the region.", *sentences]
    return source | {
        "id": f"c{n}", "source": rng.choice(OUTLETS), "text": " ".join(sentences), "version": 1, "published": _iso(now),
    }  # fmt: skip


def _newer(rng: random.Random, row: Row, now: datetime) -> Row:
    toll = rng.randrange(2, 60)
    text = row["text"] + f" Officials later put the number of people hurt at {toll}."
    return row | {"text": text, "version": row["version"] + 1, "version_created": _iso(now)}


def _mix(rng: random.Random, one: list[str], other: list[str]) -> list[str]:
    half = rng.sample(one, max(1, len(one) // 2)) + rng.sample(other, max(1, len(other) // 2))
    rng.shuffle(half)
    return half


def _sentences(text: str) -> list[str]:
    return [s for s in _SENTENCE_END.split(text.replace("\n", " ")) if s]


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")

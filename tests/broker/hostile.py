"""Broken and absurd inputs, at least 500 of them, made with a fixed seed."""

from __future__ import annotations

import json
import random
from pathlib import Path

from pipeline import codec
from pipeline.records import RawArticle
from pipeline.topics import TopicName

TEXT = "A patrol found the bridge at Carrow closed on Monday, and two men were held."


def _values(rng: random.Random) -> list[bytes]:
    """Values for a topic that expects records."""
    good = json.loads(codec.encode(RawArticle(provider="p", native_id="x", text=TEXT)))
    whole = json.dumps(good).encode()
    values = [b"", b"null", b"[]", b"0", b'"text"', b"{}", b"\x00" * 64, b"{" * 5000, b"[" * 200_000, b'{"a":' * 3000]
    values += [rng.randbytes(rng.randrange(1, 400)) for _ in range(120)]
    values += [whole[: rng.randrange(1, len(whole) - 1)] for _ in range(60)]
    wrong: list[object] = [None, 7, -1.5, True, [], {}, "", "x" * 5000, [[[]]], "\u0000", "9999-12-31T23:59:59-12:00"]
    for field in sorted(good):
        for value in wrong:
            row = {**good, "native_id": f"w{len(values)}", field: value}
            values.append(json.dumps(row).encode())
        values.append(json.dumps({k: v for k, v in good.items() if k != field}).encode())
    for n, published in enumerate(
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2024-13-01")
    ):
        values.append(json.dumps({**good, "native_id": f"d{n}", "published": published}).encode())
    values.append(b'{"provider":"p","native_id":"s1","text":"lone \\ud800 surrogate"}')
    values.append(b'{"provider":"p","native_id":"dup","native_id":"dup2","text":"a","text":"b"}')
    values.append(json.dumps({**good, "native_id": "long", "text": "word " * 200_000}).encode())
    values.append(json.dumps({**good, "native_id": "nospace", "text": "x" * 300_000}).encode())
    values.append(json.dumps({**good, "native_id": "lines", "text": "line\n" * 10_000}).encode())
    values.append(json.dumps({**good, "native_id": "zeros", "text": "a\u0000b" * 1000, "title": "\u0000"}).encode())
    values.append(json.dumps({**good, "native_id": "html", "text": None, "html": "<div>" * 20_000 + "x"}).encode())
    values.append(json.dumps({**good, "native_id": "emoji", "text": "😀" * 5000}).encode())
    values.append(json.dumps({**good, "native_id": "big", "version": 10**30}).encode())
    return values


def topic_cases() -> dict[TopicName, list[bytes]]:
    """Broken values to put straight onto the topics."""
    rng = random.Random(23)
    cases: dict[TopicName, list[bytes]] = {"raw": _values(rng)}
    between: list[TopicName] = ["unique", "annotated", "enriched", "incidents", "incident-changes"]
    for name in between:
        cases[name] = [b"", b"{", b"[]", b"{}", rng.randbytes(50), b'{"seq": "x"}']
    return cases


def file_cases(folder: Path) -> int:
    """Files full of broken lines; returns how many broken items there are."""
    folder.mkdir()
    rng = random.Random(29)
    lines = [rng.randbytes(rng.randrange(1, 300)).replace(b"\n", b" ") for _ in range(150)]
    good = {"id": "f", "text": TEXT, "provider": "files"}
    for field in ("id", "text", "published", "version", "pub_status", "signals", "language"):
        for value in (None, 7, True, [], {}, "", "x" * 3000, "\ud800", [[1]]):
            lines.append(json.dumps({**good, "id": f"f{len(lines)}", field: value}).encode())
    lines.append(json.dumps({**good, "id": "f-deep", "extra": json.loads("[" * 400 + "]" * 400)}).encode())
    (folder / "lines.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    with (folder / "huge.jsonl").open("wb") as f:
        f.write(b'{"id": "huge", "text": "' + b"word " * (10 * 1024 * 1024) + b'"}\n')  # 50 MB
        f.write(json.dumps({**good, "id": "after-huge"}).encode() + b"\n")
    (folder / "latin.txt").write_bytes("Zürich im März".encode("latin-1"))
    (folder / "empty.txt").write_bytes(b"")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + rng.randbytes(200))
    return len(lines) + 4

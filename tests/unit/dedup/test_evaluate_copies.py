"""`wirefuse evaluate dedup`: what its files may be."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from pipeline.errors import InvalidEvent
from pipeline.evaluate.dedup import evaluate
from pipeline.settings import Dedup

from .streams import story

TEXT = " ".join(story(1, sentences=10, words=10))


def gold(path: Path, *rows: object) -> Path:
    file = path / "gold.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    return file


def test_an_id_may_be_a_number(tmp_path: Path) -> None:
    rows = [{"id": n, "text": TEXT, "cluster": "a", "source": f"outlet {n}"} for n in range(2)]
    result = evaluate(gold(tmp_path, *rows), Dedup(), seed=1)
    assert result.counts["one event, two outlets", "copy"] == 1


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"id": "x", "text": TEXT}, "another has not"),
        ({"label": "duplicate", "a": {"id": "a", "text": TEXT}, "b": "none"}, "must be an object"),
        ({"label": "duplicate", "a": {"id": "a", "text": TEXT}, "b": {"id": "b"}}, "text and html are missing"),
        ({"label": ["duplicate"], "a": {}, "b": {}}, "label must be text"),
    ],
)
def test_a_line_of_another_kind_is_told(tmp_path: Path, row: object, why: str) -> None:
    pair = {"label": "duplicate", "a": {"id": "a", "text": TEXT}, "b": {"id": "b", "text": TEXT}}
    with pytest.raises(InvalidEvent, match=f"gold.jsonl: .*{why}"):
        evaluate(gold(tmp_path, pair, row), Dedup(), seed=1)

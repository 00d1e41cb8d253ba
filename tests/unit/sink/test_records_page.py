"""docs/records.md: its queries answer what it says, its tables name fields that there are."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.ids import article_id, incident_id
from pipeline.records import ArticleEvent, IncidentRecord
from pipeline.sink.base import open_sink

PAGE = (Path(__file__).parents[3] / "docs" / "records.md").read_text()
WHERE, COUNTS, NAMES = re.findall(r"```sql\n(.+?)```", PAGE, re.DOTALL)
NOON = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
FIRE = incident_id(0, article_id("wire", "a"))


def article(id: str, source: str, killed: int | None, **said: Any) -> ArticleEvent:
    values: dict[str, Any] = dict.fromkeys(field.name for field in fields(ArticleEvent)) | {
        "id": id, "article_id": article_id("wire", id), "edition": 0, "seq": ord(id), "provider": "wire",
        "source": source, "title": id, "text": id, "published": NOON, "verdict": "new", "reason": "first seen",
        "incident_id": FIRE, "regrouped": {}, "why": {}, "entities": (), "side_spans": (), "facts": {},
        "tolls": {"killed": killed and {"min": killed, "max": killed}, "wounded": None},
    }  # fmt: skip
    return ArticleEvent(**values | said)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    forms = ({"text": "Ada Brook", "count": 3}, {"text": "Eva Brook", "count": 1})
    gun, ferry = ({"name": n, "label": label} for n, label in (("rifle", "WEAPON"), ("ferry", "PLATFORM")))
    record = IncidentRecord(
        incident_id=FIRE, edition=0, version=200, status="open", merged_into=None, title="Fire", first_seen=NOON,
        last_seen=NOON, event_time={"start": "2024-05-16", "end": "2024-05-16", "precision": "day", "reports": 2},
        places=({"name": "Lannick", "role": "event"}, {"name": "Tovarra", "role": "mentioned"}),
        entities=({"name": "Ada Brook", "disagreements": [{"kind": "given name", "forms": forms}]},),
        reports=(), counts={"reports": 3, "copies": 1, "independent_origins": 2}, timeline=(), weapons=(gun, ferry),
    )  # fmt: skip
    copy = article("c", "Echo", 7, verdict="copy", copy_of=article_id("wire", "b"), copy_kind="exact")
    with closing(open_sink(f"sqlite:///{tmp_path}/wirefuse.db")) as sink:
        sink.write([article("a", "Post", 2), article("b", "Mail", 3), copy, article("d", "Sun", None), record])
    return tmp_path / "wirefuse.db"


def answer(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query).fetchall()


def test_the_queries_answer_what_the_page_says(store: Path) -> None:
    assert answer(store, WHERE) == [(FIRE, "Fire", "2024-05-16", 3, "Lannick", "rifle")]
    ((incident, killed),) = answer(store, COUNTS)
    assert (incident, sorted(killed.split("; "))) == (FIRE, ["Mail: 3", "Post: 2"])
    assert answer(store, NAMES) == [
        (FIRE, "Ada Brook", "given name", "Ada Brook", 3),
        (FIRE, "Ada Brook", "given name", "Eva Brook", 1),
    ]


@pytest.mark.parametrize(("title", "shape"), [("Incident", IncidentRecord), ("Article", ArticleEvent)])
def test_its_tables_name_fields_that_there_are(title: str, shape: type[IncidentRecord | ArticleEvent]) -> None:
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    named = {
        name for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert named
    assert named <= {field.name for field in fields(shape)}

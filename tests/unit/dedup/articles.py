"""Articles for the tests: the shipped ones, and short ways to write others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pipeline.dedup.decision import Decision
from pipeline.dedup.state import Dedup
from pipeline.ids import article_id
from pipeline.records import RawArticle
from pipeline.settings import Dedup as DedupSettings

SEEDS = Path(__file__).parents[3] / "seeds"
START = datetime(2024, 3, 1, 6, 0, tzinfo=UTC)


@cache
def real_articles() -> tuple[tuple[str, str], ...]:
    """Title and text of real reports of different events, of 120 words and more."""
    rows = [json.loads(line) for line in (SEEDS / "wikinews.jsonl").open(encoding="utf-8")]
    return tuple((r["title"], r["text"]) for r in rows if len(r["text"].split()) >= 120)


def item(
    name: str, text: str | None, hours: float | None = 0, title: str | None = None, **fields: object
) -> RawArticle:
    """An article of the wire "w", published so many hours after the start."""
    published = None if hours is None else START + timedelta(hours=hours)
    return RawArticle(provider="w", native_id=name, text=text, title=title, published=published, **fields)  # type: ignore[arg-type]


def id_of(name: str) -> str:
    return article_id("w", name)


class Wire:
    """Decides articles one after the other and keeps the decisions."""

    def __init__(self, **settings: float) -> None:
        self.state = Dedup(0, DedupSettings(**settings))  # type: ignore[arg-type]
        self.decisions: list[Decision] = []
        self.group: dict[str, str] = {}

    def send(self, *items: RawArticle) -> Decision:
        """Decide articles; returns the last decision. `group` follows what the decisions say of copy groups."""
        for one in items:
            decision = self.state.decide(self.state.last_seq + 1, one)
            self.decisions.append(decision)
            for article, group in self.group.items():
                self.group[article] = decision.regrouped.get(group, group)
            if decision.copy_group is not None:
                self.group[one.native_id] = decision.copy_group
            elif decision.verdict in ("kill", "withheld"):
                self.group.pop(one.native_id, None)
        return self.decisions[-1]

    def root_of(self, name: str) -> str:
        """Name of the root of an article's group, as the decisions told it."""
        roots = {id_of(n): n for n in self.group} | {id_of(d): d for d in ()}
        return roots.get(self.group[name], self.group[name])

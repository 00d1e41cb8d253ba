"""Who carried a text: the copy group of a stored article as a tree, with what each outlet did to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.dedup.credits import Credit, credits
from pipeline.dedup.edits import Edits, edits
from pipeline.sink.base import ArticleQuery, Reader, StoredArticle

_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Carried:
    """One article of a copy group.

    Attributes:
        depth: 0 for the root, 1 for its direct copies, ...
        parent: id of the article that it stands under: what it was found to be a copy of, or the root where that is not
            known (any more), as for a former root; None for the root.
        edits: what was done to the parent's text; None for the root, and where the parent is not in the store.
        credits: agencies that its text names as where it comes from.
    """

    article: StoredArticle
    depth: int
    parent: str | None
    edits: Edits | None
    credits: tuple[Credit, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """A copy group.

    Attributes:
        root: id of the origin, which may be missing in the store.
        carried: from the root down, each article before its copies, those in the order of publication.
    """

    root: str
    carried: tuple[Carried, ...]


def lineage(reader: Reader, article: StoredArticle) -> Lineage:
    """The copy group that an article belongs to now; of one that was taken back, itself alone."""
    root = article.copy_group or article.article_id
    members = {a.article_id: a for a in reader.articles(ArticleQuery(copy_group=root))}
    if article.article_id not in members:
        members = {article.article_id: article}
        root = article.article_id
    parents = {id: _parent(id, root, members) for id in members}
    under: dict[str | None, list[str]] = {}
    for id in sorted(members, key=lambda id: _order(members[id])):
        under.setdefault(parents[id], []).append(id)
    carried = []
    # Without recursion: a chain of copies of copies may be long.
    waiting = [(id, 0) for id in reversed(under.get(None, []) + ([] if root in members else under.get(root, [])))]
    while waiting:
        id, depth = waiting.pop()
        carried.append(_carried(members[id], depth, parents[id], members))
        waiting += [(copy, depth + 1) for copy in reversed(under.get(id, []))]
    return Lineage(root, tuple(carried))


def _order(article: StoredArticle) -> tuple[datetime, str]:
    """The total order of origins; undated articles come last."""
    published = article.record.get("published")
    return _LATEST if published is None else datetime.fromisoformat(str(published)), article.article_id


def _parent(id: str, root: str, members: Mapping[str, StoredArticle]) -> str | None:
    """What an article stands under in the tree."""
    if id == root:
        return None
    source = members[id].copy_of
    at: str | None = source
    seen = {id}
    while at is not None and at in members and at != root:
        if at in seen:
            # Two that became copies of each other, by updates: both stand under the root.
            return root if at == id else source
        seen.add(at)
        at = members[at].copy_of
    return source if source in members else root


def _carried(article: StoredArticle, depth: int, parent: str | None, members: Mapping[str, StoredArticle]) -> Carried:
    text = str(article.record.get("text") or "")
    source = None if parent is None else members.get(parent)
    done = None if source is None else edits(text, str(source.record.get("text") or ""))
    return Carried(article, depth, parent, done, credits(text))


def as_json(found: Lineage) -> dict[str, Any]:
    """The lineage as JSON data: a list and not a tree, because a tree may be too deep for JSON readers."""
    return {"copy_group": found.root, "articles": [_as_json(c) for c in found.carried]}


def _as_json(carried: Carried) -> dict[str, Any]:
    article = carried.article
    return {
        "article_id": article.article_id,
        "depth": carried.depth,
        "parent": carried.parent,
        "copy_of": article.copy_of,
        "copy_kind": article.record.get("copy_kind"),
        "provider": article.provider,
        "source": article.source,
        "native_id": article.native_id,
        "published": article.record.get("published"),
        "title": article.title,
        "verdict": article.verdict,
        "status": article.status,
        "why": article.record.get("why", {}),
        "edits": None if carried.edits is None else {k: round(v, 3) for k, v in asdict(carried.edits).items()},
        "credits": [asdict(credit) for credit in carried.credits],
    }


def origins(carried: Sequence[Carried]) -> list[str]:
    """The agencies that the articles credit, the most often credited first."""
    counts: dict[str, int] = {}
    for one in carried:
        for agency in dict.fromkeys(c.agency for c in one.credits if c.place != "contributed"):
            counts[agency] = counts.get(agency, 0) + 1
    return sorted(counts, key=lambda agency: (-counts[agency], agency))

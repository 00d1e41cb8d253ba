"""A copy group on a terminal, as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.sink.lineage import Carried, Lineage, origins
from pipeline.sink.render import clean, moment, short

_DEEPEST = 8
"""Copies of copies beyond this depth are not moved further to the right."""

_NARROWEST, _TITLE = 40, 64

_KINDS = {"exact": "exact copy", "near": "near copy", "contained": "contained copy"}


def lineage_page(found: Lineage, width: int) -> RenderableType:
    """Who carried the text, when, and what each changed; on lines of so many columns."""
    first = found.carried[0].article
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", min_width=9)
    facts.add_column(overflow="fold")
    copies = len(found.carried) - 1
    facts.add_row("carried", f"{copies + 1} times" if copies else "once: no copies are known")
    outlets = dict.fromkeys(_outlet(c) for c in found.carried)
    facts.add_row("outlets", Text(", ".join(outlets)))
    credited = origins(found.carried)
    if credited:
        facts.add_row("credited", Text(", ".join(map(clean, credited))))
    root_known = found.carried[0].article.article_id == found.root
    facts.add_row("group", found.root + ("" if root_known else "  (its root is not in the store)"))
    title = Text(clean(first.title) if first.title else "(no title)", style="bold")
    return Group(title, Text(), facts, Text(), *_tree(found.carried, width))


def _tree(carried: Sequence[Carried], width: int) -> list[RenderableType]:
    last = _last_of_their_depth([min(c.depth, _DEEPEST) for c in carried])
    lines: list[RenderableType] = []
    # Which depths have more to come below.
    more = [False] * (_DEEPEST + 1)
    for at, (one, is_last) in enumerate(zip(carried, last, strict=True)):
        depth = min(one.depth, _DEEPEST)
        more[depth] = not is_last
        guides = "".join("│  " if more[d] else "   " for d in range(1, depth))
        has_copies = at + 1 < len(carried) and min(carried[at + 1].depth, _DEEPEST) > depth
        branch, below = ("", "") if not depth else ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        under = guides + below + ("│  " if has_copies else "   ")
        said = [_head(one), *([_cut(clean(one.article.title))] if one.article.title else [])]
        said += [Text(line, style="dim") for line in wrap(_did(one), max(_NARROWEST, width - len(under)))]
        lines += [Text(guides + branch if not n else under).append_text(line) for n, line in enumerate(said)]
    return lines


def _last_of_their_depth(depths: Sequence[int]) -> list[bool]:
    """For each: nothing of its depth follows under the same parent."""
    last = []
    seen: set[int] = set()
    for depth in reversed(depths):
        last.append(depth not in seen)
        seen = {d for d in seen if d < depth} | {depth}
    return last[::-1]


def _head(one: Carried) -> Text:
    head = Text(f"{moment(one.article.published)}  ")
    head.append(_outlet(one), style="bold")
    head.append(f"  {short(one.article.article_id)}", style="dim")
    return head


def _outlet(one: Carried) -> str:
    article = one.article
    return " via ".join(dict.fromkeys(clean(n) for n in (article.source, article.provider) if n)) or "(unknown)"


def _did(one: Carried) -> str:
    parts = []
    kind = one.article.record.get("copy_kind")
    if one.parent is None:
        parts.append("the origin")
    elif kind is None:
        parts.append("published after the origin, but here before it")
    else:
        parts.append(_KINDS.get(kind, clean(kind)))
        if one.article.copy_of != one.parent:
            parts.append(f"of {short(one.article.copy_of)}, which is not in this group now")
    if one.edits is not None:
        e = one.edits
        shares = (("kept", e.kept), ("changed", e.changed), ("added", e.added), ("cut", e.cut))
        parts.append(", ".join(f"{name} {share:.0%}" for name, share in shares))
    if one.credits:
        parts.append("credits " + ", ".join(f"{clean(c.agency)} ({c.place})" for c in one.credits))
    return "; ".join(parts)


def _cut(title: str) -> Text:
    text = Text(title)
    text.truncate(_TITLE, overflow="ellipsis")
    return text

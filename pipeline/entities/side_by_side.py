"""What several pipelines find in one text, span against span: on a terminal and on a web page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.entities.page import Span, key, marked, page, shown

DIFFERS = "\u2260"  # not equal
_NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of text in which the spans of the pipelines overlap.

    Attributes:
        start, end: the stretch, half-open.
        found: for each pipeline, its spans there.
    """

    start: int
    end: int
    found: tuple[tuple[Span, ...], ...]

    @property
    def agree(self) -> bool:
        """Whether all pipelines found the same spans with the same labels."""
        return len(set(self.found)) == 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """One text as several pipelines read it.

    Attributes:
        id: of the text.
        pipelines: their names and versions.
        found: for each pipeline, its spans in the order of the text.
    """

    id: str
    text: str
    pipelines: tuple[str, ...]
    found: tuple[tuple[Span, ...], ...]

    def rows(self) -> list[Row]:
        """The stretches with spans, in the order of the text."""
        return align(self.found)


def align(found: Sequence[Sequence[Span]]) -> list[Row]:
    """Group the spans of several pipelines into stretches that do not overlap; touching is not overlapping."""
    spans = sorted((span, which) for which, each in enumerate(found) for span in each)
    rows: list[Row] = []
    inside: list[tuple[Span, int]] = []
    end = 0
    for span, which in spans:
        if inside and span[0] >= end:
            rows.append(_row(inside, len(found)))
            inside = []
        end = max(end, span[1]) if inside else span[1]
        inside.append((span, which))
    if inside:
        rows.append(_row(inside, len(found)))
    return rows


def _row(spans: Sequence[tuple[Span, int]], pipelines: int) -> Row:
    return Row(
        min(span[0] for span, _ in spans),
        max(span[1] for span, _ in spans),
        tuple(tuple(span for span, which in spans if which == p) for p in range(pipelines)),
    )


def _cell(text: str, row: Row, spans: Sequence[Span]) -> str:
    """The label alone where one span is the whole stretch, else each span with its text."""
    if not spans:
        return _NOTHING
    return "; ".join(
        label if (start, end) == (row.start, row.end) else f"{label} “{_line(text[start:end])}”"
        for start, end, label in spans
    )


def _line(text: str) -> str:
    return " ".join(text.split())


def _summary(rows: Sequence[Row], pipelines: int) -> str:
    differ = sum(not row.agree for row in rows)
    if pipelines == 1:
        return f"{len(rows)} entities"
    return f"{len(rows) - differ} alike, {differ} differ"


def terminal(comparison: Comparison, width: int) -> RenderableType:
    """The text, then a table: what stands there, and what each pipeline takes it for. Differences carry a ≠.

    The caller's console must not read markup; control characters are taken out here.
    """
    text, rows = comparison.text, comparison.rows()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", width=width)
    table.add_column("")
    table.add_column("text", ratio=1, overflow="fold")
    for name in comparison.pipelines:
        table.add_column(name, ratio=1, overflow="fold")
    for row in rows:
        style = "" if row.agree else "bold"
        cells = [_line(text[row.start : row.end]), *(_cell(text, row, spans) for spans in row.found)]
        table.add_row(Text("" if row.agree else DIFFERS, style), *(Text(_printable(cell), style) for cell in cells))
    return Group(
        Text(_printable(comparison.id), "bold"),
        *(Text(_printable(line)) for line in text.splitlines()),
        Text(),
        *([table] if rows else []),
        Text(_summary(rows, len(comparison.pipelines)), "dim"),
        Text(),
    )


def _printable(text: str) -> str:
    # Soft hyphens, turned text and controls: what is not printable is a terminal's to act on, not ours to send.
    return "".join(c if c.isprintable() else " " for c in text)


def web_page(comparisons: Sequence[Comparison]) -> str:
    """A page with one column a pipeline and text, ≠ at each entity that not all have, and a table of those."""
    return page("Entities side by side", "\n".join(_section(c) for c in comparisons), wide=True)


def _section(comparison: Comparison) -> str:
    text, rows = comparison.text, comparison.rows()
    differing = {span: f" {DIFFERS}" for row in rows if not row.agree for spans in row.found for span in spans}
    columns = "\n".join(
        f"<div><h2>{shown(name)}</h2>\n{marked(text, spans, differing)}</div>"
        for name, spans in zip(comparison.pipelines, comparison.found, strict=True)
    )
    head = (
        f"<h1>{shown(comparison.id)}</h1>\n<p>{key(label for spans in comparison.found for _, _, label in spans)}</p>"
    )
    facts = f'<p class="facts">{_summary(rows, len(comparison.pipelines))}</p>'
    return f'{head}\n{facts}\n<div class="columns">{columns}</div>\n{_table(comparison, rows)}'


def _table(comparison: Comparison, rows: Sequence[Row]) -> str:
    differing = [row for row in rows if not row.agree]
    if not differing:
        return ""
    text = comparison.text
    names = "".join(f"<th>{shown(name)}</th>" for name in comparison.pipelines)
    lines = []
    for row in differing:
        cells = [_line(text[row.start : row.end]), *(_cell(text, row, spans) for spans in row.found)]
        lines.append(f'<tr class="differs">{"".join(f"<td>{shown(cell)}</td>" for cell in cells)}</tr>')
    return f"<table><tr><th>text</th>{names}</tr>\n{chr(10).join(lines)}\n</table>"

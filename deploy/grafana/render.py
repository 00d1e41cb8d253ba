"""Draws the dashboards from a real Prometheus, panel by panel, where there is no Grafana to look at.

    python deploy/grafana/render.py URL FOLDER [--minutes 60] [--board overview ...]

One picture for each dashboard, in Grafana's layout and colours. The queries, units, steps and legends are those of the
committed JSON; what Grafana would do with them is imitated, not run.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from boards.ask import Series, Window, answers, panels  # noqa: E402  # found by the line above
from boards.units import colour_of, shown  # noqa: E402

DPI = 100
UNIT_W, UNIT_H = 54, 34
"""Pixels of one unit of Grafana's grid of 24 columns."""
GAP = 5
HEAD_H = 46

PAGE, PANEL, LINE, TEXT, FAINT = "#111217", "#181b1f", "#2c3235", "#d8d9da", "#8e8e99"
COLOURS = {"green": "#73bf69", "yellow": "#fade2a", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2"}
CLASSIC = (
    "#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642", "#cca300",
    "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62",
)  # fmt: skip
"""Grafana's classic palette, in the order in which it gives them out."""


class Sheet:
    """One dashboard on a figure."""

    def __init__(self, url: str, board: Path, window: Window, title: str) -> None:
        self._url = url
        self._window = window
        self._panels = panels(board)
        self._rows = _rows(board)
        self._height = HEAD_H + UNIT_H * max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in self._panels)
        self._width = 24 * UNIT_W + GAP
        self.figure = Figure(figsize=(self._width / DPI, self._height / DPI), dpi=DPI, facecolor=PAGE)
        self.figure.text(GAP / self._width, 1 - 30 / self._height, title, color=TEXT, size=13, weight="bold")
        span = f"{datetime.fromtimestamp(window.start):%H:%M} to {datetime.fromtimestamp(window.end):%H:%M}"
        self.figure.text(1 - GAP / self._width, 1 - 30 / self._height, span, color=FAINT, size=9, ha="right")

    def draw(self) -> None:
        for row in self._rows:
            pos = row["gridPos"]
            y = 1 - (HEAD_H + UNIT_H * (pos["y"] + 0.72)) / self._height
            self.figure.text((GAP + 4) / self._width, y, row["title"], color=TEXT, size=9.5, weight="bold")
        for panel in self._panels:
            found = [(t, _finite(s)) for t, s in answers(self._url, panel, self._window)]
            _DRAW[panel["type"]](self._box(panel), panel, found, self._window)

    def _box(self, panel: dict[str, Any]) -> Axes:
        """An axes over the whole panel, in pixels, y downwards; its title is written."""
        pos = panel["gridPos"]
        w, h = pos["w"] * UNIT_W - GAP, pos["h"] * UNIT_H - GAP
        left = GAP + pos["x"] * UNIT_W
        top = HEAD_H + pos["y"] * UNIT_H
        box = self.figure.add_axes(
            (left / self._width, 1 - (top + h) / self._height, w / self._width, h / self._height)
        )
        box.set_xlim(0, w)
        box.set_ylim(h, 0)
        box.axis("off")
        box.add_patch(Rectangle((0, 0), w, h, facecolor=PANEL, edgecolor=LINE, lw=1))
        box.text(9, 16, panel["title"], color=TEXT, size=8.5, va="center")
        return box


Found = Sequence[tuple[Mapping[str, Any], list[Series]]]


def _rows(board: Path) -> list[dict[str, Any]]:
    return [panel for panel in json.loads(board.read_bytes())["panels"] if panel["type"] == "row"]


def _finite(found: list[Series]) -> list[Series]:
    kept = [Series(s.name, s.labels, [(t, v) for t, v in s.points if math.isfinite(v)]) for s in found]
    return [s for s in kept if s.points]


def _defaults(panel: dict[str, Any]) -> tuple[str, int | None, list[dict[str, Any]]]:
    d = panel["fieldConfig"]["defaults"]
    return d["unit"], d.get("decimals"), d.get("thresholds", {}).get("steps", [])


def _inner(box: Axes, left: float, top: float, right: float, bottom: float) -> Axes:
    """Axes inside a panel; margins in pixels."""
    w, h = box.get_xlim()[1], box.get_ylim()[0]
    outer = box.get_position()
    axes = box.figure.add_axes(
        (
            outer.x0 + left / w * outer.width,
            outer.y0 + bottom / h * outer.height,
            (w - left - right) / w * outer.width,
            (h - top - bottom) / h * outer.height,
        )
    )
    axes.set_facecolor("none")
    for side in axes.spines.values():
        side.set_visible(False)
    return axes


def _day(time_: float) -> float:
    """A Unix time as matplotlib counts it."""
    return float(date2num(datetime.fromtimestamp(time_)))


def _with_gaps(points: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """The points, and one that is no number where some are missing: Grafana draws no line over a gap."""
    found = points[:1]
    for before, after in pairwise(points):
        if after[0] - before[0] > 1.5 * step:
            found.append((before[0] + step, math.nan))
        found.append(after)
    return found


def _time_axis(axes: Axes, window: Window) -> None:
    axes.set_xlim(_day(window.start), _day(window.end))
    locator = AutoDateLocator(minticks=4, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def _no_data(box: Axes) -> None:
    box.text(box.get_xlim()[1] / 2, box.get_ylim()[0] / 2, "No data", color=FAINT, size=11, ha="center", va="center")


def _draw_stat(box: Axes, panel: dict[str, Any], found: Found, window: Window) -> None:
    unit, decimals, steps = _defaults(panel)
    series = [s for _, some in found for s in some]
    if not series:
        return _no_data(box)
    w, h = box.get_xlim()[1], box.get_ylim()[0]
    value = series[0].last
    colour = COLOURS[colour_of(value, steps)]
    box.add_patch(Rectangle((0, 0), w, h, facecolor=colour, edgecolor=LINE, lw=1))
    box.text(9, 16, panel["title"], color="#111217", size=8.5, va="center")
    if len(series[0].points) > 2:
        line = _inner(box, 0, h * 0.58, 0, 0)
        times, numbers = zip(*series[0].points, strict=True)
        line.fill_between(times, numbers, color="white", alpha=0.25, lw=0)
        line.plot(times, numbers, color="white", alpha=0.6, lw=1)
        line.set_xlim(window.start, window.end)
        line.set_ylim(0, max(*numbers, 1e-9) * 1.1)
        line.axis("off")
    box.text(w / 2, h * 0.55, shown(value, unit, decimals), color="#111217", size=21, ha="center", va="center",
             weight="bold", zorder=5)  # fmt: skip
    return None


def _draw_graph(box: Axes, panel: dict[str, Any], found: Found, window: Window) -> None:
    unit, _, steps = _defaults(panel)
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    series = [s for _, some in found for s in some]
    if not series:
        return _no_data(box)
    h = box.get_ylim()[0]
    per_row, rows = _legend_rows(series, box.get_xlim()[1])
    axes = _inner(box, 62, 30, 10, 26 + 14 * rows)
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    log = custom.get("scaleDistribution", {}).get("type") == "log"
    base: dict[float, float] = {}
    top = 0.0
    for n, one in enumerate(series):
        colour = CLASSIC[n % len(CLASSIC)]
        points = _with_gaps(one.points, window.step)
        times = [_day(t) for t, _ in points]
        numbers = [v for _, v in points]
        below = [0.0] * len(numbers)
        if stacked:
            below = [base.get(t, 0.0) for t, _ in points]
            numbers = [b + v for b, v in zip(below, numbers, strict=True)]
            base.update({t: v for (t, _), v in zip(points, numbers, strict=True) if math.isfinite(v)})
        top = max(top, *(v for v in numbers if math.isfinite(v)))
        axes.plot(times, numbers, color=colour, lw=1.2, marker="." if len(times) == 1 else None)
        if not log:
            axes.fill_between(times, numbers, below, color=colour, alpha=0.35 if stacked else 0.08, lw=0)
    if log:
        axes.set_yscale("log")
    else:
        axes.set_ylim(0, top * 1.08 or 1)
    if custom.get("thresholdsStyle", {}).get("mode", "off") != "off":
        for step in steps:
            if step["value"] is not None and (log or step["value"] <= top * 1.08):
                axes.axhline(step["value"], color=COLOURS[step["color"]], lw=1, ls=(0, (6, 4)))
    _time_axis(axes, window)
    if unit == "bytes" and top > 0:
        power = 1024.0 ** int(math.log(top, 1024))
        nice = next(step for step in (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500) if top / (step * power) <= 5)
        axes.yaxis.set_major_locator(mpl.ticker.MultipleLocator(nice * power))
    elif unit == "s" and top > 60:
        nice = next(step for step in (15, 30, 60, 120, 300, 600, 1800, 3600, 86400) if top / step <= 6 or step == 86400)
        axes.yaxis.set_major_locator(mpl.ticker.MultipleLocator(nice))
    elif not log:
        axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=unit in ("short", "none") and top >= 4))
    axes.yaxis.set_major_formatter(lambda value, _: shown(value, unit))
    axes.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.tick_params(colors=FAINT, labelsize=7, length=0)
    axes.grid(color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    for n, one in enumerate(series[: per_row * rows]):
        x = 12 + (n % per_row) * (box.get_xlim()[1] - 16) / per_row
        y = h - 14 * rows + 14 * (n // per_row) + 3
        box.add_patch(Rectangle((x, y - 1.5), 10, 3, color=CLASSIC[n % len(CLASSIC)]))
        box.text(x + 14, y, one.name, color=TEXT, size=7, va="center")
    return None


def _legend_rows(series: Sequence[Series], width: float) -> tuple[int, int]:
    """How many legends stand in a row, and rows; at most three of them."""
    longest = max(len(s.name) for s in series)
    per_row = max(1, min(len(series), int((width - 16) / (26 + 5.2 * longest))))
    return per_row, min(3, math.ceil(len(series) / per_row))


def _draw_bars(box: Axes, panel: dict[str, Any], found: Found, window: Window) -> None:
    unit, decimals, steps = _defaults(panel)
    series = [s for _, some in found for s in some]
    if not series:
        return _no_data(box)
    w, h = box.get_xlim()[1], box.get_ylim()[0]
    top = panel["fieldConfig"]["defaults"].get("max") or max(s.last for s in series) or 1
    each = min(64.0, (h - 40) / len(series))
    left = min(0.45 * w, 18 + 5.4 * max(len(s.name) for s in series))
    right = 64
    for n, one in enumerate(series):
        y = 34 + n * each
        colour = COLOURS[colour_of(one.last, steps)]
        box.text(left - 6, y + each / 2, one.name, color=TEXT, size=7.5, ha="right", va="center")
        box.add_patch(Rectangle((left, y + 2), w - left - right, each - 4, facecolor="#22252b", lw=0))
        length = (w - left - right) * min(1.0, one.last / top)
        box.add_patch(Rectangle((left, y + 2), length, each - 4, facecolor=colour, alpha=0.55, lw=0))
        box.add_patch(Rectangle((left + max(0, length - 2), y + 2), 2, each - 4, facecolor=colour, lw=0))
        box.text(w - right + 6, y + each / 2, shown(one.last, unit, decimals), color=colour, size=8.5, va="center",
                 weight="bold")  # fmt: skip
    return None


def _draw_states(box: Axes, panel: dict[str, Any], found: Found, window: Window) -> None:
    series = [s for _, some in found for s in some]
    if not series:
        return _no_data(box)
    options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    h, w = box.get_ylim()[0], box.get_xlim()[1]
    axes = _inner(box, 18 + 5.4 * max(len(s.name) for s in series), 30, 10, 40)
    for n, one in enumerate(reversed(series)):
        for time_, value in one.points:
            state = options[str(int(value))]
            start, end = _day(time_), _day(time_ + window.step)
            axes.barh(n, end - start, left=start, height=0.8, color=COLOURS[state["color"]], alpha=0.85, lw=0)
    axes.set_yticks(range(len(series)), [s.name for s in reversed(series)])
    _time_axis(axes, window)
    axes.tick_params(colors=FAINT, labelsize=7, length=0)
    for n, state in enumerate(options.values()):
        box.add_patch(Rectangle((12 + n * w / 4, h - 13), 10, 6, color=COLOURS[state["color"]]))
        box.text(26 + n * w / 4, h - 10, state["text"], color=TEXT, size=7, va="center")
    return None


def _draw_table(box: Axes, panel: dict[str, Any], found: Found, window: Window) -> None:
    w, h = box.get_xlim()[1], box.get_ylim()[0]
    overrides = {o["matcher"]["options"]: {p["id"]: p["value"] for p in o["properties"]}
                 for o in panel["fieldConfig"]["overrides"]}  # fmt: skip
    names = sorted({v for _, some in found for s in some for v in s.labels.values()})
    if not names:
        return _no_data(box)
    titles = [target["legendFormat"] for target, _ in found]
    columns = [{next(iter(s.labels.values())): s.last for s in some} for _, some in found]
    width = (w - 18) / (len(titles) + 1)
    each = min(26.0, (h - 62) / len(names))
    label = next(iter(found[0][1][0].labels)).capitalize()
    for n, title in enumerate([label, *titles]):
        box.text(12 + n * width, 44, title, color=COLOURS["blue"], size=8, va="center", weight="bold")
    for row, name in enumerate(names):
        y = 58 + row * each
        box.plot([9, w - 9], [y, y], color=LINE, lw=0.8)
        box.text(12, y + each / 2, name, color=TEXT, size=8, va="center")
        for n, (title, values) in enumerate(zip(titles, columns, strict=True), start=1):
            settings = overrides.get(title, {})
            if name not in values:
                continue
            dark = "thresholds" in settings
            if dark:
                colour = COLOURS[colour_of(values[name], settings["thresholds"]["steps"])]
                box.add_patch(Rectangle((6 + n * width, y + 1.5), width - 6, each - 3, facecolor=colour, lw=0))
            text = shown(values[name], settings.get("unit", "short"))
            box.text(12 + n * width, y + each / 2, text, color="#111217" if dark else TEXT, size=8, va="center")
    return None


_DRAW = {
    "stat": _draw_stat,
    "timeseries": _draw_graph,
    "bargauge": _draw_bars,
    "state-timeline": _draw_states,
    "table": _draw_table,
}


def render(url: str, board: Path, file: Path, window: Window) -> None:
    """Draw one dashboard into a PNG of few colours."""
    sheet = Sheet(url, board, window, json.loads(board.read_bytes())["title"])
    sheet.draw()
    sheet.figure.savefig(file, dpi=DPI, facecolor=PAGE)
    with Image.open(file) as image:
        image.convert("RGB").quantize(128, kmeans=1, dither=Image.Dither.NONE).save(file, optimize=True)


def render_all(url: str, folder: Path, minutes: float, only: Sequence[str] | None = None) -> None:
    """Draw every dashboard, or some, as they show the last so many minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    end = time.time()
    window = Window(end - 60 * minutes, end)
    for board in sorted((HERE / "dashboards").glob("*.json")):
        if not only or board.stem in only:
            render(url, board, folder / f"{board.stem}.png", window)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", help="of Prometheus, e.g. http://127.0.0.1:9090")
    parser.add_argument("folder", type=Path, help="for the pictures")
    parser.add_argument("--minutes", type=float, default=60.0, help="how far back to look (default 60)")
    parser.add_argument("--board", action="append", help="only this one; may be repeated")
    asked = parser.parse_args()
    render_all(asked.url, asked.folder, asked.minutes, asked.board)


if __name__ == "__main__":
    main()

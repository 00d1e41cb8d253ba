"""Numbers as Grafana writes them, for the units that the dashboards use."""

from __future__ import annotations

import math
from collections.abc import Sequence

_SECONDS = ((86_400.0, "day"), (3_600.0, "hour"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (0.0, "µs"))
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
_SHORT = ("", " K", " Mil", " Bil")

UNITS = ("s", "bytes", "short", "none", "percentunit", "cps", "cpm")
"""Grafana's ids of the units; https://github.com/grafana/grafana, packages/grafana-data/src/valueFormats."""


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """The value with its unit.

    Raises:
        KeyError: a unit that is not in UNITS.
    """
    if math.isnan(value):
        return "no data"
    if unit == "s":
        size, name = next(((s, n) for s, n in _SECONDS if abs(value) >= s and s), (1.0, "s"))
        if 0 < abs(value) < 1e-3:
            size, name = 1e-6, "µs"
        return f"{_digits(value / size, decimals)} {name}"
    if unit == "bytes":
        power = min(len(_BYTES) - 1, int(math.log(abs(value), 1024))) if abs(value) >= 1 else 0
        return f"{_digits(value / 1024**power, decimals)} {_BYTES[power]}"
    if unit == "percentunit":
        return f"{_digits(100 * value, decimals)}%"
    suffix = {"short": "", "none": "", "cps": " c/s", "cpm": " c/m"}[unit]
    power = min(len(_SHORT) - 1, int(math.log(abs(value), 1000))) if abs(value) >= 1000 and unit != "none" else 0
    return f"{_digits(value / 1000**power, decimals)}{_SHORT[power]}{suffix}"


def colour_of(value: float, steps: Sequence[dict[str, object]]) -> str:
    """The colour of the last step that the value reaches."""
    found = "green"
    for step in steps:
        least = step["value"]
        if least is None or (isinstance(least, int | float) and value >= least):
            found = str(step["color"])
    return found


def _digits(value: float, decimals: int | None) -> str:
    """Three digits that count, or so many decimals as are asked for."""
    if decimals is None:
        decimals = 0 if value == round(value) else max(0, 2 - math.floor(math.log10(max(abs(value), 1e-9))))
        text = f"{value:.{min(decimals, 3)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{decimals}f}"

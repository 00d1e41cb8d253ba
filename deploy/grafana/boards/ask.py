"""Asks a Prometheus what Grafana would ask for the panels of a dashboard."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRAPE_INTERVAL_S = 15.0
"""`timeInterval` of the provisioned data source."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time range that a dashboard shows.

    Attributes:
        start, end: Unix times in seconds.
        points: points of a line, at most.
    """

    start: float
    end: float
    points: int = 300
    scrape_interval_s: float = SCRAPE_INTERVAL_S

    @property
    def step(self) -> float:
        return max(1.0, (self.end - self.start) / self.points)

    def filled_in(self, expression: str, chosen: Mapping[str, str] | None = None) -> str:
        """A query with the variables' values in it; what is not chosen is "All".

        `$__rate_interval` is max(4 scrape intervals, step + 1 scrape interval), as Grafana has it.

        Raises:
            ValueError: a variable is left that no dashboard has.
        """
        rate = max(4 * self.scrape_interval_s, self.step + self.scrape_interval_s)
        values = {
            "__rate_interval": f"{int(rate)}s",
            "__range": f"{int(self.end - self.start)}s",
            "job": ".+",
            "instance": ".+",
        } | dict(chosen or {})
        text = re.sub(r"\$(\w+)", lambda found: values.get(found[1], found[0]), expression)
        if "$" in text:
            raise ValueError(f"unknown variable: {text}")
        return text


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its legend, its labels, and (time, value) points; an instant query gives one point."""

    name: str
    labels: Mapping[str, str]
    points: list[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


def panels(file: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard's JSON that show something, rows left out."""
    return [panel for panel in json.loads(file.read_bytes())["panels"] if panel["type"] != "row"]


def answers(url: str, panel: Mapping[str, Any], window: Window) -> Iterator[tuple[Mapping[str, Any], list[Series]]]:
    """Each query of a panel, and what Prometheus says to it.

    Raises:
        RuntimeError: Prometheus refuses a query; the message is its own.
    """
    for target in panel["targets"]:
        expression = window.filled_in(target["expr"])
        if target.get("instant"):
            found = _api(url, "query", query=expression, time=str(window.end))
            rows = found["result"]
            if found["resultType"] == "scalar":
                rows = [{"metric": {}, "value": rows}]
            points = [[row["value"]] for row in rows]
        else:
            times = {"start": str(window.start), "end": str(window.end), "step": str(window.step)}
            rows = _api(url, "query_range", query=expression, **times)["result"]
            points = [row["values"] for row in rows]
        yield (
            target,
            [
                Series(_legend(target, row["metric"]), row["metric"], [(float(t), float(v)) for t, v in one])
                for row, one in zip(rows, points, strict=True)
            ],
        )


def _legend(target: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: labels.get(m[1], ""), target["legendFormat"]).strip()


def _api(url: str, path: str, **parameters: str) -> Any:
    data = urllib.parse.urlencode(parameters).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{path}", data=data, timeout=30) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise RuntimeError(f"{parameters['query']}: {said}") from None

"""The committed dashboards: made by their generator, true to the registry, and as Grafana's linter wants them.

The rules are those of Grafana's dashboard-linter (https://github.com/grafana/dashboard-linter, docs/index.md), written
anew. Two exceptions: numbers over the whole time range use `$__range`, and "in the last hour" says 1h.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from pipeline.metrics import DEFINITIONS, PREFIX, PROCESS, MetricDef

ROOT = Path(__file__).parents[2]
GRAFANA = ROOT / "deploy" / "grafana"
sys.path.insert(0, str(GRAFANA))

import generate  # noqa: E402  # found by the line above
from boards.parts import BOARDS, DATASOURCE_UID  # noqa: E402
from boards.units import UNITS, colour_of, shown  # noqa: E402

DASHBOARDS = {f.stem: json.loads(f.read_bytes()) for f in sorted((GRAFANA / "dashboards").glob("*.json"))}
KNOWN = {PREFIX + d.name: d for d in DEFINITIONS} | {d.name: d for d in PROCESS}
SUFFIXES = ("_bucket", "_sum", "_count")
TARGET_LABELS = {"job", "instance"}
"""What Prometheus itself gives to every series."""

_SELECTOR = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}(?:\[([^\]]+)\])?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on|group_left|group_right|ignoring|without) \(([^)]*)\)")
_WORD = re.compile(r"(?<![\w$\"])[a-zA-Z_]\w*")
_LANGUAGE = {
    "and", "by", "changes", "clamp_min", "count", "group_left", "histogram_quantile", "increase", "label_replace",
    "max", "on", "or", "rate", "round", "sum", "time", "unless", "vector",
}  # fmt: skip


@dataclass(frozen=True)
class Selector:
    """One selector of a query; `definition` is of its metric, `window` the range in brackets."""

    name: str
    definition: MetricDef
    matchers: dict[str, str]
    window: str | None
    before: str
    """The query up to it."""

    @property
    def counts_up(self) -> bool:
        return self.definition.kind != "gauge"


def selectors(expression: str) -> list[Selector]:
    found = []
    for match in _SELECTOR.finditer(expression):
        name = match[1]
        stem = next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s) and name not in KNOWN), name)
        assert stem in KNOWN, f"{name} is not in the registry"
        assert (KNOWN[stem].kind == "histogram") == (stem != name), name
        matchers = {label: value for label, _, value in _MATCHER.findall(match[2])}
        found.append(Selector(name, KNOWN[stem], matchers, match[3], expression[: match.start()]))
    return found


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (p for p in board["panels"] if p["type"] != "row")


def every_panel() -> list[Any]:
    return [pytest.param(p, id=f"{n}: {p['title']}") for n, b in DASHBOARDS.items() for p in panels(b)]


def every_query() -> list[Any]:
    return [
        pytest.param(p, t, id=f"{n}: {p['title']} {t['refId']}")
        for n, b in DASHBOARDS.items()
        for p in panels(b)
        for t in p["targets"]
    ]


def test_the_generator_makes_what_is_committed() -> None:
    made = generate.made()
    assert made.keys() == {f"{name}.json" for name in BOARDS} == {f"{name}.json" for name in DASHBOARDS}
    for name, text in made.items():
        assert text == (GRAFANA / "dashboards" / name).read_text(), "run python deploy/grafana/generate.py"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_model_of_the_sdk_reads_and_writes_it_alike(name: str) -> None:
    board = DASHBOARDS[name]
    read = model.Dashboard.from_json(board)
    written = json.loads(json.dumps(read, cls=JSONEncoder))
    assert written == {k: v for k, v in board.items() if v is not None}
    assert {type(p).__name__ for p in read.panels or ()} == {"Panel", "RowPanel"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_can_be_provisioned(name: str) -> None:
    board = DASHBOARDS[name]
    assert board["uid"] == f"wirefuse-{name}"
    assert board["id"] is None
    assert board["editable"] is False
    assert board["title"] == BOARDS[name]
    assert "__inputs" not in board
    assert "${DS_" not in json.dumps(board)
    ids = [p["id"] for p in board["panels"]]
    assert len(set(ids)) == len(ids)
    assert {link["url"] for link in board["links"]} == {f"/d/wirefuse-{other}" for other in BOARDS if other != name}
    assert all(link["includeVars"] and link["keepTime"] for link in board["links"])


def test_the_provisioned_data_source_is_the_one_that_the_dashboards_name() -> None:
    text = (GRAFANA / "provisioning" / "datasources" / "wirefuse.yaml").read_text()
    assert f"uid: {DATASOURCE_UID}\n" in text
    assert "type: prometheus\n" in text
    for board in DASHBOARDS.values():
        assert board["templating"]["list"][0]["current"]["value"] == DATASOURCE_UID


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_variables_choose_data_source_job_and_instance(name: str) -> None:
    source, job, instance = DASHBOARDS[name]["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    for variable in (job, instance):
        assert variable["type"] == "query"
        assert variable["datasource"]["uid"] == "${datasource}"
        assert variable["multi"] is variable["includeAll"] is True
        assert variable["allValue"] == ".+"
        assert variable["refresh"] == 2, "on change of the time range"
        assert variable["label"].casefold() == variable["name"]
    assert job["query"] == "label_values(wirefuse_build_info, job)"
    assert instance["query"] == 'label_values(wirefuse_build_info{job=~"$job"}, instance)'


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_fill_the_grid_without_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[name]["panels"]:
        pos = panel["gridPos"]
        cells = {(pos["x"] + x, pos["y"] + y) for x in range(pos["w"]) for y in range(pos["h"])}
        assert not cells & taken, panel["title"]
        assert all(0 <= x < 24 for x, _ in cells), panel["title"]
        taken |= cells
    assert len(taken) == 24 * (1 + max(y for _, y in taken)), "no holes"


@pytest.mark.parametrize("panel", every_panel())
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"].strip()
    assert len(panel["description"]) > 20
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["targets"]
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    refs = [t["refId"] for t in panel["targets"]]
    assert len(set(refs)) == len(refs)
    if panel["type"] in ("stat", "bargauge"):
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        values = [s["value"] for s in steps]
        assert values[0] is None
        assert values[1:] == sorted(values[1:])


@pytest.mark.parametrize("panel", every_panel())
def test_a_runbook_that_is_named_is_there(panel: dict[str, Any]) -> None:
    for path in re.findall(r"docs/\S+\.md", panel["description"]):
        assert (ROOT / path).is_file()


@pytest.mark.parametrize(("panel", "target"), every_query())
def test_a_query_asks_for_what_the_registry_has(panel: dict[str, Any], target: dict[str, Any]) -> None:
    expression = target["expr"]
    found = selectors(expression)
    assert found
    bare = _GROUPING.sub("", _SELECTOR.sub("", re.sub(r'"[^"]*"', '""', expression)))
    assert set(_WORD.findall(bare)) <= _LANGUAGE, "a metric needs a selector"
    for selector in found:
        known = {*selector.definition.labels, *TARGET_LABELS}
        assert set(selector.matchers) <= known, selector.name
        assert selector.matchers["job"] == "$job"
        assert selector.matchers["instance"] == "$instance"
    labels = {label for s in found for label in s.definition.labels} | TARGET_LABELS
    if any(s.name.endswith("_bucket") for s in found):
        labels.add("le")
    for grouping in _GROUPING.findall(expression):
        assert {g.strip() for g in grouping.split(",") if g.strip()} <= labels
    for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
        assert re.search(rf"\bby \([^)]*\b{label}\b[^)]*\)", expression), f"{label} is in no result"


@pytest.mark.parametrize(("panel", "target"), every_query())
def test_a_counter_is_never_shown_as_it_is(panel: dict[str, Any], target: dict[str, Any]) -> None:
    for selector in selectors(target["expr"]):
        function = re.search(r"(\w+)\($", selector.before)
        if selector.counts_up:
            assert function is not None, selector.name
            assert function[1] in ("rate", "increase")
        else:
            assert function is None or function[1] not in ("rate", "increase"), selector.name
        if function is not None and function[1] == "rate":
            assert selector.window == "$__rate_interval"
        elif selector.window is not None:
            assert selector.window == ("$__range" if target.get("instant") else "1h")


@pytest.mark.parametrize(("panel", "target"), every_query())
def test_the_unit_fits(panel: dict[str, Any], target: dict[str, Any]) -> None:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    if panel["type"] == "table":
        overrides = {o["matcher"]["options"]: o["properties"] for o in panel["fieldConfig"]["overrides"]}
        unit = next(p["value"] for p in overrides[target["legendFormat"]] if p["id"] == "unit")
    assert unit in units_of(target["expr"])


def units_of(expression: str) -> set[str]:
    """Units that the result of a query may have."""
    first = selectors(expression)[0].definition
    plain = {"seconds": {"s"}, "timestamp": {"s"}, "bytes": {"bytes"}, "count": {"short", "none"}}[first.unit]
    if re.match(r"\(?(count|sum by \(\)|sum)?\(?(count|changes)\(", expression) or "increase(" in expression:
        return {"percentunit"} if " / " in expression else {"short"}
    if " / " in expression:
        return {"percentunit", "short"}
    if "histogram_quantile" in expression:
        return plain
    if first.unit == "timestamp":
        assert "time() - " in expression
        return plain
    if "rate(" in expression:
        if expression.startswith("3600 * "):
            return {"short"}
        if re.match(r"\(?60 \* ", expression):
            return {"cpm"}
        seconds = first.unit == "seconds" and not re.search(r"_(count|bucket)\{", expression)
        return {"short", "percentunit"} if seconds else {"cps"}  # seconds per second: a share, or cores
    return plain


def test_the_rules_would_find_a_mistake() -> None:
    with pytest.raises(AssertionError, match="not in the registry"):
        selectors('sum(rate(wirefuse_event_received_total{job=~"$job"}[5m]))')
    wrong = {"expr": 'wirefuse_events_received_total{job=~"$job", instance=~"$instance"}'}
    with pytest.raises(AssertionError):
        test_a_counter_is_never_shown_as_it_is({}, wrong)
    unknown = {
        "expr": 'sum by (article) (wirefuse_ready{job=~"$job", instance=~"$instance"})', "legendFormat": "{{article}}"
    }  # fmt: skip
    with pytest.raises(AssertionError):
        test_a_query_asks_for_what_the_registry_has({}, unknown)
    late = {"expr": "histogram_quantile(0.5, sum by (le) (rate(wirefuse_end_to_end_latency_seconds_bucket{}[5m])))"}
    assert units_of(late["expr"]) == {"s"}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0042, "s", "4.2 ms"),
        (0.00004, "s", "40 µs"),
        (61.2, "s", "1.02 min"),
        (7200, "s", "2 hour"),
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.5 KiB"),
        (191 * 2**20, "bytes", "191 MiB"),
        (0.4721, "percentunit", "47.2%"),
        (11.357, "cps", "11.4 c/s"),
        (1234, "short", "1.23 K"),
        (86, "short", "86"),
        (float("nan"), "short", "no data"),
    ],
)
def test_the_look_alike_writes_values_as_grafana_does(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_the_look_alike_colours_by_steps() -> None:
    steps = [{"value": None, "color": "green"}, {"value": 30, "color": "yellow"}, {"value": 60, "color": "red"}]
    assert [colour_of(v, steps) for v in (-1, 29.9, 30, 60, 1e9)] == ["green", "green", "yellow", "red", "red"]

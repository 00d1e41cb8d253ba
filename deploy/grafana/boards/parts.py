"""What all dashboards are made of: the frame with its variables and links, and four kinds of panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from boards.query import series

DATASOURCE_UID = "wirefuse-prometheus"
"""Of the provisioned data source."""
TAG = "wirefuse"
BOARDS = {
    "overview": "Wirefuse: overview",
    "sources": "Wirefuse: sources",
    "stages": "Wirefuse: stages",
    "state": "Wirefuse: state and dead letters",
    "newsroom": "Wirefuse: newsroom",
}
"""File name -> title; the uid is `wirefuse-` and the file name."""

GREEN, YELLOW, ORANGE, RED, BLUE = "green", "yellow", "orange", "red", "blue"
SOURCE = m.DataSourceRef(type_val="prometheus", uid="${datasource}")

Panel = Builder[m.Panel]

Steps = Sequence[tuple[float | None, str]]
"""(from this value on, colour); the first from None."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        legend: may hold labels, as `{{stage}}`; of a table, the column's title.
        now: ask for the value at the end of the time range alone.
    """

    expr: str
    legend: str
    now: bool = False


def board(name: str, description: str, sections: Sequence[tuple[str, Sequence[Panel]]]) -> dashboard.Dashboard:
    """A dashboard with the variables and links that each has, and a row of panels for each section."""
    made = (
        dashboard.Dashboard(BOARDS[name])
        .uid(f"wirefuse-{name}")
        .description(description)
        .tags([TAG])
        .readonly()
        .tooltip(m.DashboardCursorSync.CROSSHAIR)
        .time("now-1h", "now")
        .refresh("30s")
        .timezone("browser")
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
            .current(m.VariableOption(selected=True, text="Prometheus (Wirefuse)", value=DATASOURCE_UID))
        )
        .with_variable(_choice("job", "Job", "label_values(wirefuse_build_info, job)"))
        .with_variable(_choice("instance", "Instance", 'label_values(wirefuse_build_info{job=~"$job"}, instance)'))
    )
    restarts = f"changes({series('process_start_time_seconds')}[$__rate_interval]) > 0"
    made = made.annotation(
        dashboard.AnnotationQuery().name("Restarts").datasource(SOURCE).enable(True).icon_color("orange").expr(restarts)
    )
    for other, title in BOARDS.items():
        if other != name:
            made = made.link(
                dashboard.DashboardLink(title.partition(": ")[2].capitalize())
                .type(m.DashboardLinkType.LINK)
                .url(f"/d/wirefuse-{other}")
                .icon("dashboard")
                .include_vars(True)
                .keep_time(True)
            )
    for title, panels in sections:
        made = made.with_row(dashboard.Row(title))
        for panel in panels:
            made = made.with_panel(panel)
    return made


def _choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    everything = m.VariableOption(selected=True, text="All", value="$__all")
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(everything)
        .refresh(m.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(m.VariableSort.ALPHABETICAL_ASC)
    )


def number(
    title: str,
    description: str,
    unit: str,
    query: Query,
    *,
    steps: Steps,
    span: int = 4,
    runbook: str = "",
    decimals: int | None = None,
    spark: bool = True,
) -> Panel:
    """One large number, coloured by its steps."""
    panel = (
        stat.Panel()
        .color_mode(c.BigValueColorMode.BACKGROUND)
        .graph_mode(c.BigValueGraphMode.AREA if spark and not query.now else c.BigValueGraphMode.NONE)
        .reduce_options(_last())
        .height(4)
    )
    return _finish(panel, title, description, unit, [query], span, runbook, steps, decimals)


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    span: int = 8,
    height: int = 8,
    stack: bool = False,
    steps: Steps = (),
    runbook: str = "",
    log: bool = False,
    table_legend: bool = False,
    top: float | None = None,
) -> Panel:
    """Lines over time; `steps` are drawn as dashed limits."""
    legend = common.VizLegendOptions().show_legend(True).placement(c.LegendPlacement.BOTTOM)
    if table_legend:
        legend = legend.display_mode(c.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    else:
        legend = legend.display_mode(c.LegendDisplayMode.LIST)
    panel = (
        timeseries.Panel()
        .legend(legend)
        .tooltip(common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING))
        .line_width(1)
        .fill_opacity(30 if stack else 8)
        .show_points(c.VisibilityMode.NEVER)
        .height(height)
        .min(0)
    )
    if stack:
        panel = panel.stacking(common.StackingConfig().mode(c.StackingMode.NORMAL).group("A"))
    if log:
        panel = panel.scale_distribution(common.ScaleDistributionConfig().type(c.ScaleDistribution.LOG).log(10))
    if top is not None:
        panel = panel.max(top)
    if steps:
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(c.GraphTresholdsStyleMode.DASHED))
    return _finish(panel, title, description, unit, queries, span, runbook, steps)


def bars(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    steps: Steps,
    span: int = 8,
    height: int = 8,
    runbook: str = "",
    top: float | None = None,
) -> Panel:
    """A bar for each series' last value."""
    panel = (
        bargauge.Panel()
        .orientation(c.VizOrientation.HORIZONTAL)
        .display_mode(c.BarGaugeDisplayMode.GRADIENT)
        .show_unfilled(True)
        .reduce_options(_last())
        .height(height)
        .min(0)
    )
    if top is not None:
        panel = panel.max(top)
    return _finish(panel, title, description, unit, queries, span, runbook, steps)


def states(
    title: str,
    description: str,
    query: Query,
    words: Sequence[tuple[str, str]],
    *,
    span: int = 12,
    height: int = 7,
    runbook: str = "",
) -> Panel:
    """What state each series was in, over time; `words`: text and colour of 0, 1, ..."""
    mapping = m.ValueMap(
        options={
            str(n): m.ValueMappingResult(text=text, color=colour, index=n) for n, (text, colour) in enumerate(words)
        }
    )
    steps = [(None if n == 0 else float(n), colour) for n, (_, colour) in enumerate(words)]
    panel = (
        statetimeline.Panel()
        .merge_values(True)
        .show_value(c.VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(80)
        .line_width(0)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(c.LegendDisplayMode.LIST)
            .placement(c.LegendPlacement.BOTTOM)
        )
        .mappings([mapping])
        .height(height)
    )
    return _finish(panel, title, description, "none", [query], span, runbook, steps)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its query gives one value for each row."""

    title: str
    unit: str
    expr: str
    steps: Steps = ()


def rows(
    title: str,
    description: str,
    label: str,
    columns: Sequence[Column],
    *,
    span: int = 24,
    height: int = 9,
    runbook: str = "",
) -> Panel:
    """A table with a row for each value of a label, and a column for each query."""
    panel = table.Panel().show_header(True).height(height)
    queries = []
    names = {}
    for n, column in enumerate(columns):
        ref = chr(ord("A") + n)
        queries.append(Query(column.expr, column.title, now=True))
        names[f"Value #{ref}"] = column.title
        properties = [m.DynamicConfigValue(id_val="unit", value=column.unit)]
        if column.steps:
            properties += [
                m.DynamicConfigValue(id_val="thresholds", value=_thresholds(column.steps).build()),
                m.DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background", "mode": "basic"}),
            ]
        panel = panel.override_by_name(column.title, properties)
    panel = panel.with_transformation(m.DataTransformerConfig(id_val="merge", options={}))
    panel = panel.with_transformation(
        m.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {},
                "renameByName": names | {label: label.capitalize()},
            },
        )
    )
    return _finish(panel, title, description, "short", queries, span, runbook, as_table=True)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(m.ThresholdsMode.ABSOLUTE)
        .steps([m.Threshold(value=value, color=colour) for value, colour in steps])
    )


def _finish(
    panel: Any,
    title: str,
    description: str,
    unit: str,
    queries: Sequence[Query],
    span: int,
    runbook: str,
    steps: Steps = (),
    decimals: int | None = None,
    *,
    as_table: bool = False,
) -> Panel:
    """What every panel has."""
    if runbook:
        description += f" Runbook: docs/runbooks/{runbook}.md"
    panel = panel.title(title).description(description).datasource(SOURCE).unit(unit).span(span)
    if decimals is not None:
        panel = panel.decimals(decimals)
    if steps:
        panel = panel.thresholds(_thresholds(steps))
        if not isinstance(panel, timeseries.Panel):
            panel = panel.color_scheme(dashboard.FieldColor().mode(m.FieldColorModeId.THRESHOLDS))
    for n, query in enumerate(queries):
        target = prometheus.Dataquery().ref_id(chr(ord("A") + n)).expr(query.expr).legend_format(query.legend)
        target = target.instant() if query.now else target.range()
        if as_table:
            target = target.format(PromQueryFormat.TABLE)
        panel = panel.with_target(target.datasource(SOURCE))
    finished: Panel = panel
    return finished

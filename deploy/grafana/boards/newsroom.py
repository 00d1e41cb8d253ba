"""What the newsroom gets: incidents, who says so independently, copies."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.parts import BLUE, GREEN, Panel, Query, bars, board, graph, number
from boards.query import counted, most, per, quantile, rate, series
from pipeline.metrics import AT_LEAST, RANKS

PLAIN = ((None, BLUE),)
OF_INCIDENTS = 'change=~"created|merged|split|closed|withdrawn"'
OF_REPORTS = 'change=~"joined|moved|retracted"'
RESTORED = series("ready", 'stage="incidents"') + " == 1"
"""Before its state is restored, a process knows of no article."""
DEDUP = 'stage="dedup"'


def build() -> dashboard.Dashboard:
    sections = (
        ("Now", _now()),
        ("Incidents", _incidents()),
        ("How large, how sure", _sizes()),
        ("The wire", _wire()),
    )
    return board("newsroom", "What the newsroom gets: incidents, who says so independently, copies.", sections)


def _now() -> list[Panel]:
    return [
        number(
            "Open incidents",
            "Incidents whose last report is not older than incidents.close_after_days, in the wire's own time.",
            "short",
            Query(per("", series("incidents", 'status="open"')), "open"),
            steps=PLAIN,
        ),
        number(
            "New incidents",
            "Created during the time range.",
            "short",
            Query(counted("incident_changes_total", "", 'change="created"'), "created", now=True),
            steps=PLAIN,
            decimals=0,
        ),
        number(
            "Told more than once",
            "Incidents with at least two reports.",
            "short",
            Query(per("", series("incidents_reported", 'reports="2"')), "incidents"),
            steps=PLAIN,
        ),
        number(
            "Reports of the largest",
            "Reports of the largest open incident, copies included.",
            "short",
            Query(most("", series("largest_incidents_reports", 'rank="1"')), "reports"),
            steps=PLAIN,
        ),
        number(
            "Its independent origins",
            "Copies, and one publisher's own reports, count once.",
            "short",
            Query(most("", series("largest_incidents_origins", 'rank="1"')), "origins"),
            steps=PLAIN,
        ),
        number(
            "Copies",
            "Share of the articles that were copies, during the time range.",
            "percentunit",
            Query(f"{_during('copy')} / {_during('new|update|correction|copy')}", "copies", now=True),
            steps=PLAIN,
            decimals=1,
        ),
    ]


def _during(verdicts: str) -> str:
    selected = series("events_processed_total", DEDUP, f'outcome=~"{verdicts}"')
    return f"sum(increase({selected}[$__range]))"


def _incidents() -> list[Panel]:
    return [
        graph(
            "Incidents per hour",
            "Created, and what happened to them after; the pace of an hour, from the last minutes.",
            "short",
            Query(f"3600 * {per('change', rate('incident_changes_total', OF_INCIDENTS))}", "{{change}}"),
        ),
        graph(
            "Reports per hour",
            "Reports that joined an incident, moved to another, or were taken back.",
            "short",
            Query(
                f"3600 * {per('change', rate('incident_changes_total', OF_REPORTS))}",
                "{{change}}",
            ),
        ),
        graph(
            "Incidents",
            "That have reports, by status.",
            "short",
            Query(per("status", series("incidents")), "{{status}}"),
            stack=True,
        ),
    ]


def _sizes() -> list[Panel]:
    return [
        bars(
            "Incidents with so many reports",
            "At least so many, copies included.",
            "short",
            *(_with_reports(least) for least in AT_LEAST),
            steps=PLAIN,
        ),
        bars(
            "Reports of the five largest",
            "All reports of the largest open incidents, copies included.",
            "short",
            *(_of_rank("largest_incidents_reports", rank) for rank in range(1, RANKS + 1)),
            steps=PLAIN,
            span=4,
        ),
        bars(
            "Their independent origins",
            "Of the same incidents: how many of these reports may have been written independently.",
            "short",
            *(_of_rank("largest_incidents_origins", rank) for rank in range(1, RANKS + 1)),
            steps=((None, GREEN),),
            span=4,
        ),
        graph(
            "Independent origins of what changes",
            "Of an open incident each time that its record changes. 1: nobody else says so.",
            "short",
            Query(quantile(0.5, "incident_origins", ""), "p50"),
            Query(quantile(0.95, "incident_origins", ""), "p95"),
            Query(f"{per('', rate('incident_origins_sum'))} / {per('', rate('incident_origins_count'))}", "mean"),
        ),
    ]


def _with_reports(least: int) -> Query:
    return Query(per("", series("incidents_reported", f'reports="{least}"')), f"{least} or more")


def _of_rank(metric: str, rank: int) -> Query:
    return Query(most("", series(metric, f'rank="{rank}"')), f"no. {rank}")


def _wire() -> list[Panel]:
    return [
        graph(
            "What comes by the wire, per minute",
            "Items by what dedup made of them.",
            "cpm",
            Query(f"60 * {per('outcome', rate('events_processed_total', DEDUP))}", "{{outcome}}"),
            stack=True,
        ),
        graph(
            "Copies per minute",
            "By kind. exact: word for word; near: edited; contained: part of the other.",
            "cpm",
            Query(f"60 * {per('kind', rate('copies_total'))}", "{{kind}}"),
            stack=True,
        ),
        graph(
            "Articles in incidents",
            "Articles that the open and closed incidents hold.",
            "short",
            Query(per("", f"{series('incident_reports')} and on (instance) ({RESTORED})"), "articles"),
        ),
    ]

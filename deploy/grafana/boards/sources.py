"""Each wire: does it deliver, when last, and what of it cannot be used?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.parts import BLUE, GREEN, ORANGE, RED, YELLOW, Column, Panel, Query, board, graph, number, rows
from boards.query import most, or_none, or_zero, per, quantile, rate, series

FAILED = 'result="error"'
PRODUCER = 'stage="producer"'
INTERVAL = most("source", series("source_interval_seconds"))
FOLLOWED = (
    f"max by (source) (0 * {series('source_interval_seconds')} + on (job, instance) group_left () "
    f"(time() - {series('process_start_time_seconds')}))"
)
"""Since when the process runs that follows a source: the least that is known of one that never gave anything."""
SILENT = f"((time() - {most('source', series('source_last_item_timestamp_seconds'))}) or {FOLLOWED})"
UNREAD = f"((time() - {most('source', series('source_last_success_timestamp_seconds'))}) or {FOLLOWED})"
QUIET_AFTER = most("source", series("source_quiet_after_seconds"))


def build() -> dashboard.Dashboard:
    sections = (
        ("Now", [*_now(), _table()]),
        ("Sources", _sources()),
        ("Producer", _producer()),
        ("Providers, as their articles name them", _providers()),
    )
    return board("sources", "Each wire: does it deliver, when last, and what of it cannot be used?", sections)


def _now() -> list[Panel]:
    bad = ((None, GREEN), (1.0, RED))
    return [
        number(
            "Sources followed",
            "Feeds and folders that a running process looks at.",
            "short",
            Query(f"count({INTERVAL})", "sources", now=True),
            steps=((None, BLUE),),
        ),
        number(
            "Not read",
            "Sources that were not read well for three intervals and a minute.",
            "short",
            Query(or_zero(f"count({UNREAD} > 3 * {INTERVAL} + 60)"), "sources", now=True),
            steps=bad,
            runbook="SourceFetchFailing",
        ),
        number(
            "Quiet",
            "Sources that gave nothing new for longer than they are expected to (quiet_after_s).",
            "short",
            Query(or_zero(f"count({SILENT} > ({QUIET_AFTER} > 0))"), "sources", now=True),
            steps=bad,
            runbook="SourceQuiet",
        ),
        number(
            "Items per second",
            "New or changed items of all sources.",
            "cps",
            Query(per("", rate("source_items_total")), "items"),
            steps=((None, ORANGE), (0.001, GREEN)),
            decimals=2,
        ),
        number(
            "Failed looks",
            "Share of the looks at sources that failed.",
            "percentunit",
            Query(
                f"{per('', rate('source_fetches_total', FAILED))} / {per('', rate('source_fetches_total'))}",
                "failed",
            ),
            steps=((None, GREEN), (0.05, YELLOW), (0.5, RED)),
            runbook="SourceFetchFailing",
        ),
        number(
            "Until Kafka has it (p95)",
            "95 of 100 items were acknowledged no later after they were handed over.",
            "s",
            Query(quantile(0.95, "event_duration_seconds", "", PRODUCER), "p95"),
            steps=((None, GREEN), (1.0, YELLOW), (10.0, RED)),
            runbook="BrokerUnreachable",
        ),
    ]


def _table() -> Panel:
    def during(result: str) -> str:
        return f"round(sum by (source) (increase({series('source_fetches_total', result)}[$__range])))"

    return rows(
        "Sources",
        "A row for each source. Silent: since its last new item. Unread: since it was last read well. Where there was "
        "none since the start of its process, both count from there.",
        "source",
        [
            Column("Silent", "s", SILENT),
            Column("Unread", "s", UNREAD, ((None, GREEN), (300.0, YELLOW), (900.0, RED))),
            Column("Interval", "s", INTERVAL),
            Column("Quiet after", "s", QUIET_AFTER),
            Column(
                "Items",
                "short",
                f"round(sum by (source) (increase({series('source_items_total')}[$__range])))",
            ),
            Column("Looks", "short", during('result!="error"')),
            Column("Failed", "short", during(FAILED), ((None, GREEN), (1.0, YELLOW), (10.0, RED))),
            Column("Last look took", "s", most("source", series("source_last_fetch_seconds"))),
        ],
        height=8,
        runbook="SourceQuiet",
    )


def _sources() -> list[Panel]:
    return [
        graph(
            "Items per minute",
            "New or changed items by source.",
            "cpm",
            Query(f"60 * {per('source', rate('source_items_total'))}", "{{source}}"),
            stack=True,
            runbook="SourceQuiet",
        ),
        graph(
            "Looks per minute",
            "By result. not_modified: the server or folder has nothing new; gone: for good.",
            "cpm",
            Query(f"60 * {per('result', rate('source_fetches_total'))}", "{{result}}"),
            runbook="SourceFetchFailing",
        ),
        graph(
            "Time since the last new item",
            "By source. A saw: each new item brings it to zero.",
            "s",
            Query(SILENT, "{{source}}"),
            runbook="SourceQuiet",
        ),
        graph(
            "Time since it was read well",
            "By source. Above its interval: looks fail or hang.",
            "s",
            Query(UNREAD, "{{source}}"),
            runbook="SourceFetchFailing",
        ),
        graph(
            "Time of a look",
            "What the last look at each source took, fetching, reading and publishing.",
            "s",
            Query(most("source", series("source_last_fetch_seconds")), "{{source}}"),
            runbook="SourceFetchFailing",
        ),
        graph(
            "Fields left out per minute",
            "Optional fields whose value could not be used. An embargo that cannot be read holds an article for ever.",
            "cpm",
            Query(
                or_none(
                    f"60 * {per('field', rate('source_fields_ignored_total'))}",
                    per("", rate("events_received_total", PRODUCER)),
                    "field",
                ),
                "{{field}}",
            ),
            stack=True,
            runbook="EmbargoParseFailure",
        ),
    ]


def _producer() -> list[Panel]:
    return [
        graph(
            "Items per second",
            "Items read, and what became of them.",
            "cps",
            Query(per("", rate("events_received_total", PRODUCER)), "read"),
            Query(per("outcome", rate("events_processed_total", PRODUCER)), "{{outcome}}"),
        ),
        graph(
            "On their way to Kafka",
            "Items handed over and not yet acknowledged. At producer.max_in_flight reading waits.",
            "short",
            Query(per("instance", series("events_in_flight", PRODUCER)), "{{instance}}"),
            runbook="BrokerUnreachable",
        ),
        graph(
            "Until Kafka has an item",
            "From handing over to acknowledgement.",
            "s",
            Query(quantile(0.5, "event_duration_seconds", "", PRODUCER), "p50"),
            Query(quantile(0.99, "event_duration_seconds", "", PRODUCER), "p99"),
            runbook="BrokerUnreachable",
        ),
        graph(
            "Size of items (p95)",
            "Of what was read, before cleaning. Over producer.max_item_bytes an item is a dead letter.",
            "bytes",
            Query(quantile(0.95, "event_size_bytes", "", PRODUCER), "p95"),
        ),
        graph(
            "Dead letters of the producer per minute",
            "Items that could not be read, by kind.",
            "cpm",
            Query(f"60 * {per('kind', rate('dead_letters_total', PRODUCER))}", "{{kind}}"),
            stack=True,
            runbook="DeadLetterRate",
        ),
        graph(
            "Items per commit",
            "How many items were safe each time that the cursors moved: what a killed producer sends again.",
            "short",
            Query(
                f"{per('', rate('batch_size_sum', PRODUCER))} / {per('', rate('batch_size_count', PRODUCER))}", "items"
            ),
        ),
    ]


def _providers() -> list[Panel]:
    return [
        graph(
            "Articles per minute in the sink",
            "By provider, old versions and kills included.",
            "cpm",
            Query(f"60 * {per('provider', rate('end_to_end_latency_seconds_count'))}", "{{provider}}"),
            stack=True,
        ),
        graph(
            "From raw to the sink (p95)",
            "By provider. One provider alone is late when its articles are very long, or it sent a burst.",
            "s",
            Query(quantile(0.95, "end_to_end_latency_seconds", "provider"), "{{provider}}"),
            steps=((None, GREEN), (30.0, YELLOW), (60.0, RED)),
            runbook="FreshnessSLO",
        ),
        graph(
            "Kills received per minute",
            "By provider, as dedup saw them.",
            "cpm",
            Query(f"60 * {per('provider', rate('kills_received_total'))}", "{{provider}}"),
            stack=True,
            runbook="KillNotPropagated",
        ),
    ]

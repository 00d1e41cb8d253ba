"""Each stage: rate, errors, duration; and the process and event loop under it."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.overview import AGE
from boards.parts import GREEN, ORANGE, RED, YELLOW, Panel, Query, board, graph, number, states
from boards.query import most, or_none, or_zero, per, quantile, rate, series

CHAIN = 'stage!="producer"'


def build() -> dashboard.Dashboard:
    sections = (
        ("Now", _now()),
        ("Rate and outcome", _rate()),
        ("Duration", _duration()),
        ("Input", _input()),
        ("Entities and sink", _ends()),
        ("Processes", _processes()),
    )
    return board("stages", "Each stage: rate, errors, duration; and the process and event loop under it.", sections)


def _now() -> list[Panel]:
    return [
        number(
            "Not ready",
            "Processes that are starting, rebalancing, restoring or stopping.",
            "short",
            Query(or_zero(f"count({series('ready')} == 0)"), "processes", now=True),
            steps=((None, GREEN), (1.0, ORANGE)),
            runbook="RecoverySlow",
        ),
        number(
            "Restarts",
            "Starts of processes during the time range, beyond the first.",
            "short",
            Query(per("", f"changes({series('process_start_time_seconds')}[$__range])"), "restarts", now=True),
            steps=((None, GREEN), (1.0, YELLOW), (5.0, RED)),
            runbook="ProcessRestarting",
        ),
        number(
            "Kafka last answered",
            "Since the stages last learned from Kafka how much waits: every two seconds while all is well.",
            "s",
            Query(f"time() - {most('', series('input_checked_timestamp_seconds'))}", "ago"),
            steps=((None, GREEN), (30.0, YELLOW), (120.0, RED)),
            decimals=1,
            runbook="BrokerUnreachable",
        ),
        number(
            "Waiting for a later stage",
            "Stages that take nothing in because a later one is far behind: dedup for entities.",
            "short",
            Query(per("", series("backpressure")), "stages"),
            steps=((None, GREEN), (1.0, YELLOW)),
            runbook="LagGrowing",
        ),
        number(
            "Event loop late (p99)",
            "Of the worst process. Heartbeats are as late; at broker.session_timeout_s it loses its partitions.",
            "s",
            Query(f"max({quantile(0.99, 'event_loop_lag_seconds', 'instance')})", "late"),
            steps=((None, GREEN), (1.0, YELLOW), (5.0, RED)),
        ),
        number(
            "Records per second",
            "Taken in by all stages together.",
            "cps",
            Query(per("", rate("events_received_total", CHAIN)), "records"),
            steps=((None, ORANGE), (0.001, GREEN)),
            decimals=1,
            runbook="StageStalled",
        ),
    ]


def _rate() -> list[Panel]:
    errors = f"60 * {per('stage, kind', rate('event_errors_total'))} > 0"
    return [
        graph(
            "Taken in per second",
            "Records that each stage took from Kafka.",
            "cps",
            Query(per("stage", rate("events_received_total", CHAIN)), "{{stage}}"),
            runbook="StageStalled",
        ),
        graph(
            "Dedup: what was decided",
            "Records per second by verdict.",
            "cps",
            Query(per("outcome", rate("events_processed_total", 'stage="dedup"')), "{{outcome}}"),
            stack=True,
        ),
        graph(
            "Incidents: what was decided",
            "Records per second by verdict; replayed: decided before a restart.",
            "cps",
            Query(per("outcome", rate("events_processed_total", 'stage="incidents"')), "{{outcome}}"),
            stack=True,
        ),
        graph(
            "Errors per minute",
            "By stage and kind. All but retryable and sent_again end in a dead letter.",
            "cpm",
            Query(or_none(errors, per("", rate("event_errors_total")), "stage"), "{{stage}} {{kind}}"),
            runbook="DeadLetterRate",
        ),
        graph(
            "In flight",
            "Records taken and not yet acknowledged. The ledger's are those that it holds back.",
            "short",
            Query(per("stage", series("events_in_flight", CHAIN)), "{{stage}}"),
            runbook="LedgerHeldBack",
        ),
        graph(
            "Records per batch",
            "Mean. Full batches: the stage is behind.",
            "short",
            Query(
                f"{per('stage', rate('batch_size_sum', CHAIN))} / {per('stage', rate('batch_size_count', CHAIN))}",
                "{{stage}}",
            ),
        ),
    ]


def _duration() -> list[Panel]:
    return [
        graph(
            "Time per record (p50)",
            "A batch's time divided by its records, until Kafka has their outputs.",
            "s",
            Query(quantile(0.5, "event_duration_seconds", "stage", CHAIN), "{{stage}}"),
            log=True,
        ),
        graph(
            "Time per record (p99)",
            "A batch's time divided by its records. Small batches are slow for each record.",
            "s",
            Query(quantile(0.99, "event_duration_seconds", "stage", CHAIN), "{{stage}}"),
            log=True,
            runbook="LagGrowing",
        ),
        graph(
            "Until Kafka has the outputs (p95)",
            "Of a batch. When this grows, the brokers are slow, not the stage.",
            "s",
            Query(quantile(0.95, "output_duration_seconds", "stage", CHAIN), "{{stage}}"),
            runbook="BrokerUnreachable",
        ),
        graph(
            "Busy",
            "Share of the time in which a stage works on a batch. Near 1: it is the bottleneck.",
            "percentunit",
            Query(per("stage", rate("event_duration_seconds_sum", CHAIN)), "{{stage}}"),
            steps=((None, GREEN), (0.8, YELLOW), (0.95, RED)),
            span=12,
            runbook="LagGrowing",
        ),
        graph(
            "Size of records (p95)",
            "Of the values taken from Kafka.",
            "bytes",
            Query(quantile(0.95, "event_size_bytes", "stage", CHAIN), "{{stage}}"),
            span=12,
        ),
    ]


def _input() -> list[Panel]:
    last = series("last_event_processed_timestamp_seconds", CHAIN)
    return [
        graph(
            "Behind, in records",
            "By stage and topic, all partitions together.",
            "short",
            Query(per("stage, topic", series("consumer_lag_records")), "{{stage}}: {{topic}}"),
            runbook="LagGrowing",
        ),
        graph(
            "Behind, in seconds",
            "The slowest partition of each topic: age in Kafka of what was done last, while more waits.",
            "s",
            Query(most("stage, topic", series("consumer_lag_seconds")), "{{stage}}: {{topic}}"),
            steps=AGE,
            runbook="LagGrowing",
        ),
        graph(
            "Time since the last batch",
            "By stage. It grows when nothing comes, and when a stage stands still although something waits.",
            "s",
            Query(f"time() - ({most('stage', last)} > 0)", "{{stage}}"),
            runbook="StageStalled",
        ),
        graph(
            "Partitions",
            "Input partitions of each process. 0: it stands by.",
            "short",
            Query(per("instance", series("partitions_assigned")), "{{instance}}"),
        ),
        graph(
            "Rebalances",
            "Assignments of partitions in the last hour.",
            "short",
            Query(f"round(sum by (stage) (increase({series('rebalances_total')}[1h])))", "{{stage}}"),
            runbook="ProcessRestarting",
        ),
        states(
            "Waits for a later stage",
            "Whether a stage takes nothing in because a later one is far behind.",
            Query(most("instance", series("backpressure", CHAIN)), "{{instance}}"),
            (("works", GREEN), ("waits", ORANGE)),
            span=8,
            height=8,
            runbook="LagGrowing",
        ),
    ]


def _ends() -> list[Panel]:
    return [
        graph(
            "Words through NER per second",
            "NER is what most of the processor time of entities goes into.",
            "cps",
            Query(per("", rate("ner_words_total")), "words"),
        ),
        graph(
            "Rows offered to the sink per second",
            "By result: what was written, and what was ignored because the sink had it already.",
            "cps",
            Query(per("result", rate("sink_writes_total")), "{{result}}"),
            stack=True,
            runbook="SinkErrors",
        ),
        graph(
            "Time of a sink transaction",
            "By sink.",
            "s",
            Query(quantile(0.5, "sink_write_duration_seconds", "sink"), "{{sink}} p50"),
            Query(quantile(0.99, "sink_write_duration_seconds", "sink"), "{{sink}} p99"),
            runbook="SinkErrors",
        ),
    ]


def _processes() -> list[Panel]:
    files = f"{series('process_open_fds')} / {series('process_max_fds')}"
    return [
        states(
            "Ready",
            "Whether each process was ready to work.",
            Query(most("instance", series("ready")), "{{instance}}"),
            (("not ready", RED), ("ready", GREEN)),
            span=8,
            height=8,
            runbook="RecoverySlow",
        ),
        graph(
            "Processor time",
            "Cores that each process uses, without the pool of the entities stage.",
            "short",
            Query(per("instance", rate("process_cpu_seconds_total")), "{{instance}}"),
        ),
        graph(
            "Memory",
            "Resident memory of each process. The pool of the entities stage stands for itself.",
            "bytes",
            Query(per("instance", series("process_resident_memory_bytes")), "{{instance}}"),
            Query(f"{per('instance', series('ner_pool_resident_memory_bytes'))} > 0", "{{instance}}, pool"),
            runbook="StateGrowth",
        ),
        graph(
            "Event loop late (p99)",
            "How late each process wakes up. A long batch in the loop's own thread shows here.",
            "s",
            Query(quantile(0.99, "event_loop_lag_seconds", "instance"), "{{instance}}"),
            span=12,
        ),
        graph(
            "Open files",
            "Share of those that each process may open.",
            "percentunit",
            Query(most("instance", files), "{{instance}}"),
            steps=((None, GREEN), (0.6, YELLOW), (0.9, RED)),
            span=12,
        ),
    ]

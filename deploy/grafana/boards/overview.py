"""Is news flowing, how late is it, where does it pile up, is anything lost?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.parts import GREEN, ORANGE, RED, YELLOW, Panel, Query, bars, board, graph, number, states
from boards.query import counted, most, or_none, or_zero, per, quantile, rate, series

LATE = ((None, GREEN), (30.0, YELLOW), (60.0, RED))
"""Seconds from raw to the sink; 60 is what the alert FreshnessSLO counts as late."""
AGE = ((None, GREEN), (60.0, YELLOW), (300.0, RED))
WAITING = ((None, GREEN), (1_000.0, YELLOW), (10_000.0, RED))
LOST = ((None, GREEN), (1.0, ORANGE), (100.0, RED))
NONE_MAY = ((None, GREEN), (1.0, RED))

INCIDENTS = 'stage="incidents"'
AGAIN = 'kind=~"retryable|sent_again"'
NOT_THE_LEDGER = Query(per("stage", series("consumer_lag_records", 'stage!="incidents"')), "{{stage}}")
THE_LEDGER = Query(
    f"clamp_min({per('', series('consumer_lag_records', INCIDENTS))} - {per('', series('held_back'))}, 0)",
    "incidents",
)
HELD_BACK = Query(per("", series("held_back")), "held back by the ledger")


def build() -> dashboard.Dashboard:
    sections = (("Now", _now()), ("Flow and delay", _flow()), ("Lost, refused, restarted", _trouble()))
    return board("overview", "Is news flowing, how late is it, where does it pile up, is anything lost?", sections)


def _now() -> list[Panel]:
    received = f"sum(increase({series('kills_received_total')}[$__range]))"
    carried_out = or_zero(f"sum(increase({series('kills_propagated_total')}[$__range]))")
    # What the alert tolerates: an increase is estimated, and one may be on its way.
    open_kills = f"{received} - ({carried_out}) > 0.5 + 0.01 * {received}"
    return [
        number(
            "News in the sink",
            "Articles that reach the sink per second. None is right only if the sources are silent.",
            "cps",
            Query(per("", rate("end_to_end_latency_seconds_count")), "articles"),
            steps=((None, ORANGE), (0.001, GREEN)),
            decimals=2,
            runbook="StageStalled",
        ),
        number(
            "How late (p95)",
            "95 of 100 articles took no longer from raw to the sink. Red: later than the objective of 60 s.",
            "s",
            Query(quantile(0.95, "end_to_end_latency_seconds", ""), "p95"),
            steps=LATE,
            runbook="FreshnessSLO",
        ),
        number(
            "Waiting",
            "Records that wait in Kafka for any stage, those that the ledger holds back included.",
            "short",
            Query(per("", series("consumer_lag_records")), "records"),
            steps=WAITING,
            runbook="LagGrowing",
        ),
        number(
            "Longest behind",
            "Age in Kafka of what the slowest partition did last, while more waits. 0: nothing waits.",
            "s",
            Query(most("", series("consumer_lag_seconds")), "behind"),
            steps=AGE,
            runbook="LagGrowing",
        ),
        number(
            "Dead letters",
            "Inputs given up during the time range. They can be looked at and replayed.",
            "short",
            Query(counted("dead_letters_total", ""), "dead letters", now=True),
            steps=LOST,
            decimals=0,
            runbook="DeadLetterRate",
        ),
        number(
            "Kills not carried out",
            "Kills that dedup saw during the time range and the sink has not carried out. One may be on its way; "
            "more, or for long: a text that was taken back is still shown.",
            "short",
            Query(f"round({open_kills}) or vector(0)", "kills", now=True),
            steps=((None, GREEN), (1.0, ORANGE), (3.0, RED)),
            decimals=0,
            runbook="KillNotPropagated",
        ),
    ]


def _flow() -> list[Panel]:
    return [
        graph(
            "Records per second",
            "What each stage takes in. Entities gets less than dedup: copies, kills and old versions pass it by. The "
            "sink gets more than articles: incidents and their changes too.",
            "cps",
            Query(per("stage", rate("events_received_total")), "{{stage}}"),
            runbook="StageStalled",
        ),
        graph(
            "From raw to the sink",
            "How long articles take. Dashed: yellow at 30 s, red at the objective of 60 s.",
            "s",
            Query(quantile(0.5, "end_to_end_latency_seconds", ""), "p50"),
            Query(quantile(0.95, "end_to_end_latency_seconds", ""), "p95"),
            Query(quantile(0.99, "end_to_end_latency_seconds", ""), "p99"),
            steps=LATE,
            runbook="FreshnessSLO",
        ),
        bars(
            "Where it piles up",
            "Records that wait for each stage. What the ledger holds back waits for dedup or entities, not for it.",
            "short",
            NOT_THE_LEDGER,
            THE_LEDGER,
            HELD_BACK,
            steps=WAITING,
            runbook="LagGrowing",
        ),
        graph(
            "Waiting, over time",
            "The same over time. A stage that cannot keep up grows; a burst comes and goes.",
            "short",
            NOT_THE_LEDGER,
            THE_LEDGER,
            HELD_BACK,
            stack=True,
            span=12,
            runbook="LagGrowing",
        ),
        graph(
            "Behind, over time",
            "Age in Kafka of what each stage did last, while more waits.",
            "s",
            Query(most("stage", series("consumer_lag_seconds")), "{{stage}}"),
            span=12,
            steps=AGE,
            runbook="StageStalled",
        ),
    ]


def _trouble() -> list[Panel]:
    letters = f"60 * {per('stage, kind', rate('dead_letters_total'))} > 0"
    return [
        graph(
            "Dead letters per minute",
            "Inputs given up, by stage and kind of error.",
            "cpm",
            Query(or_none(letters, per("", rate("dead_letters_total")), "stage"), "{{stage}} {{kind}}"),
            stack=True,
            runbook="DeadLetterRate",
        ),
        graph(
            "Tries again per minute",
            "What the world refused and the stage tried again: broker or sink away, records sent again.",
            "cpm",
            Query(f"60 * {per('stage', rate('event_errors_total', AGAIN))}", "{{stage}}"),
            runbook="SinkErrors",
        ),
        states(
            "Ready",
            "Whether each process was ready to work: state restored, partitions assigned or standing by.",
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
            span=12,
        ),
        graph(
            "Memory",
            "Resident memory of each process. The pool of the entities stage stands for itself.",
            "bytes",
            Query(per("instance", series("process_resident_memory_bytes")), "{{instance}}"),
            Query(f"{per('instance', series('ner_pool_resident_memory_bytes'))} > 0", "{{instance}}, pool"),
            span=12,
            runbook="StateGrowth",
        ),
    ]

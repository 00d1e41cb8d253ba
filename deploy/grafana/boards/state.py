"""What the stages remember, and what they could not use."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard

from boards.overview import LOST, NONE_MAY
from boards.parts import BLUE, GREEN, RED, YELLOW, Panel, Query, bars, board, graph, number
from boards.query import counted, most, or_zero, per, rate, series

FULL = ((None, GREEN), (0.9, YELLOW), (1.02, RED))
"""Share of the bound. The ledger is at 1 when it is full, which is well; dedup should never be."""


def build() -> dashboard.Dashboard:
    sections = (("Now", _now()), ("State", _state()), ("Dead letters", _letters()), ("Kills, embargoes", _kills()))
    return board("state", "What the stages remember, and what they could not use.", sections)


def _now() -> list[Panel]:
    return [
        number(
            "Fullest index",
            "Entries of an index as a share of its configured bound.",
            "percentunit",
            Query(f"max({_share()})", "of its bound"),
            steps=FULL,
            decimals=2,
            runbook="StateGrowth",
        ),
        number(
            "Held back",
            "Records that the ledger holds back for an earlier one. They stand still when that one is lost.",
            "short",
            Query(per("", series("held_back")), "records"),
            steps=((None, GREEN), (5_000.0, YELLOW), (20_000.0, RED)),
            runbook="LedgerHeldBack",
        ),
        number(
            "Restoring took",
            "The slowest restore of a decision log, at the last start or rebalance.",
            "s",
            Query(most("", series("state_restore_seconds")), "restore"),
            steps=((None, GREEN), (60.0, YELLOW), (300.0, RED)),
            runbook="RecoverySlow",
        ),
        number(
            "Dead letters",
            "Inputs given up during the time range.",
            "short",
            Query(counted("dead_letters_total", ""), "dead letters", now=True),
            steps=LOST,
            decimals=0,
            runbook="DeadLetterRate",
        ),
        number(
            "Poison",
            "Inputs given up during the time range because they crashed a stage again and again.",
            "short",
            Query(counted("dead_letters_total", "", 'kind="crash_loop"'), "inputs", now=True),
            steps=NONE_MAY,
            decimals=0,
            runbook="PoisonLoop",
        ),
        number(
            "Under embargo",
            "Articles seen since dedup started whose embargo has not ended.",
            "short",
            Query(per("", series("embargo_held")), "articles"),
            steps=((None, BLUE),),
        ),
    ]


def _share() -> str:
    return f"{per('table', series('state_entries'))} / ({per('table', series('state_bound_entries'))} > 0)"


def _state() -> list[Panel]:
    return [
        graph(
            "Entries",
            "What each index remembers.",
            "short",
            Query(per("table", series("state_entries")), "{{table}}"),
            runbook="StateGrowth",
        ),
        bars(
            "Share of the bound",
            "At its bound an index forgets its oldest entries.",
            "percentunit",
            Query(_share(), "{{table}}"),
            steps=FULL,
            top=1.0,
            runbook="StateGrowth",
        ),
        graph(
            "Forgotten per minute",
            "By index and reason. age: it was remembered for long enough; size: there was no room.",
            "cpm",
            Query(f"60 * {per('table, reason', rate('state_evicted_total'))}", "{{table}}: {{reason}}"),
            runbook="StateGrowth",
        ),
        bars(
            "Last restore",
            "Time of reading and folding the decision log.",
            "s",
            Query(most("table", series("state_restore_seconds")), "{{table}}"),
            steps=((None, GREEN), (60.0, YELLOW), (300.0, RED)),
            runbook="RecoverySlow",
        ),
        graph(
            "Held back by the ledger",
            "Records that wait for an earlier one. NER workers finish in any order, so some always do under load.",
            "short",
            Query(per("", series("held_back")), "held back"),
            runbook="LedgerHeldBack",
        ),
        graph(
            "Memory of the stages with state",
            "Resident memory.",
            "bytes",
            Query(
                per("instance", f"{series('process_resident_memory_bytes')} and on (instance) {_stateful()}"),
                "{{instance}}",
            ),
            runbook="StateGrowth",
        ),
    ]


def _stateful() -> str:
    return series("ready", 'stage=~"dedup|incidents"')


def _letters() -> list[Panel]:
    return [
        graph(
            "Dead letters per minute",
            "By stage.",
            "cpm",
            Query(f"60 * {per('stage', rate('dead_letters_total'))}", "{{stage}}"),
            stack=True,
            runbook="DeadLetterRate",
        ),
        bars(
            "Dead letters by kind",
            "During the time range.",
            "short",
            Query(counted("dead_letters_total", "kind"), "{{kind}}", now=True),
            steps=LOST,
            runbook="DeadLetterRate",
        ),
        graph(
            "Share of the input given up",
            "By stage; the alert's limit is dashed.",
            "percentunit",
            Query(
                f"{per('stage', rate('dead_letters_total'))} / ({per('stage', rate('events_received_total'))} > 0)",
                "{{stage}}",
            ),
            steps=((None, GREEN), (0.05, RED)),
            runbook="DeadLetterRate",
        ),
    ]


def _kills() -> list[Panel]:
    return [
        graph(
            "Kills during the last hour",
            "What dedup saw, and what the sink carried out. The lines lie on each other, a few seconds apart.",
            "short",
            Query(f"round(sum(increase({series('kills_received_total')}[1h])))", "received"),
            Query(or_zero(f"round(sum(increase({series('kills_propagated_total')}[1h])))"), "carried out"),
            span=12,
            runbook="KillNotPropagated",
        ),
        graph(
            "Under embargo",
            "Articles seen since dedup started whose embargo has not ended.",
            "short",
            Query(per("", series("embargo_held")), "articles"),
            span=12,
            runbook="EmbargoParseFailure",
        ),
    ]

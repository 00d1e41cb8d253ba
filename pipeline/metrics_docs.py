"""Makes docs/metrics.md from the definitions: `python -m pipeline.metrics_docs [FILE]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.metrics import DEFINITIONS, MOST_PROVIDERS, MOST_SOURCES, OTHER, PREFIX, PROCESS, UNKNOWN, MetricDef

FILE = Path(__file__).parents[1] / "docs" / "metrics.md"

_HEAD = f"""\
# Metrics

Made by `python -m pipeline.metrics_docs` from `pipeline/metrics.py`; do not edit.

Every process serves its own at `/metrics`, on `http.host` and `http.port`: the workers of the stages, `wirefuse feeds`
and `wirefuse publish --follow`. The producer's stage is called `producer`. A histogram has the series `_bucket`, `_sum`
and `_count`.

No label can grow without bound. Providers are named by the wires: the first {MOST_PROVIDERS} that a process meets have
series of their own, all further ones are `{OTHER}`; an article that names none is `{UNKNOWN}`. Sources are named by the
operator, and at most {MOST_SOURCES} are shown. All other labels are closed sets or numbers of partitions.
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join(
        [
            _HEAD,
            "## Of Wirefuse",
            "",
            *_table(PREFIX, DEFINITIONS),
            "",
            "## Of the process",
            "",
            "From `prometheus_client`, on Linux. The processes of the entities stage's pool are not in them.",
            "",
            *_table("", PROCESS),
            "",
        ]
    )


def _table(prefix: str, definitions: Sequence[MetricDef]) -> list[str]:
    rows = [
        f"| `{prefix}{d.name}` | {d.kind} | {d.unit} | {', '.join(f'`{label}`' for label in d.labels)} | {d.help} |"
        for d in definitions
    ]
    return ["| name | type | unit | labels | meaning |", "|---|---|---|---|---|", *rows]


def main(arguments: Sequence[str]) -> None:
    """Write the page."""
    file = Path(arguments[0]) if arguments else FILE
    file.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

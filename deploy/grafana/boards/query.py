"""PromQL from the registry of metrics: a name that it does not have fails here, not at three in the morning."""

from __future__ import annotations

from pipeline.metrics import DEFINITIONS, PREFIX, PROCESS

CHOSEN = 'job=~"$job", instance=~"$instance"'
"""What every selector asks for: the values of the dashboard's variables."""

_KNOWN = {PREFIX + d.name: d for d in DEFINITIONS} | {d.name: d for d in PROCESS}


def series(name: str, *matchers: str) -> str:
    """A selector of a metric; Wirefuse's prefix may be left out.

    Args:
        name: as the registry has it; of a histogram, with `_bucket`, `_sum` or `_count`.
        matchers: further ones, e.g. `stage="sink"`.

    Raises:
        KeyError: there is no such metric.
    """
    full = name if name.startswith("process_") else PREFIX + name
    base = full
    for suffix in ("_bucket", "_sum", "_count"):
        stem = full.removesuffix(suffix)
        if stem != full and stem in _KNOWN and _KNOWN[stem].kind == "histogram":
            base = stem
    definition = _KNOWN[base]
    assert (definition.kind == "histogram") == (base != full), f"{name}: a histogram has _bucket, _sum and _count"
    return f"{full}{{{', '.join((CHOSEN, *matchers))}}}"


def rate(name: str, *matchers: str) -> str:
    """Increase per second."""
    return f"rate({series(name, *matchers)}[$__rate_interval])"


def per(labels: str, expression: str) -> str:
    """Sum by labels; all in one if there are none."""
    return f"sum by ({labels}) ({expression})" if labels else f"sum({expression})"


def most(labels: str, expression: str) -> str:
    """Maximum by labels."""
    return f"max by ({labels}) ({expression})" if labels else f"max({expression})"


def counted(name: str, labels: str, *matchers: str) -> str:
    """Increase during the dashboard's time range, in whole numbers."""
    return f"round({per(labels, f'increase({series(name, *matchers)}[$__range])')})"


def quantile(q: float, name: str, labels: str, *matchers: str) -> str:
    """A quantile of a histogram, by labels."""
    by = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({q}, {per(by, rate(f'{name}_bucket', *matchers))})"


def or_none(expression: str, zero: str, label: str) -> str:
    """One series called none, with the value 0, where an expression gives nothing.

    Args:
        zero: an expression without labels that gives something whenever there is data at all.
        label: takes the name.
    """
    return f'({expression}) or (label_replace(0 * {zero}, "{label}", "none", "", "") unless on () ({expression}))'


def or_zero(expression: str) -> str:
    """0 where an expression without labels gives nothing."""
    return f"({expression}) or vector(0)"

"""The alert rules as data, and the same rules with shorter windows for a live test."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

PROMETHEUS = Path(__file__).parents[1] / "deploy" / "prometheus"
RULES = PROMETHEUS / "alerts.yml"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
# [5m] and offset 1h; in an expression a bare duration stands nowhere else.
_DURATION = re.compile(r"(?<=\[)(\d+)([smhdw])(?=\])|(?<=offset )(\d+)([smhdw])\b")
# A limit in seconds is written as minutes times 60.
_MINUTES = re.compile(r"\b(\d+) \* 60\b")


def load() -> dict[str, Any]:
    """The rule file."""
    rules: dict[str, Any] = yaml.safe_load(RULES.read_text())
    return rules


def each(rules: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every rule of a rule file, recording rules too."""
    return (rule for group in rules["groups"] for rule in group["rules"])


def names() -> list[str]:
    """Names of the alerts, each once, in the order of the file."""
    return list(dict.fromkeys(rule["alert"] for rule in each(load()) if "alert" in rule))


def shortened(rules: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """The same rules with every time in them `factor` times shorter.

    Times are `for`, ranges and offsets in expressions, and limits written as `N * 60`; shares and counts stay.
    """
    short = copy.deepcopy(dict(rules))
    for rule in each(short):
        if "for" in rule:
            rule["for"] = _shorter(rule["for"][:-1], rule["for"][-1], factor)
        expression = _DURATION.sub(
            lambda m: _shorter(m[1] or m[3], m[2] or m[4], factor),
            rule["expr"],
        )
        rule["expr"] = _MINUTES.sub(lambda m: f"{int(m[1]) * 60 / factor:g}", expression)
    return short


def _shorter(number: str, unit: str, factor: int) -> str:
    return f"{int(number) * _UNITS[unit] * 1000 // factor}ms"

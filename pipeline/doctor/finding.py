"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail", "skip"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        check: what was looked at: settings, disk, model, sink, feeds, broker, topics, rights, clock, groups.
        status: `warn`: it works, and somebody should know; `fail`: the chain, or a part of it, cannot work;
            `skip`: it could not be looked at.
        text: what was found, and what it means.
        advice: what to do; empty when there is nothing to do.
    """

    check: str
    status: Status
    text: str
    advice: str = ""


def ok(check: str, text: str) -> Finding:
    return Finding(check, "ok", text)


def warn(check: str, text: str, advice: str) -> Finding:
    return Finding(check, "warn", text, advice)


def fail(check: str, text: str, advice: str) -> Finding:
    return Finding(check, "fail", text, advice)


def skip(check: str, text: str, advice: str = "") -> Finding:
    return Finding(check, "skip", text, advice)

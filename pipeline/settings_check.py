"""Which values settings may have, beyond their types."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import SettingsError
from pipeline.security_settings import MECHANISMS, PROTOCOLS, check_security

if TYPE_CHECKING:
    from pipeline.settings import SettingInfo

_POSITIVE = frozenset(
    {
        "broker.session_timeout_s",
        "broker.request_timeout_s",
        "topics.editions",
        "topics.unique_partitions",
        "topics.output_partitions",
        "topics.dead_letter_partitions",
        "topics.replication",
        "runner.batch_size",
        "runner.max_attempts",
        "runner.commit_interval_s",
        "runner.watchdog_s",
        "entities.processes",
        "entities.batch_size",
        "entities.max_chars",
        "sink.batch_size",
        "producer.max_item_bytes",
        "producer.max_in_flight",
    }
)
"""Numbers that 0 makes no sense for; no number may be negative."""

_RANGES = {
    "broker.local_port": (0, 65535),
    "http.port": (0, 65535),
    # Kafka counts a record's bytes in 32 bits; the headers of a dead letter need some room beside its value.
    "topics.max_message_bytes": (128 * 1024, 2**31 - 1),
    # What a Java long of milliseconds holds, and a timestamp after it.
    **{f"topics.{name}_retention_days": (0, 365_000) for name in ("raw", "work", "output", "dead_letter")},
}

_CHOICES = {
    "log.level": ("debug", "info", "warning", "error"),
    "log.format": ("auto", "json", "human"),
    "broker.security_protocol": PROTOCOLS,
    "broker.sasl_mechanism": MECHANISMS,
}

# Kafka's rule for topic names; 249 characters in all, the longest name of ours has 16.
_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,200}")


def check(values: Mapping[str, Any], origin: Mapping[str, str], known: Mapping[str, SettingInfo]) -> None:
    """Refuse what no process could work with.

    Args:
        values: the settings that are given, by dotted name.
        origin: where each of them came from.
        known: all settings.

    Raises:
        SettingsError: with the setting, its value, where it came from, and what it must be.
    """

    def wrong(name: str, must: str) -> SettingsError:
        return SettingsError(f"{origin[name]}: {name} must be {must}, not {values[name]!r}")

    for name, value in values.items():
        if known[name].type in (int, float):
            low, high = _RANGES.get(name, (0, math.inf))
            if not math.isfinite(value):
                raise wrong(name, "a finite number")
            if name in _POSITIVE and known[name].type is int and value < 1:
                raise wrong(name, "at least 1")
            if name in _POSITIVE and value <= 0:
                raise wrong(name, "more than 0")
            if not low <= value <= high:
                raise wrong(name, f"at least {low}" if high == math.inf else f"from {low} to {high}")
        elif name in _CHOICES and value not in _CHOICES[name]:
            raise wrong(name, "one of " + ", ".join(_CHOICES[name]))
    if not _PREFIX.fullmatch(values.get("topics.prefix", "")):
        raise wrong("topics.prefix", "at most 200 letters, digits, dots, underscores and hyphens")
    editions = values.get("topics.editions", known["topics.editions"].default)
    if values.get("producer.edition", 0) >= editions:
        raise wrong("producer.edition", f"below topics.editions, which is {editions}")
    check_security(values, origin)

"""The error taxonomy: what may be thrown, and what the stage runner does with each.

=================  ==========================================================
InvalidEvent       this one input can never be processed: dead letter, go on
RetryableError     the world is in the way (broker, disk): back off, try again
FatalError         going on would do harm: stop the process, exit non-zero
SettingsError      the user's configuration is wrong: say where, exit 2
=================  ==========================================================
"""

from __future__ import annotations

from typing import Literal

InvalidKind = Literal[
    "not_json",  # the bytes are not JSON (or not UTF-8)
    "schema",  # JSON, but not the record that the topic or wire promises
    "too_large",  # over the size limit of an item
    "date",  # a time that cannot be read, or lies outside years 1-9999
    "crash_loop",  # crashed a stage `runner.max_attempts` times
    "processing",  # a stage's own code refused this one input
    "unsupported",  # a form that no reader understands
]


class WirefuseError(Exception):
    """Base of every error that Wirefuse raises on purpose."""


class InvalidEvent(WirefuseError):
    """One input that can never be processed.

    Args:
        kind: closed set, used as a metric label and a dead-letter header.
        detail: what is wrong and where, for a person; never holds the article's body.
    """

    def __init__(self, kind: InvalidKind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: InvalidKind = kind
        self.detail = detail

    def __reduce__(self) -> tuple[type[InvalidEvent], tuple[InvalidKind, str]]:
        return InvalidEvent, (self.kind, self.detail)  # crosses process boundaries (the entities pool)


class RetryableError(WirefuseError):
    """Something outside is not there at the moment; the same call may succeed later."""


class FatalError(WirefuseError):
    """The process must stop: continuing would lose or corrupt data."""


class DeadlyInput(FatalError):
    """The process must stop, and one of the inputs in work may be the reason; the crash journal will find out which."""


class SettingsError(WirefuseError):
    """A setting is unknown or has a value of the wrong kind."""

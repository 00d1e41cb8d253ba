"""Logging: one line per event worth knowing, ids and sizes, never an article's body."""

from __future__ import annotations

import logging
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

from pipeline import codec
from pipeline.settings import Settings

# They say at info what only matters when something is wrong with them.
_QUIET = {
    "aiokafka": "WARNING",
    "faust": "WARNING",
    "kafka": "WARNING",
    "mode": "WARNING",
    "httpx": "WARNING",
    "asyncio": "WARNING",
}
_TEXT_LIMIT = 2000
_DAMPED_S = 30.0


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:_TEXT_LIMIT],
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return codec.encode(line).decode()


class HumanFormatter(logging.Formatter):
    """`11:04:02 warning dedup: message`."""

    def format(self, record: logging.LogRecord) -> str:
        clock = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        text = f"{clock} {record.levelname.lower():<7} {record.name}: {record.getMessage()[:_TEXT_LIMIT]}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class Damper(logging.Filter):
    """Lets a library say a thing once in so many seconds, with how often it was left out since.

    While a broker is away its clients say so 40 times a second, each in several ways: a night of it fills a disk and
    hides what matters. A thing is a message before its arguments are put in. What Wirefuse itself says, and what comes
    with a traceback, always passes.

    Args:
        seconds: between two lines of one thing.
    """

    def __init__(self, seconds: float = _DAMPED_S) -> None:
        super().__init__()
        self._seconds = seconds
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info or record.name.partition(".")[0] not in _QUIET:
            return True
        thing = record.name, str(record.msg)
        now = time.monotonic()
        last, left_out = self._said.get(thing, (float("-inf"), 0))
        if now - last < self._seconds:
            self._said[thing] = last, left_out + 1
            return False
        # Libraries that put the arguments in themselves make every line a thing of its own.
        self._said = {t: said for t, said in self._said.items() if now - said[0] < 2 * self._seconds}
        self._said[thing] = now, 0
        if left_out:
            record.msg = f"{record.getMessage()} (and {left_out} times more since it was last said)"
            record.args = None
        return True


def report_dying_threads() -> None:
    """Log the exception that ends a thread, in one line like everything else, instead of printing it."""

    def report(ended: threading.ExceptHookArgs) -> None:
        if ended.exc_value is None or issubclass(ended.exc_type, SystemExit):
            return
        name = ended.thread.name if ended.thread else "unknown"
        logging.getLogger(__name__).error("thread %s ended by an exception", name, exc_info=ended.exc_value)

    threading.excepthook = report


def config(settings: Settings) -> dict[str, Any]:
    """Configuration for `logging.config.dictConfig`, as Faust takes it too."""
    human = settings.log.format == "human" or (settings.log.format == "auto" and sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": HumanFormatter if human else JsonFormatter}},
        "filters": {"damper": {"()": Damper}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["damper"],
                "stream": "ext://sys.stderr",
            }
        },
        "loggers": {name: {"level": level} for name, level in _QUIET.items()},
        "root": {"level": settings.log.level.upper(), "handlers": ["stderr"]},
    }

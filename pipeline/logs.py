"""Logging: one line per event worth knowing, ids and sizes, never an article's body."""

from __future__ import annotations

import logging
import sys
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


def config(settings: Settings) -> dict[str, Any]:
    """Configuration for `logging.config.dictConfig`, as Faust takes it too."""
    human = settings.log.format == "human" or (settings.log.format == "auto" and sys.stderr.isatty())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": HumanFormatter if human else JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "loggers": {name: {"level": level} for name, level in _QUIET.items()},
        "root": {"level": settings.log.level.upper(), "handlers": ["stderr"]},
    }

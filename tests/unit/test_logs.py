"""What the workers say: one JSON object a line, libraries kept short, nothing of Wirefuse's own left out."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pipeline import logs


@pytest.fixture
def said() -> Any:
    """A handler as the workers have it, and what it has written."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.JsonFormatter())
    handler.addFilter(logs.Damper(seconds=30.0))

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in written.getvalue().splitlines()]

    root = logging.getLogger()
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Whatever other tests of this process have silenced is heard."""
    loggers = [logging.getLogger(name) for name in ("aiokafka", "aiokafka.conn", "kafka", "kafka.conn", "faust")]
    before = [(one.level, one.disabled, one.propagate) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.disabled, one.propagate = False, True
    yield
    for one, (level, disabled, propagate) in zip(loggers, before, strict=True):
        one.setLevel(level)
        one.disabled, one.propagate = disabled, propagate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("pipeline.logs.time.monotonic", lambda: now[0])
    return now


def test_a_library_that_repeats_itself_is_heard_once_in_a_while_with_a_count(said: Any, clock: list[float]) -> None:
    log = logging.getLogger("aiokafka.conn")
    for port in range(400):
        log.error("Unable connect to node with id %s", port)
    clock[0] += 31.0
    log.error("Unable connect to node with id %s", 400)
    assert [line["message"] for line in said()] == [
        "Unable connect to node with id 0",
        "Unable connect to node with id 400 (and 399 times more since it was last said)",
    ]


def test_each_thing_is_heard(said: Any, clock: list[float]) -> None:
    log = logging.getLogger("aiokafka.conn")
    for thing in ("no node", "no coordinator"):
        for _ in range(3):
            log.error(thing)
    logging.getLogger("kafka.conn").error("no node")
    assert [line["message"] for line in said()] == ["no node", "no coordinator", "no node"]


def test_nothing_of_our_own_and_no_traceback_is_left_out(said: Any, clock: list[float]) -> None:
    for _ in range(3):
        logging.getLogger("agents.runner").warning("the broker is away")
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("faust").exception("crashed")
    assert len(said()) == 6


def test_what_was_said_long_ago_is_forgotten(said: Any, clock: list[float]) -> None:
    damper = logs.Damper(seconds=30.0)
    for n in range(5_000):
        clock[0] += 1.0
        damper.filter(logging.LogRecord("kafka", logging.ERROR, "", 0, f"connection {n} lost", None, None))
    assert len(damper._said) <= 61


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_says_so_in_one_line(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    logs.report_dying_threads()

    def work() -> None:
        raise ValueError("no more")

    thread = threading.Thread(target=work, name="consumer")
    thread.start()
    thread.join()
    (line,) = said()
    assert line["message"] == "thread consumer ended by an exception"
    assert "ValueError: no more" in line["traceback"]

"""A broker that is away does not keep a client from the one that answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from pipeline.broker.client import client_options
from pipeline.broker.reachable import reachable
from pipeline.settings import Settings

CLOSED = "127.0.0.1:1"


@pytest.fixture
def answering() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """A server whose queue of connections is full: the kernel drops what comes, as a firewall does."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_what_does_not_answer_is_left_out(answering: str, silent: str) -> None:
    assert reachable([CLOSED, silent, "nohost.invalid:9092", answering], timeout_s=1.0) == [answering]


def test_all_are_kept_when_none_answers() -> None:
    assert reachable([CLOSED, "127.0.0.1:2"], timeout_s=0.3) == [CLOSED, "127.0.0.1:2"]


def test_a_single_one_is_not_tried() -> None:
    assert reachable(["nohost.invalid:9092"]) == ["nohost.invalid:9092"]


def test_the_order_of_the_settings_stays(answering: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        both = [f"127.0.0.1:{other.getsockname()[1]}", answering]
        assert reachable(both) == both


def test_a_client_begins_at_a_broker_that_answers(answering: str) -> None:
    options = client_options(Settings(), f"{CLOSED},{answering}")
    assert options["bootstrap_servers"] == [answering]
    assert options["reconnect_backoff_max_ms"] < options["bootstrap_timeout_ms"] / 2

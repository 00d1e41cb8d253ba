"""What the headers between the stages say, whoever wrote them; and outputs that could go nowhere."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.messages import Incoming, Outgoing
from agents.output import Output
from agents.passing import place, to_entities_or_ledger, void_of
from pipeline import headers
from pipeline.errors import DeadlyInput
from pipeline.records import Annotated
from pipeline.settings import load


def incoming(found: dict[str, bytes], editions: int) -> Incoming:
    return Incoming(
        topic="unique", partition=0, offset=0, key=b"a1", value=b"{", headers=found, timestamp_ms=0,
        place=place(found, editions),
    )  # fmt: skip


@given(edition=st.integers(0, 9), seq=st.integers(0, 2**63 - 1), gap=st.integers(1, 1000))
def test_a_record_that_cannot_be_read_leaves_the_void_that_its_headers_name(edition: int, seq: int, gap: int) -> None:
    prev_seq = max(-1, seq - gap)
    record = Annotated(
        edition=edition, seq=seq, prev_seq=prev_seq, article_id="a1", verdict="new", reason="", event_time=None
    )
    sent = to_entities_or_ledger(record, incoming({}, 10))
    void = void_of(incoming(dict(sent.headers), 10), "schema")
    assert void is not None
    assert (void.edition, void.seq, void.prev_seq, void.article_id) == (edition, seq, prev_seq, "a1")
    assert (void.verdict, void.reason) == ("void", "schema")


@given(st.binary(max_size=80) | st.from_regex(rb"-?[0-9]{1,25}(:-?[0-9]{1,25}){0,3}", fullmatch=True))
def test_no_header_gives_a_void_that_could_go_nowhere(said: bytes) -> None:
    void = void_of(incoming({headers.SEQ: said}, 2), "schema")
    assert void is None or (0 <= void.edition < 2 and -1 <= void.prev_seq < void.seq < 2**63)


@pytest.mark.parametrize("said", [b"2:5:4", b"-1:5:4", b"0:4:5", b"0:5:5", b"0:5:-2", b"0:5", b"", b"9" * 5000])
def test_places_that_dedup_never_writes(said: bytes) -> None:
    assert place({headers.SEQ: said}, 2) is None
    assert place({}, 2) is None


@pytest.mark.parametrize("partition", [-1, 1, 7])
def test_an_output_for_a_partition_that_is_not_there_blames_its_input_before_anything_is_sent(partition: int) -> None:
    output = Output(load(env={}), "127.0.0.1:1", "test")
    records = [
        Outgoing(topic="enriched", key=b"k", value=b"{}"),
        Outgoing(topic="annotated", key=b"k", value=b"{}", partition=partition),
    ]
    with pytest.raises(DeadlyInput, match=rf"annotated\[{partition}\], which is not there"):
        asyncio.run(output.send(records))


def test_an_output_larger_than_the_topics_take_blames_its_input() -> None:
    settings = load(env={}, flags={"topics.max_message_bytes": 200_000})
    with pytest.raises(DeadlyInput, match=r"topics\.max_message_bytes"):
        asyncio.run(
            Output(settings, "127.0.0.1:1", "test").send([Outgoing(topic="raw", key=None, value=b"x" * 200_000)])
        )

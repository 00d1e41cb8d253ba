"""How an `Annotated` travels: its headers, and the void that stands in for one that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping

from agents.messages import Incoming, Outgoing
from pipeline import codec, headers
from pipeline.records import NEEDS_ENTITIES, SCHEMA_VERSION, Annotated

_MOST_SEQ = 2**63
_MOST_SEQ_BYTES = 64
_MOST_DIGITS = 16  # in milliseconds: some ten thousand years


def raw_time(incoming: Incoming) -> bytes:
    """When the article entered `raw`, in milliseconds since the epoch, as every stage hands it on."""
    said = incoming.headers.get(headers.RAW_TIME) or b""
    return said if said.isdigit() and len(said) < _MOST_DIGITS else str(incoming.timestamp_ms).encode()


def to_entities_or_ledger(record: Annotated, incoming: Incoming) -> Outgoing:
    """The record on its way: by NER, if its text stands on its own and was not annotated yet."""
    needs = record.verdict in NEEDS_ENTITIES and record.annotation is None
    return Outgoing(
        topic="unique" if needs else "annotated",
        key=(record.article_id or "").encode(),
        value=codec.encode(record),
        partition=None if needs else record.edition,
        headers=(
            (headers.SCHEMA, str(SCHEMA_VERSION).encode()),
            (headers.RAW_TIME, raw_time(incoming)),
            (headers.SEQ, f"{record.edition}:{record.seq}:{record.prev_seq}".encode()),
        ),
    )


def place(found: Mapping[str, bytes], editions: int) -> tuple[int, int, int] | None:
    """Edition, seq and prev_seq that the headers of a record say; None if they say none that dedup could have written.

    Args:
        editions: how many there are. A void for another could be sent nowhere.
    """
    said = found.get(headers.SEQ) or b""
    if len(said) > _MOST_SEQ_BYTES or not said.isascii():
        return None
    try:
        edition, seq, prev_seq = (int(part) for part in said.split(b":"))
    except ValueError:
        return None
    if not (0 <= edition < editions and -1 <= prev_seq < seq < _MOST_SEQ):
        return None
    return edition, seq, prev_seq


def void_of(incoming: Incoming, reason: str) -> Annotated | None:
    """The void for a record that was given up; None if it never had a seq (not written by dedup)."""
    if incoming.place is None:
        return None
    edition, seq, prev_seq = incoming.place
    return Annotated(
        edition=edition,
        seq=seq,
        prev_seq=prev_seq,
        article_id=(incoming.key or b"").decode("ascii", "replace") or None,
        verdict="void",
        reason=reason,
        event_time=None,
    )

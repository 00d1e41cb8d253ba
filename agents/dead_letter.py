"""Makes the dead letter of an input: its original bytes, and headers that say what happened where."""

from __future__ import annotations

import hashlib

from agents.messages import Incoming, Outgoing
from pipeline import headers
from pipeline.errors import InvalidEvent
from pipeline.settings import Settings
from pipeline.topics import topic

# Room for the headers and the record's framing beside the value.
_HEADROOM = 64 * 1024
_DETAIL_CHARS = 1000


def dead_letter(settings: Settings, stage: str, incoming: Incoming, error: InvalidEvent, attempts: int) -> Outgoing:
    """The record for the topic `dead-letter`; key, value and headers are the original's.

    A value too large to be wrapped is cut, and its size and SHA-256 are noted.
    """
    value = incoming.value
    notes = [
        (headers.ERROR_STAGE, stage),
        (headers.ERROR_KIND, error.kind),
        (headers.ERROR_DETAIL, error.detail[:_DETAIL_CHARS]),
        (headers.ERROR_TOPIC, topic(settings, incoming.topic)),
        (headers.ERROR_PARTITION, str(incoming.partition)),
        (headers.ERROR_OFFSET, str(incoming.offset)),
        (headers.ERROR_ATTEMPTS, str(attempts)),
    ]
    original = {name: data for name, data in incoming.headers.items() if data is not None}
    beside = len(incoming.key or b"") + sum(len(name) + len(data) for name, data in original.items())
    if beside > _HEADROOM // 2:  # nobody sends such headers by mistake; the value is what matters
        original, beside = {}, len(incoming.key or b"")
    room = max(0, settings.topics.max_message_bytes - _HEADROOM - beside)
    if value is not None and len(value) > room:
        notes += [(headers.SIZE, str(len(value))), (headers.SHA256, hashlib.sha256(value).hexdigest())]
        value = value[:room]
    known = {name for name, _ in notes}
    return Outgoing(
        topic="dead-letter",
        key=incoming.key,
        value=value,
        headers=(
            *((name, data) for name, data in original.items() if name not in known),
            *((name, text.encode()) for name, text in notes),
        ),
    )

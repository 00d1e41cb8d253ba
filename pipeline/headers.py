"""Names of the Kafka record headers. The one place that knows them."""

from __future__ import annotations

from typing import Final

SCHEMA: Final = "wf-schema"
"""Version of the record's shape (records.SCHEMA_VERSION)."""
RAW_TIME: Final = "wf-raw-time"
"""Milliseconds since the epoch at which the article entered `raw`; every stage hands it on, for latency."""

ERROR_STAGE: Final = "wf-error-stage"
ERROR_KIND: Final = "wf-error-kind"
ERROR_DETAIL: Final = "wf-error-detail"
ERROR_TOPIC: Final = "wf-error-topic"
ERROR_PARTITION: Final = "wf-error-partition"
ERROR_OFFSET: Final = "wf-error-offset"
ERROR_ATTEMPTS: Final = "wf-error-attempts"

FILE: Final = "wf-file"
"""Dead letters of the producer: the file that the item stands in."""
LINE: Final = "wf-line"
"""Dead letters of the producer: its line there, from 1."""
SIZE: Final = "wf-size"
"""Size in bytes of a value that was cut to fit."""
SHA256: Final = "wf-sha256"
"""Hex digest of a value that was cut to fit."""

REPLAYED: Final = "wf-replayed"
"""On a marker in `dead-letter`: `partition:offset` of the dead letter that was published again."""
DROPPED: Final = "wf-dropped"
"""On a marker in `dead-letter`: `partition:offset` of the dead letter that a person has dealt with."""

SEQ: Final = "wf-seq"
"""`edition:seq:prev_seq` of a record between dedup and the ledger, so that one whose value cannot be read still
gets its void."""

VERSION: Final = "wf-version"
"""Version of the incident that a tombstone ends."""

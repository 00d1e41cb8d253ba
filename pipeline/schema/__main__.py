"""Writes the schemas anew."""

from __future__ import annotations

from pipeline.schema import RECORDS, path, text

for topic in RECORDS:
    path(topic).write_bytes(text(topic))

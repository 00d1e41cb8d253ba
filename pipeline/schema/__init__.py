"""JSON Schemas (2020-12) of the records on the topics, generated from the dataclasses and committed beside this file.

    python -m pipeline.schema     # write them anew after a change of a record

A consumer ignores fields that it does not know, so adding one is no breaking change; anything else raises
`records.SCHEMA_VERSION`, or for the incident log, which only the ledger reads, its own version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import orjson

from pipeline.dedup.decision import Decision as DedupDecision
from pipeline.incidents.decision import SCHEMA as INCIDENT_LOG_VERSION
from pipeline.incidents.decision import Decision as IncidentDecision
from pipeline.records import (
    SCHEMA_VERSION,
    Annotated,
    ArticleEvent,
    EditorWord,
    IncidentChange,
    IncidentRecord,
    RawArticle,
)
from pipeline.topics import TopicName

DIRECTORY = Path(__file__).parent

RECORDS: dict[TopicName, tuple[type, ...]] = {
    "raw": (RawArticle, EditorWord),
    "unique": (Annotated,),
    "annotated": (Annotated,),
    "enriched": (ArticleEvent,),
    "incidents": (IncidentRecord,),
    "incident-changes": (IncidentChange,),
    "dedup-log": (DedupDecision,),
    "incident-log": (IncidentDecision,),
}
"""What a topic's values may be."""

VERSIONS: dict[TopicName, int] = {"incident-log": INCIDENT_LOG_VERSION}
"""Versions of their own."""


def schema(topic: TopicName) -> dict[str, Any]:
    """The schema of a topic's values."""
    kinds = RECORDS[topic]
    found, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    body = {**(found[0] if len(found) == 1 else {"anyOf": list(found)}), "$defs": definitions}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:wirefuse:{topic}:{VERSIONS.get(topic, SCHEMA_VERSION)}",
        "title": " or ".join(kind.__name__ for kind in kinds),
        **body,
    }


def path(topic: TopicName) -> Path:
    """Where the committed schema of a topic is."""
    return DIRECTORY / f"{topic}.json"


def text(topic: TopicName) -> bytes:
    """The schema as it is committed."""
    return orjson.dumps(schema(topic), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

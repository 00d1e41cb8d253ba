"""The committed schemas: up to date, and true of what the chain really says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

import streams
from pipeline import codec, schema
from pipeline.dedup.decision import annotated
from pipeline.dedup.state import Dedup
from pipeline.editor_word import make
from pipeline.entities.annotator import Annotator
from pipeline.incidents.ledger import Ledger
from pipeline.records import NEEDS_ENTITIES, Annotation, EditorWord
from pipeline.settings import load
from pipeline.sources.jsonl import parse_line
from pipeline.topics import TopicName


@pytest.mark.parametrize("topic", schema.RECORDS)
def test_committed_schema_is_that_of_the_records(topic: TopicName) -> None:
    assert schema.path(topic).read_bytes() == schema.text(topic), "run python -m pipeline.schema"


def test_what_the_chain_says_is_valid() -> None:
    settings = load(env={})
    dedup, ledger, annotator = Dedup(0, settings.dedup), Ledger(0, settings.incidents), Annotator(settings.entities)
    said: dict[TopicName, list[bytes]] = {topic: [] for topic in schema.RECORDS}
    for seq, line in enumerate(streams.lines(streams.mixed(150, seed=2))):
        raw = parse_line(line, settings=settings.producer)
        decision = dedup.decide(seq, raw)
        record = annotated(decision, raw, 0)
        said["raw"].append(codec.encode(raw))
        said["dedup-log"].append(codec.encode(decision))
        if record.verdict in NEEDS_ENTITIES and record.article is not None:
            said["unique"].append(codec.encode(record))
            (found,) = annotator.annotate([record.article])
            assert isinstance(found, Annotation)
            record = type(record)(**{f: getattr(record, f) for f in record.__slots__} | {"annotation": found})
        said["annotated"].append(codec.encode(record))
        outcome = ledger.decide(record)
        said["incident-log"].append(codec.encode(outcome))
        said["enriched"].append(codec.encode(ledger.event(outcome, record)))
        said["incident-changes"] += map(codec.encode, ledger.changes(outcome))
        said["incidents"] += [codec.encode(r) for i in ledger.touched(outcome) if (r := ledger.record(i))]
    for word in words(ledger):
        record = annotated(dedup.decide(dedup.last_seq + 1, word), word, 0)
        outcome = ledger.decide(record)
        assert outcome.verdict == "word"
        said["raw"].append(codec.encode(word))
        said["annotated"].append(codec.encode(record))
        said["incident-log"].append(codec.encode(outcome))
        said["enriched"].append(codec.encode(ledger.event(outcome, record)))
        said["incident-changes"] += map(codec.encode, ledger.changes(outcome))
        said["incidents"] += [codec.encode(r) for i in ledger.touched(outcome) if (r := ledger.record(i))]
    for topic, values in said.items():
        assert values, topic
        validator = jsonschema.Draft202012Validator(json.loads(schema.path(topic).read_bytes()))
        for value in values:
            validator.validate(json.loads(value))


def words(ledger: Ledger) -> Iterator[EditorWord]:
    live = [i for i in ledger.incident_ids() if (r := ledger.record(i)) and r.status == "open"]
    first = make("join", by="anna", note="one event", incident=live[0], other=live[1])
    yield first
    yield make("never-join", by="anna", incident=live[2], other=live[3])
    yield make("retitle", by="anna", incident=live[2], title="What happened")
    yield make("undo", by="bert", of=first.word_id)


def test_a_schema_refuses_what_is_no_record() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(Path(schema.path("raw")).read_bytes()))
    assert not validator.is_valid({"provider": 7})
    assert not validator.is_valid({"provider": "p", "native_id": "n", "pub_status": "gone"})

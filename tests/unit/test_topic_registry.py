"""The topics as they are created: what a reader that was away must still find."""

from __future__ import annotations

import pytest

from pipeline.settings import load
from pipeline.topics import TopicName, registry


@pytest.mark.parametrize("days", [0.5, 365.0])
def test_a_sink_that_was_away_learns_of_withdrawn_incidents_for_as_long_as_of_all_else(days: float) -> None:
    """Of these nothing is left but a tombstone, which Kafka by itself deletes after a day."""
    topics = registry(load(env={}, flags={"topics.output_retention_days": days}))
    others: tuple[TopicName, ...] = ("enriched", "incident-changes")
    kept = {topics[name].config["retention.ms"] for name in others}
    assert kept == {topics["incidents"].config["delete.retention.ms"]}

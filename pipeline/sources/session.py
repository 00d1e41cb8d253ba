"""A publisher and its cursors, from the connection to the last commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.sources.cursor import Cursors, Mark
from pipeline.sources.destination import destination
from pipeline.sources.publisher import Counts, Publisher
from pipeline.sources.signals import Stop


@dataclass(slots=True)
class Outcome:
    """What a session came to; filled while it runs.

    Attributes:
        counts: of what the broker has acknowledged.
        unsent: items that were sent and not acknowledged when it ended.
    """

    counts: Counts = field(default_factory=Counts)
    unsent: int = 0


@contextmanager
def publishing(
    settings: Settings,
    edition: int | None,
    *,
    outcome: Outcome,
    say: Callable[[str], None],
    stop: Stop,
    metrics: Metrics | None = None,
) -> Iterator[tuple[Publisher[Mark], Cursors]]:
    """Connects; at the end, whatever the reason, flushes what is in flight and saves the cursors.

    Args:
        edition: default `producer.edition`.

    Raises:
        BrokerError: no broker, it does not answer for a minute, or it has no such edition.
        FatalError: the cursor file cannot be used.
        Stopped: the user asked to stop.
    """
    edition = settings.producer.edition if edition is None else edition
    cursors = Cursors.of(settings, destination(settings, edition, say=say, stop=stop))
    try:
        publisher = Publisher(
            settings, cursors.commit, edition=edition, say=say, metrics=metrics, stop=stop, counts=outcome.counts
        )
        try:
            yield publisher, cursors
        finally:
            outcome.unsent = publisher.close()
    finally:
        cursors.close()

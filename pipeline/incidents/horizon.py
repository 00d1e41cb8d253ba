"""What time does to incidents and articles: quiet ones close, old ones are forgotten, and no decision does much of it.

All that one decision closes or forgets must fit into one record of the log; the next decisions do the rest.
"""

from __future__ import annotations

from pipeline.incidents.decision import Floor, Watermark
from pipeline.incidents.entry import Entry
from pipeline.incidents.state import State, days, earlier
from pipeline.incidents.watermark import paused
from pipeline.settings import Incidents

MOST_CLOSED = 1_000
"""Incidents that one decision closes, but for those whose last reports have the very same time."""

MOST_FORGOTTEN = 1_000
"""Articles that one decision forgets; as many incidents may close by it. The next decisions take more."""


def paced(state: State, settings: Incidents, watermark: Watermark) -> Watermark:
    """The watermark, no further than closes MOST_CLOSED incidents; the next articles take it on.

    After a long silence all open incidents are due at once, and their changes must fit into one record.
    """
    close_after = days(settings.close_after_days)
    line = earlier(watermark.time, close_after)
    if line is None or watermark.time == state.watermark.time:
        return watermark
    limit = state.closing_limit(earlier(state.watermark.time, close_after), line, MOST_CLOSED)
    return watermark if limit is None else paused(limit + close_after, watermark)


def forgetting(
    state: State, settings: Incidents, watermark: Watermark, article_id: str | None
) -> tuple[Floor | None, list[Entry]]:
    """The floor once the watermark has come so far, and the entries that it forgets.

    Args:
        article_id: of the input. The newest article is not forgotten: its record in the log must stay until the next
            one is there.
    """
    floor = state.floor
    line = earlier(watermark.time, days(settings.ttl_days))
    if line is not None and (floor is None or floor < Floor(time=line)):
        floor = Floor(time=line)
    evicted = [] if floor is None else state.expired(floor, article_id)
    others = len(state.entries) - (article_id in state.entries) - len(evicted)
    if others > settings.max_articles:
        count = len(evicted) + others - settings.max_articles
        evicted = state.oldest(min(count, max(len(evicted), MOST_FORGOTTEN)), article_id)
        floor = Floor(time=evicted[-1].time, article_id=evicted[-1].article_id)
    if len(evicted) > MOST_FORGOTTEN:
        evicted = evicted[:MOST_FORGOTTEN]
        last = Floor(time=evicted[-1].time, article_id=evicted[-1].article_id)
        floor = last if state.floor is None else max(state.floor, last)
    return floor, evicted

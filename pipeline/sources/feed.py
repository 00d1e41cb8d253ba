"""Follows one feed: what to fetch, what of it is new, when to look again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pipeline.codec import encode
from pipeline.errors import InvalidEvent
from pipeline.ids import content_hash
from pipeline.settings import Producer
from pipeline.sources.cursor import Cursors, EntryMark, FeedMark, Mark
from pipeline.sources.feed_config import FeedConfig
from pipeline.sources.fetch import Fetched, FetchError, Gone, NotModified, fetch, without_login
from pipeline.sources.publisher import Publisher
from pipeline.sources.rss import FeedDocument, parse_feed
from pipeline.sources.wire import Item

_LONGEST_PAUSE_S = 24 * 3600.0
_LONGEST_BACKOFF_S = 3600.0
# Far more than a feed shows at a time; an entry that comes back after it was forgotten is recognised by dedup.
_REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a feed gave, before anything is published.

    Attributes:
        mark: what will be known of the feed once its entries are acknowledged.
        document: None where nothing new was sent.
        error: why there is no document.
    """

    mark: FeedMark
    document: FeedDocument | None = None
    error: FetchError | None = None


def look(config: FeedConfig, known: FeedMark, settings: Producer) -> Look:
    """Fetch a feed and read it. Touches nothing but the network, so it may run in a thread."""
    try:
        answer = fetch(known.url, settings=settings, etag=known.etag, last_modified=known.last_modified)
        match answer:
            case NotModified():
                return Look(replace(known, url=answer.url))
            case Gone():
                return Look(replace(known, gone=True))
            case Fetched():
                file = without_login(config.url)  # dead letters name it
                document = parse_feed(answer.body, file=file, provider=config.provider, settings=settings)
                mark = replace(
                    known,
                    url=answer.url,
                    etag=answer.etag,
                    last_modified=answer.last_modified,
                    fetches=known.fetches + 1,
                )
                return Look(mark, document)
    except InvalidEvent as e:
        return Look(known, error=FetchError(e.detail))
    except FetchError as e:
        return Look(known, error=e)


def publish(items: Iterable[Item], mark: FeedMark, publisher: Publisher[Mark], cursors: Cursors) -> int:
    """Publish the entries that are new or have changed, oldest first, and wait for their acknowledgement.

    Returns:
        How many were published.

    Raises:
        Stopped: the user asked to stop; what was not acknowledged is published at the next look.
    """
    items = list(items)
    # Feeds put the newest on top. Tombstones are read after the entries, and stay there.
    entries = [i for i in items if i.article is None or i.article.pub_status != "canceled"]
    kills = [i for i in items if i.article is not None and i.article.pub_status == "canceled"]
    count = 0
    for item, entry in _marked([*reversed(entries), *kills], mark):
        if cursors.entry(mark.feed, entry.id) == entry.hash:
            publisher.mark(entry)
        else:
            publisher.send(item, entry)
            count += 1
    publisher.mark(mark)
    publisher.flush()
    cursors.forget_entries(mark.feed, keep=max(_REMEMBERED, 2 * len(items)))
    return count


def _marked(items: Iterable[Item], mark: FeedMark) -> Iterator[tuple[Item, EntryMark]]:
    """Items with what will be remembered of them."""
    times: Counter[str] = Counter()
    for item in items:
        if item.article is None:
            # The file and line of a bad entry change with every new one above it; what it said does not.
            id, hash = f"bad {item.sha256}", item.sha256
        else:
            id, hash = item.article.native_id, content_hash(encode(item.article).decode())
        times[id] += 1
        # Two entries with one id, and different content, must not take turns as each other's update.
        yield item, EntryMark(mark.feed, id if times[id] == 1 else f"{id} {times[id]}", hash, mark.fetches)


def pause_s(config: FeedConfig, look: Look, failures: int) -> float:
    """Seconds until the next look.

    Args:
        failures: how many looks in a row have failed.
    """
    if look.error is None:
        ttl = look.document.ttl_s if look.document and look.document.ttl_s else 0.0
        return min(max(config.interval_s, ttl), _LONGEST_PAUSE_S)
    backoff = min(config.interval_s * 2.0 ** min(failures, 30), max(_LONGEST_BACKOFF_S, config.interval_s))
    return min(max(backoff, look.error.retry_after_s or 0.0), _LONGEST_PAUSE_S)

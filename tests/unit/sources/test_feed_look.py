"""One look at a feed, before anything is published."""

from __future__ import annotations

from base64 import b64encode

from pipeline.settings import Producer
from pipeline.sources.cursor import FeedMark
from pipeline.sources.feed import look
from pipeline.sources.feed_config import FeedConfig
from web import page, serving

SETTINGS = Producer(fetch_private=True)
BAD_ENTRY = b"<rss version='2.0'><channel><title>Norr</title><item><guid>1</guid></item></channel></rss>"


def test_a_login_goes_to_its_server_and_into_no_dead_letter() -> None:
    with serving() as web:
        web.pages["/rss?n=1"] = page(200, BAD_ENTRY)
        url = f"http://desk:s3cret@127.0.0.1:{web.port}/rss?n=1"
        found = look(FeedConfig("norr", url, 60.0, "Norr"), FeedMark("norr", url, url), SETTINGS)
        sent = web.requests[0][1]["Authorization"]
    assert sent == "Basic " + b64encode(b"desk:s3cret").decode()
    assert found.mark.url == url, "it is needed again"
    assert found.document is not None
    [item] = found.document.items
    assert item.error is not None
    assert item.file == f"http://127.0.0.1:{web.port}/rss?n=1"

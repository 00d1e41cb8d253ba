"""Fetching from a server that may be slow, large, moved, gone or malicious."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

import pytest

from pipeline.settings import Producer
from pipeline.sources import fetch as module
from pipeline.sources.fetch import Fetched, FetchError, Gone, NotModified, fetch
from web import Web, conditional, page, serving

SETTINGS = Producer(fetch_private=True, fetch_timeout_s=120.0, fetch_max_bytes=10_000)


@pytest.fixture
def web() -> Iterator[Web]:
    with serving() as w:
        yield w


def get(web: Web, path: str, settings: Producer = SETTINGS) -> Fetched | NotModified | Gone:
    return fetch(web.url(path), settings=settings)


def failure(web: Web, path: str, settings: Producer = SETTINGS) -> FetchError:
    with pytest.raises(FetchError) as caught:
        get(web, path, settings)
    return caught.value


def test_a_document_and_what_the_next_request_needs(web: Web) -> None:
    web.pages["/a"] = conditional(b"<rss/>", '"v1"')
    first = get(web, "/a")
    assert first == Fetched(b"<rss/>", web.url("/a"), '"v1"', "Fri, 24 Mar 2023 11:00:00 GMT")
    again = fetch(web.url("/a"), settings=SETTINGS, etag='"v1"', last_modified="Fri, 24 Mar 2023 11:00:00 GMT")
    assert again == NotModified(web.url("/a"))
    assert web.requests[1][1]["If-Modified-Since"] == "Fri, 24 Mar 2023 11:00:00 GMT"
    assert "If-None-Match" not in web.requests[0][1]


def test_gzip_is_unpacked(web: Web) -> None:
    web.pages["/a"] = page(200, gzip.compress(b"<rss/>"), Content_Encoding="gzip")
    found = get(web, "/a")
    assert isinstance(found, Fetched)
    assert found.body == b"<rss/>"
    assert web.requests[0][1]["Accept-Encoding"] == "gzip"


def test_what_follows_the_gzip_data_is_not_read_for_it_may_never_end(web: Web) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(gzip.compress(b"<rss/>"))
        while True:  # until the client has enough
            handler.wfile.write(bytes(10_000))

    web.pages["/a"] = endless
    found = get(web, "/a")
    assert isinstance(found, Fetched)
    assert found.body == b"<rss/>"


def test_gone(web: Web) -> None:
    web.pages["/a"] = page(410)
    assert get(web, "/a") == Gone()


@pytest.mark.parametrize(
    ("hops", "remembered"),
    [
        ([301], "/1"),
        ([308, 301], "/2"),
        ([302], "/0"),
        ([307, 301], "/0"),
        ([301, 302, 301], "/1"),
    ],
)
def test_only_what_is_permanent_is_remembered(web: Web, hops: list[int], remembered: str) -> None:
    for n, status in enumerate(hops):
        web.pages[f"/{n}"] = page(status, Location=f"/{n + 1}")
    web.pages[f"/{len(hops)}"] = page(200, b"<rss/>")
    found = get(web, "/0")
    assert isinstance(found, Fetched)
    assert (found.body, found.url) == (b"<rss/>", web.url(remembered))


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/a", "more than 5 redirects"),
        ("file:///etc/passwd", "only http and https"),
        ("ftp://127.0.0.1/x", "only http and https"),
        ("javascript:alert(1)", ""),
        ("http://[bad", ""),
        ("http://no-such-host.invalid/", ""),
        ("", "without an address"),
    ],
)
def test_redirects_that_lead_nowhere(web: Web, location: str, said: str) -> None:
    web.pages["/a"] = page(302, Location=location)
    assert said in str(failure(web, "/a"))


def test_private_addresses_are_refused(web: Web) -> None:
    public_only = replace(SETTINGS, fetch_private=False)
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(FetchError):
            fetch(web.url("/a", host), settings=public_only)
    assert web.requests == []


def test_a_redirect_to_a_private_address_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_public", lambda address: address == "127.0.0.1")
    web.pages["/a"] = page(302, Location=web.url("/b", "127.0.0.2"))
    error = failure(web, "/a", replace(SETTINGS, fetch_private=False))
    assert "127.0.0.2 is at a private address" in str(error)
    assert [path for path, _ in web.requests] == ["/a"]


def test_the_connection_is_made_to_the_address_that_was_checked(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("feed.invalid", web.port)
        return ["127.0.0.1"]

    monkeypatch.setattr(module, "resolve", resolve)
    web.pages["/a"] = page(200, b"<rss/>")
    found = fetch(web.url("/a", "feed.invalid"), settings=SETTINGS)
    assert isinstance(found, Fetched)
    assert web.requests[0][1]["Host"] == f"feed.invalid:{web.port}"


def test_a_host_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["8.8.8.8", "10.0.0.1"]

    monkeypatch.setattr(module, "resolve", resolve)
    with pytest.raises(FetchError, match="private"):
        fetch("http://feed.invalid/", settings=Producer())


def test_an_address_that_refuses_gives_way_to_the_next(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.3", "127.0.0.1"]  # nothing listens at the first

    monkeypatch.setattr(module, "resolve", resolve)
    web.pages["/a"] = page(200, b"<rss/>")
    assert isinstance(fetch(web.url("/a", "feed.invalid"), settings=SETTINGS), Fetched)


def test_a_large_answer_is_refused(web: Web) -> None:
    web.pages["/exact"] = page(200, b"x" * 10_000)
    web.pages["/large"] = page(200, b"x" * 10_001)
    found = get(web, "/exact")
    assert isinstance(found, Fetched)
    assert len(found.body) == 10_000
    assert "larger than 10000 bytes" in str(failure(web, "/large"))


def test_a_gzip_bomb_is_refused(web: Web) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    web.pages["/a"] = page(200, bomb, Content_Encoding="gzip")
    assert "larger than 10000 bytes" in str(failure(web, "/a"))


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (gzip.compress(b"x" * 100, mtime=0)[:-9], "gzip", "cut off"),
        (b"not gzip", "gzip", "damaged"),
        (b"x", "br", "compressed with br"),
        (gzip.compress(gzip.compress(b"x", mtime=0), mtime=0), "gzip, gzip", "compressed with gzip, gzip"),
    ],
)
def test_a_body_that_cannot_be_unpacked(web: Web, body: bytes, encoding: str, said: str) -> None:
    web.pages["/a"] = page(200, body, Content_Encoding=encoding)
    assert said in str(failure(web, "/a"))


def test_a_body_that_is_cut_off_is_an_error(web: Web) -> None:
    web.pages["/a"] = page(200, b"<rss>", Content_Length="100")
    failure(web, "/a")


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A header now and then, for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for n in range(1000):
        handler.wfile.write(f"X-{n}: x\r\n".encode())
        time.sleep(0.02)


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """A byte of the body now and then."""
    page(200, b"", Content_Length="1000")(handler)
    for _ in range(1000):
        handler.wfile.write(b"x")
        time.sleep(0.02)


@pytest.mark.parametrize("answer", [drip, trickle])
def test_a_slow_server_does_not_hold_us_up(web: Web, answer: object) -> None:
    web.pages["/a"] = answer  # type: ignore[assignment]
    error = failure(web, "/a", replace(SETTINGS, fetch_timeout_s=0.3))
    assert "no whole answer within 0.3 s" in str(error)


@pytest.mark.parametrize("status", [204, 400, 403, 404, 500, 503])
def test_other_answers_are_errors(web: Web, status: int) -> None:
    web.pages["/a"] = page(status)
    assert f"the server answers {status}" in str(failure(web, "/a"))


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("120", 120, 120),
        ("Fri, 24 Mar 2023 11:00:00 GMT", 0, 0),
        ("Fri, 24 Mar 2090 11:00:00 GMT", 1e8, 1e10),
    ],
)
def test_retry_after(web: Web, value: str, low: float, high: float) -> None:
    web.pages["/a"] = page(429, Retry_After=value)
    wait = failure(web, "/a").retry_after_s
    assert wait is not None
    assert low <= wait <= high


def test_retry_after_that_says_nothing(web: Web) -> None:
    web.pages["/a"] = page(503, Retry_After="soon")
    assert failure(web, "/a").retry_after_s is None


@pytest.mark.parametrize(
    "url", ["http://", "norr.example/atom", "http://exa mple/", "http://127.0.0.1:99999/", "x" * 70_000]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(FetchError):
        fetch(url, settings=SETTINGS)

"""One HTTP GET, as careful as a fetch of what strangers serve must be.

Bounded in time (all of it, slow headers too) and in size (after decompression), conditional (ETag, Last-Modified), and
only to public addresses: every host name, also one that a redirect names, is resolved here and the connection is made
to the address that was checked, so that a second answer of the name server cannot lead elsewhere.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from pipeline import __version__
from pipeline.errors import RetryableError
from pipeline.settings import Producer
from pipeline.sources import dates
from pipeline.sources.addresses import is_public, resolve

_MAX_REDIRECTS = 5
_MAX_ADDRESSES = 4
_PERMANENT = {301, 308}
_REDIRECTS = _PERMANENT | {302, 303, 307}
_HEADERS = {
    "User-Agent": f"wirefuse/{__version__}",
    "Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1",
    "Accept-Encoding": "gzip",
}


class FetchError(RetryableError):
    """The fetch failed; it may do better later.

    Args:
        detail: what happened, for a person.
        retry_after_s: how long the server asks to be left alone.
    """

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document.

    Attributes:
        url: where to ask from now on: the address after permanent redirects.
        etag, last_modified: for the next conditional request.
    """

    body: bytes = field(repr=False)
    url: str
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The document is the one that was fetched before (304)."""

    url: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The document is gone for good (410)."""


def fetch(
    url: str, *, settings: Producer, etag: str | None = None, last_modified: str | None = None
) -> Fetched | NotModified | Gone:
    """Fetch a document.

    Args:
        url: http or https.
        settings: `fetch_timeout_s`, `fetch_max_bytes`, `fetch_private`.
        etag, last_modified: of the document that is known, as the server gave them.

    Raises:
        FetchError: anything else than an answer of 200, 304 or 410 within the limits.
    """
    conditions = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = _HEADERS | {name: value for name, value in conditions.items() if value}
    return asyncio.run(_within(url, headers, settings))


def without_login(url: str) -> str:
    """An address as it may be told: its user and password go to its server alone."""
    return str(httpx.URL(url).copy_with(userinfo=b""))


async def _within(url: str, headers: Mapping[str, str], settings: Producer) -> Fetched | NotModified | Gone:
    try:
        async with asyncio.timeout(settings.fetch_timeout_s):
            return await _follow(url, headers, settings)
    except (TimeoutError, httpx.TimeoutException):
        raise FetchError(f"no whole answer within {settings.fetch_timeout_s:g} s (producer.fetch_timeout_s)") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as e:
        raise FetchError(str(e) or type(e).__name__) from e


async def _follow(url: str, headers: Mapping[str, str], settings: Producer) -> Fetched | NotModified | Gone:
    """Ask, and follow redirects by hand: each of them may lead into our network."""
    target, lasting, permanent = httpx.URL(url), url, True
    for _ in range(_MAX_REDIRECTS + 1):
        async with _get(target, headers, settings) as response:
            if response.status_code not in _REDIRECTS:
                return await _answer(response, lasting, settings)
            location = response.headers.get("Location")
            if not location:
                raise FetchError(f"a redirect ({response.status_code}) without an address")
            permanent = permanent and response.status_code in _PERMANENT
            target = target.join(location)
            if permanent:
                lasting = str(target)
    raise FetchError(f"more than {_MAX_REDIRECTS} redirects")


@asynccontextmanager
async def _get(url: httpx.URL, headers: Mapping[str, str], settings: Producer) -> AsyncIterator[httpx.Response]:
    if url.scheme not in ("http", "https") or not url.host:
        raise FetchError(f"only http and https addresses are fetched, not {str(url)[:100]!r}")
    port = url.port or (443 if url.scheme == "https" else 80)
    if port > 65535:
        raise FetchError(f"{port} is no port")
    addresses = await resolve(url.raw_host.decode("ascii"), port)
    if not settings.fetch_private and not all(is_public(a) for a in addresses):
        raise FetchError(f"{url.host} is at a private address; producer.fetch_private allows that")
    async with httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=settings.fetch_timeout_s) as client:
        response = await _connect(client, url, addresses[:_MAX_ADDRESSES], headers)
        try:
            yield response
        finally:
            await response.aclose()


async def _connect(
    client: httpx.AsyncClient, url: httpx.URL, addresses: list[str], headers: Mapping[str, str]
) -> httpx.Response:
    """Ask the first of the addresses that can be reached; the server and its certificate see the name."""
    failure: httpx.TransportError | None = None
    for address in addresses:
        request = client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={**headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )
        try:
            return await client.send(request, stream=True, follow_redirects=False)
        except httpx.ConnectError as e:
            failure = e
    raise failure or FetchError(f"{url.host} has no address")


async def _answer(response: httpx.Response, url: str, settings: Producer) -> Fetched | NotModified | Gone:
    match response.status_code:
        case 200:
            body = await _body(response, settings.fetch_max_bytes)
            headers = response.headers
            return Fetched(body, url, headers.get("ETag"), headers.get("Last-Modified"))
        case 304:
            return NotModified(url)
        case 410:
            return Gone()
        case status:
            raise FetchError(f"the server answers {status}", _retry_after(response.headers.get("Retry-After")))


async def _body(response: httpx.Response, limit: int) -> bytes:
    """The body, decompressed here: httpx would unpack a bomb before its size could be looked at."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise FetchError(f"the answer is compressed with {encoding}, which was not asked for")
    unpack = zlib.decompressobj(wbits=31) if encoding in ("gzip", "x-gzip") else None
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk if unpack is None else unpack.decompress(chunk, limit - len(body) + 1)
            if len(body) > limit:
                raise FetchError(f"the answer is larger than {limit} bytes (producer.fetch_max_bytes)")
            if unpack is not None and unpack.eof:
                break  # what follows is no part of the document, and zlib would keep all of it
    except zlib.error as e:
        raise FetchError(f"the answer's gzip data is damaged: {e}") from e
    if unpack is not None and not unpack.eof:
        raise FetchError("the answer's gzip data is cut off")
    return bytes(body)


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number or an HTTP date."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, dates.parse_rfc822(text).time.timestamp() - time.time())
    except ValueError:
        return None


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()

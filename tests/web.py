"""A web server on the loopback interface for the tests of fetching: it answers what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """The server; `pages` says what a path answers, `requests` what was asked (path, headers)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def page(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer; underscores in header names stand for hyphens."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def conditional(body: bytes, etag: str) -> Answer:
    """A page that answers 304 to who has it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        known = handler.headers.get("If-None-Match") == etag
        (page(304, ETag=etag) if known else page(200, body, ETag=etag, Last_Modified="Fri, 24 Mar 2023 11:00:00 GMT"))(
            handler
        )

    return answer


@contextmanager
def serving() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.requests.append((self.path, dict(self.headers)))
            try:
                web.pages.get(self.path, page(404))(self)
            except ConnectionError:
                pass  # the client had enough

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

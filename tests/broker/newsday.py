"""A working day of a wire in a minute: the whole chain, sources of every kind, and all that goes wrong with them."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

import streams
from chain import LiveChain, running
from pipeline.settings import Settings, as_environment
from web import Web, page, serving
from workers import PATIENCE_S, ROOT, send

FOLDERS = ("agency", "regional", "desk")
FEEDS = ("gazette", "harbour")
SETTINGS = {"producer.fetch_private": True}
"""What the chain's settings must hold: the feeds are on the loopback interface."""
_NONSENSE = ('{"id": "x1", "text": 5}', "no JSON at all", '{"id": "x2"}', '{"text": "without an id"}')


class Newsday:
    """Brings rows to a running chain, a portion at each call of `tick`.

    Args:
        rows: articles as `streams.mixed` makes them.
    """

    def __init__(self, chain: LiveChain, web: Web, folder: Path, rows: Sequence[streams.Row]) -> None:
        self.chain = chain
        self._web = web
        self._folder = folder
        self._rows = iter(rows)
        self._entries: dict[str, list[streams.Row]] = {name: [] for name in FEEDS}
        self._rng = random.Random(3)
        self._ticks = 0
        for name in FOLDERS:
            (folder / name).mkdir(parents=True)
        for name in FEEDS:
            self._publish_feed(name)
        web.pages["/broken"] = page(503)

    def config(self) -> Path:
        """The file of sources for `wirefuse feeds`."""
        text = "".join(
            f'[[feed]]\nname = "{name}"\nurl = "{self._web.url("/" + name)}"\ninterval_s = 2\n'
            for name in (*FEEDS, "broken")
        )
        text += "".join(
            f'[[folder]]\nname = "{name}"\npath = "{name}"\ninterval_s = 1\nprovider = "{name}"\n' for name in FOLDERS
        )
        file = self._folder / "feeds.toml"
        file.write_text(text)
        return file

    def tick(self, articles: int, hostile_every: int = 5) -> int:
        """Bring so many more articles, one entry of them by each feed.

        Args:
            hostile_every: each so many ticks, what no stage can use comes by each folder, and straight onto `raw`.

        Returns:
            How many there were left to bring.
        """
        self._ticks += 1
        portion = [row for _, row in zip(range(articles), self._rows, strict=False)]
        by_feed, by_file = portion[: len(FEEDS)], portion[len(FEEDS) :]
        for name, row in zip(FEEDS, by_feed, strict=False):
            if row.get("text"):
                self._entries[name] = [row, *self._entries[name][:19]]
                self._publish_feed(name)
        for n, folder in enumerate(FOLDERS):
            rows = [row | {"provider": folder} for row in by_file[n :: len(FOLDERS)]]
            lines = b"".join(streams.lines(rows))
            if self._ticks % hostile_every == n:
                lines += self._rng.choice(_NONSENSE).encode() + b"\n" + _odd(self._ticks)
            if lines:
                made = self._folder / folder / f"{self._ticks:05d}.jsonl.part"
                made.write_bytes(lines)
                made.rename(made.with_suffix(""))
        if self._ticks % hostile_every == len(FOLDERS):
            send(self.chain.settings, [b"\x00 straight onto the topic"])
        self.chain.supervisor.tend()
        return len(portion)

    def _publish_feed(self, name: str) -> None:
        items = "".join(
            f"<item><guid>{row['id']}</guid><title>{escape(row.get('title') or 'News')}</title>"
            f"<description>{escape(row['text'])}</description></item>"
            for row in self._entries[name]
        )
        body = f"<rss version='2.0'><channel><title>{name}</title>{items}</channel></rss>".encode()
        self._web.pages[f"/{name}"] = page(200, body)


def _odd(n: int) -> bytes:
    """An article under an embargo, and one whose language and embargo cannot be read."""
    held = {"id": f"held-{n}", "text": f"Statement {n} of the ministry.", "embargoed_until": "2099-01-01T00:00:00Z"}
    bad = {"id": f"odd-{n}", "text": f"Statement {n} of the union.", "language": 7, "embargoed_until": "soon"}
    return b"".join(streams.lines([held, bad]))


@contextmanager
def newsday(settings: Settings, folder: Path, rows: Sequence[streams.Row]) -> Iterator[Newsday]:
    """The chain and `wirefuse feeds`, running; topics must be there."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WIREFUSE_")} | as_environment(settings)
    with serving() as web, running(settings) as chain:
        day = Newsday(chain, web, folder, rows)
        with (folder / "feeds.log").open("ab") as log:
            command = [sys.executable, "-m", "pipeline.cli", "feeds", str(day.config())]
            feeds = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)
        try:
            yield day
            assert feeds.poll() is None, (folder / "feeds.log").read_text()[-3000:]
        finally:
            feeds.terminate()
            feeds.wait(PATIENCE_S)

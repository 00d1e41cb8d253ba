"""Follows feeds and folders until stopped: fetches in threads, publishes in one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pipeline.errors import FatalError
from pipeline.metrics import Metrics
from pipeline.settings import Producer, Settings
from pipeline.sources import feed as feeds
from pipeline.sources.cursor import Cursors, FeedMark, Mark
from pipeline.sources.feed_config import FeedConfig, FolderConfig, SourcesConfig
from pipeline.sources.fetch import without_login
from pipeline.sources.files import FilePublisher, file_key
from pipeline.sources.folder import Folder
from pipeline.sources.formats import shown
from pipeline.sources.meters import SourceMeters
from pipeline.sources.pace import Pacer
from pipeline.sources.publisher import Publisher

_FETCHES = 8
"""Fetches that go on at once."""

_TICK_S = 0.1
_NAMED = 5
"""Files that one message names."""
# With `once`, a file that is being written is waited for so often and so long.
_ONCE_LOOKS = 10
_ONCE_PAUSE_S = 1.0


class _LookThread(threading.Thread):
    """One look at a feed. A daemon: a fetch that hangs must not hold up the end of the process."""

    def __init__(self, config: FeedConfig, known: FeedMark, settings: Producer) -> None:
        super().__init__(name=f"fetch {config.name}", daemon=True)
        self._work = partial(feeds.look, config, known, settings)
        self._look: feeds.Look | None = None
        self.seconds = 0.0

    def run(self) -> None:
        started = time.monotonic()
        self._look = self._work()
        self.seconds = time.monotonic() - started

    def result(self) -> feeds.Look:
        """What it gave, once it is done.

        Raises:
            FatalError: it crashed; the traceback is on standard error.
        """
        if self._look is None:
            raise FatalError(f"{self.name} crashed")
        return self._look


@dataclass(slots=True)
class _Feed:
    config: FeedConfig
    due: float = 0.0
    looks: int = 0
    failures: int = 0
    gone: bool = False
    url: str = ""
    """Where it was at the last look."""
    look: _LookThread | None = None
    """Going on."""


@dataclass(slots=True)
class _Folder:
    folder: Folder
    due: float = 0.0

    @property
    def config(self) -> FolderConfig:
        return self.folder.config


class Following:
    """Publishes what feeds and folders bring.

    Args:
        say: takes one line for a person.
    """

    def __init__(
        self,
        config: SourcesConfig,
        publisher: Publisher[Mark],
        cursors: Cursors,
        settings: Settings,
        *,
        metrics: Metrics | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.failed: set[str] = set()
        """Sources whose last look failed."""
        self._feeds = [_Feed(f, url=f.url) for f in config.feeds]
        self._folders = [_Folder(Folder(f)) for f in config.folders]
        self._publisher = publisher
        self._cursors = cursors
        self._settings = settings
        self._meters = SourceMeters(metrics or Metrics())
        sources: list[FeedConfig | FolderConfig] = [*config.feeds, *config.folders]
        for source in sources:
            self._meters.configured(source.name, source.interval_s, source.quiet_after_s)
        self._say = say

    def run(self, *, once: bool = False) -> None:
        """Follow until stopped; `once`: look at everything once and return.

        Raises:
            Stopped: the user asked to stop.
        """
        while True:
            for feed in self._feeds:
                self._turn(feed, again=not once)
            for folder in self._folders:
                if time.monotonic() >= folder.due:
                    self._look_into(folder.folder, patient=once)
                    folder.due = time.monotonic() + folder.config.interval_s
            if once and all(feed.looks or feed.gone for feed in self._feeds):
                return
            self._publisher.wait(_TICK_S)

    def _turn(self, feed: _Feed, *, again: bool) -> None:
        """Begin a look at a feed that is due, or take in one that is done."""
        if feed.look is not None:
            if not feed.look.is_alive():
                look, seconds, feed.look = feed.look.result(), feed.look.seconds, None
                feed.looks += 1
                self._take(feed, look, seconds, again=again)
            return
        if feed.gone or time.monotonic() < feed.due or (feed.looks and not again):
            return
        if sum(f.look is not None for f in self._feeds) >= _FETCHES:
            return
        known = self._cursors.feed(feed.config.name, feed.config.url)
        if known.gone:
            self._give_up(feed)
        else:
            feed.look = _LookThread(feed.config, known, self._settings.producer)
            feed.look.start()

    def _take(self, feed: _Feed, look: feeds.Look, seconds: float, *, again: bool) -> None:
        name = feed.config.name
        if look.error is not None:
            feed.failures += 1
            self._failed(name, seconds)
        else:
            feed.failures = 0
            items = look.document.items if look.document else ()
            published = feeds.publish(items, look.mark, self._publisher, self._cursors)
            self._succeeded(name, "ok" if look.document else "gone" if look.mark.gone else "not_modified", seconds)
            if published:
                self._meters.items(name, published)
                self._say(f"{name}: {published} new or changed")
        if look.mark.url != feed.url:
            feed.url = look.mark.url
            self._say(f"{name}: has moved for good to {without_login(feed.url)}")
        if look.mark.gone:
            self._give_up(feed)
            return
        pause = feeds.pause_s(feed.config, look, feed.failures)
        feed.due = time.monotonic() + pause
        if look.error is None:
            self._meters.interval(name, pause)
        else:
            self._say(f"{name}: {look.error}" + (f"; next look in {pause:.0f} s" if again else ""))

    def _give_up(self, feed: _Feed) -> None:
        feed.gone = True
        self._say(f"{feed.config.name}: is gone for good (410) and not looked at again; remove it, or change its url")

    def _look_into(self, folder: Folder, *, patient: bool) -> None:
        name = folder.config.name
        started = time.monotonic()
        job = FilePublisher(
            self._publisher,
            self._cursors,
            replace(self._settings.producer, provider=folder.config.provider),
            Pacer(None, time.monotonic),
            on_item=lambda path, item: self._meters.items(name, 1),
            say=self._say if name not in self.failed else lambda line: None,
            links=folder.config.links,
        )
        try:
            for _ in range(_ONCE_LOOKS if patient else 1):
                for path in folder.ready():
                    job.publish_file(path)
                self._publisher.flush()
                if not (folder.waiting and patient):
                    break
                self._publisher.wait(_ONCE_PAUSE_S)
        except OSError as e:
            if name not in self.failed:
                self._say(f"{name}: {folder.config.path} cannot be listed: {e.strerror or e}")
            self._failed(name, time.monotonic() - started)
            return
        if folder.links:
            names = ", ".join(shown(path) for path in folder.links[:_NAMED])
            more = ", ..." if len(folder.links) > _NAMED else ""
            self._say(f"{name}: left out because they are links: {names}{more}; `links = true` takes them")
        self._cursors.forget_files(file_key(folder.config.path), map(file_key, folder.present))
        if job.report.published:
            self._say(f"{name}: {job.report.published} files")
        seconds = time.monotonic() - started
        if job.report.failed:
            self._failed(name, seconds)
        else:
            self._succeeded(name, "ok" if job.report.published else "not_modified", seconds)

    def _failed(self, name: str, seconds: float) -> None:
        self.failed.add(name)
        self._meters.looked(name, "error", seconds)

    def _succeeded(self, name: str, result: str, seconds: float) -> None:
        self.failed.discard(name)
        self._meters.looked(name, result, seconds)

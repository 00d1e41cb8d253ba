"""What a chain needs of the machine that it runs on: files, disk, model, sink."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from pipeline.doctor.finding import Finding, fail, ok, warn
from pipeline.errors import FatalError, RetryableError, SettingsError
from pipeline.settings import Settings, catalogue

_GIB = 2**30
_DISK_FAIL = _GIB // 4
_DISK_WARN = 2 * _GIB
# Names in it that any pipeline should find, with a label of ours or one that is mapped.
_SENTENCE = "The government of France said on Monday that a train from Paris to Berlin had derailed."


def check_settings(settings: Settings) -> Iterator[Finding]:
    """That secrets lie in files which nobody else reads, and that the file of publishers can be used.

    What contradicts itself never gets so far.
    """
    from pipeline.incidents.publishers import load_publishers

    secret = ("sasl_password_file", "tls_key_file", "tls_key_password_file")
    open_to_all = [
        f"broker.{key} ({path})"
        for key in secret
        if (path := getattr(settings.broker, key)) and _others_may_read(Path(path).expanduser())
    ]
    if open_to_all:
        yield warn("settings", f"others may read {', '.join(open_to_all)}", "chmod 600, or 640 with a group of its own")
    try:
        load_publishers(settings.incidents.publishers)
    except SettingsError as e:
        yield fail("settings", f"{e}: the incidents stage will not start", "mend the file, or the setting")
    files = sorted({where for where in settings.origin.values() if where not in _sources_without_file()})
    given = f"{len(settings.origin)} settings differ from their defaults"
    yield ok("settings", f"{given}; file: {', '.join(files) or 'none'}")


def _sources_without_file() -> set[str]:
    return {"--set", "WIREFUSE_BROKER", "WIREFUSE_DATA_DIR", *(info.env for info in catalogue().values())}


def _others_may_read(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False  # that it cannot be read is what the broker's check says


def check_disk(settings: Settings) -> Iterator[Finding]:
    """That the data directory can be written and has room."""
    directory = settings.data_dir
    there = directory
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        yield fail("disk", f"{directory} cannot be made: {there} is no folder", "set data.dir to one")
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield fail(
            "disk",
            f"{directory} cannot be written by this user: workers keep their crash marks and ports there",
            f"give the user write access to {there}, or set data.dir",
        )
        return
    free = shutil.disk_usage(there).free
    text = f"{free / _GIB:.1f} GiB free for {directory}"
    if free < _DISK_FAIL:
        yield fail("disk", f"{text}: the sink and the local broker will stop", "make room, or set data.dir")
    elif free < _DISK_WARN:
        yield warn("disk", text, "make room, or set data.dir to a larger disk")
    else:
        yield ok("disk", text)


def check_model(settings: Settings) -> Iterator[Finding]:
    """That the entity model loads, finds names, and gives labels that we know."""
    from pipeline.entities.load import label_map, load_pipeline

    try:
        nlp = load_pipeline(settings.entities.model, settings.entities.aliases)
        labels = label_map(nlp, settings.entities.labels)
    except SettingsError as e:
        yield fail("model", str(e), "mend the setting: entities.model, entities.labels or entities.aliases")
        return
    found = [span for span in nlp(_SENTENCE).ents if labels.get(span.label_)]
    name = f"{nlp.meta['name']} {nlp.meta['version']}"
    if not found:
        yield warn(
            "model",
            f"{name} loads, and finds no name in a sentence with three: incidents will hardly have anything to go by",
            "look at entities.model and entities.labels",
        )
    else:
        ours = ", ".join(sorted({label for label in labels.values() if label}))
        yield ok("model", f"{name} loads; its labels become {ours}")


def check_sink(settings: Settings) -> Iterator[Finding]:
    """That the sink can be written now, and has a schema that this version knows."""
    from pipeline.sink.probe import probe

    try:
        state = probe(settings.sink_url)
    except RetryableError as e:
        yield fail("sink", f"{e}: the sink stage waits and writes nothing", "bring the store back, or mend sink.url")
    except (FatalError, SettingsError) as e:
        yield fail("sink", f"{e}: the sink stage will not start", "mend it, or name another store with sink.url")
    else:
        if state.version is None:
            yield ok("sink", f"{state.shown} can be written")
        elif state.version == 0:
            yield ok("sink", f"{state.shown} can be made; nothing has been written yet")
        elif state.version == state.latest:
            yield ok("sink", f"{state.shown} can be written; schema version {state.version}")
        else:
            yield warn(
                "sink",
                f"{state.shown} has schema version {state.version}, this Wirefuse writes {state.latest}",
                "the sink stage will bring it up to date when it starts; make a backup before",
            )


def check_feeds(settings: Settings, file: Path) -> Iterator[Finding]:
    """That the file of `wirefuse feeds` can be read, and its folders are there."""
    from pipeline.sources.feed_config import load_sources

    try:
        sources = load_sources(file, settings.producer)
    except SettingsError as e:
        yield fail("feeds", str(e), f"mend {file}; `wirefuse feeds --help` shows how one looks")
        return
    gone = [str(folder.path) for folder in sources.folders if not folder.path.is_dir()]
    if gone:
        yield warn("feeds", f"{file}: no folder {', '.join(gone)}", "make it; it is looked for again and again")
    yield ok("feeds", f"{file}: {len(sources.feeds)} feeds, {len(sources.folders)} folders")

"""A user's file of aliases that changes while a worker runs."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from pipeline.entities.alias_file import AliasFile
from pipeline.entities.annotator import Annotator
from pipeline.entities.gazetteer import Name, load_aliases
from pipeline.entities.pool import Pool
from pipeline.errors import InvalidEvent, SettingsError
from pipeline.records import Annotation
from pipeline.settings import Entities

from .articles import article

TARN = '[[name]]\nname = "Wolves of the Tarn"\nlabel = "ORG"\nforms = ["WOT", "Tarn Wolves"]\n'
LAKE = '[[name]]\nname = "Lake Guard"\nlabel = "ORG"\nforms = ["WOT"]\n'
WRONG = '[[name]]\nname = "Lake Guard"\nlabel = "GANG"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "aliases.toml"
    path.write_text(TARN)
    return path


def replace(path: Path, content: str) -> None:
    """As editors do: a new file in place of the old one."""
    new = path.with_suffix(".new")
    new.write_text(content)
    new.replace(path)


def names(aliases: AliasFile) -> list[str]:
    return [name.canonical for name in aliases.names]


def test_a_changed_file_is_read_again(file: Path) -> None:
    aliases = AliasFile(file)
    assert names(aliases) == ["Wolves of the Tarn"]
    assert not aliases.refresh()
    replace(file, LAKE)
    assert aliases.refresh()
    assert names(aliases) == ["Lake Guard"]
    with file.open("a") as f:  # written in place
        f.write(TARN)
    assert aliases.refresh()
    assert names(aliases) == ["Lake Guard", "Wolves of the Tarn"]
    assert not aliases.refresh()


def test_the_same_names_in_a_newer_file_are_no_change(file: Path) -> None:
    aliases = AliasFile(file)
    before = aliases.names
    replace(file, f"# a note\n{TARN}")
    assert not aliases.refresh()
    assert aliases.names is before


def test_a_wrong_file_keeps_the_old_names_and_is_said_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    aliases = AliasFile(file)
    replace(file, WRONG)
    with caplog.at_level(logging.INFO):
        assert [aliases.refresh() for _ in range(3)] == [False] * 3
    (said,) = caplog.messages
    assert str(file) in said
    assert "`label` must be one of" in said
    assert "1 names read before stay in force" in said
    assert names(aliases) == ["Wolves of the Tarn"]
    replace(file, LAKE)
    assert aliases.refresh()


def test_a_file_that_goes_and_comes_back(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    aliases = AliasFile(file)
    file.unlink()
    assert [aliases.refresh() for _ in range(3)] == [False] * 3
    assert len(caplog.messages) == 1
    assert "cannot be read" in caplog.text
    assert names(aliases) == ["Wolves of the Tarn"]
    file.write_text(LAKE)
    assert aliases.refresh()
    assert names(aliases) == ["Lake Guard"]


def test_a_change_within_one_tick_of_the_clock_is_seen(file: Path) -> None:
    aliases = AliasFile(file)
    before = file.stat()
    replace(file, TARN.replace("WOT", "WOX"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert aliases.refresh()


def test_a_file_that_is_wrong_at_the_start_is_refused(file: Path) -> None:
    file.write_text(WRONG)
    with pytest.raises(SettingsError, match="`label` must be one of"):
        AliasFile(file)
    with pytest.raises(SettingsError, match="`label` must be one of"):
        Pool(Entities(model="rules", aliases=str(file))).start()


def test_no_file_is_no_names() -> None:
    aliases = AliasFile(None)
    assert not aliases.refresh()
    assert aliases.names == ()


TEXT = "Fighters of WOT met in Oslo. The Tarn Wolves left."


def own_ids(annotation: object) -> set[str | None]:
    assert isinstance(annotation, Annotation)
    return {e.entity_id for e in annotation.entities if e.text in ("WOT", "Tarn Wolves")}


def test_an_annotator_with_new_names_is_as_one_made_with_them(file: Path, tmp_path: Path) -> None:
    annotator = Annotator(Entities(aliases=str(file)))
    (before,) = annotator.annotate([article(TEXT)])
    assert len(own_ids(before)) == 1
    replace(file, LAKE)
    annotator.use_names(load_aliases(file))
    after = annotator.annotate([article(TEXT)])
    assert after == Annotator(Entities(aliases=str(file))).annotate([article(TEXT)])
    assert after != [before]
    annotator.use_names(())
    assert annotator.annotate([article(TEXT)]) == Annotator(Entities()).annotate([article(TEXT)])


def test_all_processes_annotate_a_batch_with_the_names_of_that_batch(file: Path) -> None:
    settings = Entities(processes=2, aliases=str(file))
    pool = Pool(settings)
    pool.start()
    batch = [article(f"{TEXT} {n}", native_id=str(n)) for n in range(8)]

    async def thrice() -> list[list[Annotation | InvalidEvent]]:
        found = []
        for content in (TARN, LAKE, WRONG):
            replace(file, content)
            found.append(await pool.annotate(batch))
        return found

    try:
        tarn, lake, wrong = asyncio.run(thrice())
    finally:
        pool.stop()
    assert wrong == lake
    assert lake != tarn
    replace(file, TARN)
    one = Annotator(Entities(aliases=str(file)))
    assert tarn == one.annotate(batch)
    replace(file, LAKE)
    one.use_names(load_aliases(file))
    assert lake == one.annotate(batch)


def test_many_names_are_taken_up_soon(tmp_path: Path) -> None:
    own = tuple(Name(f"Band {n} of the Tarn", "ORG", (f"Band {n} of the Tarn", f"BT{n}")) for n in range(5_000))
    annotator = Annotator(Entities())
    annotator.use_names(own)
    (found,) = annotator.annotate([article("BT4999 met Band 4999 of the Tarn.")])
    assert isinstance(found, Annotation)
    assert len({e.entity_id for e in found.entities if e.label == "ORG"}) == 1

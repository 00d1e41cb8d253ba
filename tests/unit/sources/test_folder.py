"""A watched folder gives files that have stopped changing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.settings import Producer
from pipeline.sources.feed_config import FolderConfig
from pipeline.sources.folder import Folder
from pipeline.sources.formats import read_file


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def watch(tmp_path: Path) -> tuple[Folder, Clock]:
    clock = Clock()
    return Folder(FolderConfig("drop", tmp_path, 10.0, ""), clock), clock


def write(path: Path, data: str, at: float) -> Path:
    path.write_text(data)
    os.utime(path, (at, at))
    return path


def test_a_file_that_is_being_written_is_left_until_it_rests(tmp_path: Path) -> None:
    folder, clock = watch(tmp_path)
    path = write(tmp_path / "a.txt", "half", clock.now)
    assert (folder.ready(), folder.waiting) == ([], 1)
    clock.now += 10
    write(path, "half and half", clock.now)
    assert folder.ready() == []
    clock.now += 10
    assert (folder.ready(), folder.waiting) == ([path], 0)


def test_a_file_that_lay_there_before_is_taken_at_once(tmp_path: Path) -> None:
    folder, clock = watch(tmp_path)
    old = write(tmp_path / "old.txt", "x", clock.now - 11)
    write(tmp_path / "new.txt", "x", clock.now - 9)
    assert folder.ready() == [old]


def test_a_file_that_was_renamed_into_place_is_taken_at_once(tmp_path: Path) -> None:
    folder, clock = watch(tmp_path)
    part = write(tmp_path / "a.txt.part", "x", clock.now - 1)
    assert (folder.ready(), folder.waiting) == ([], 0)
    whole = part.rename(tmp_path / "a.txt")
    clock.now += 10
    assert folder.ready() == [whole]


def test_files_that_are_ready_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder, clock = watch(tmp_path)
    for name in ("c.txt", "a.txt", "b.txt"):
        write(tmp_path / name, "x", clock.now - 100)
    assert [p.name for p in folder.ready()] == ["a.txt", "b.txt", "c.txt"]
    assert [p.name for p in folder.present] == ["a.txt", "b.txt", "c.txt"]


def test_a_folder_that_is_not_there_is_a_missing_file(tmp_path: Path) -> None:
    folder, _ = watch(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        folder.ready()


def test_a_link_is_left_out_and_told_once_unless_links_are_wanted(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.txt", "not news", 1.0)
    drop = tmp_path / "drop"
    drop.mkdir()
    link = drop / "a.txt"
    link.symlink_to(secret)
    own = write(drop / "b.txt", "news", 1.0)
    folder = Folder(FolderConfig("drop", drop, 10.0, ""), Clock())
    assert (folder.ready(), folder.links) == ([own], [link])
    assert (folder.ready(), folder.links) == ([own], [])
    assert Folder(FolderConfig("drop", drop, 10.0, "", links=True), Clock()).ready() == [link, own]


def test_a_file_that_becomes_a_link_before_it_is_opened_is_not_read(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.txt", "not news", 1.0)
    (tmp_path / "a.txt").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        list(read_file(tmp_path / "a.txt", Producer(), links=False))

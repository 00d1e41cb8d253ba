"""The crash journal: what a process that died in the middle leaves to the next one."""

from __future__ import annotations

from pathlib import Path

from agents.journal import CrashJournal, Suspect


def reopened(directory: Path) -> CrashJournal:
    journal = CrashJournal(directory)
    journal.open("raw", 0)
    return journal


def test_nothing_is_suspected_after_work_that_was_done(tmp_path: Path) -> None:
    journal = reopened(tmp_path)
    journal.begin("raw", 0, 5, 9)
    journal.done("raw", 0, 5, 9)
    assert CrashJournal(tmp_path).open("raw", 0) is None


def test_what_was_in_work_is_suspected(tmp_path: Path) -> None:
    reopened(tmp_path).begin("raw", 0, 5, 9)
    after = reopened(tmp_path)
    assert after.suspect("raw", 0, 5) == after.suspect("raw", 0, 9) == Suspect(5, 9, 0)
    assert after.suspect("raw", 0, 4) is None
    assert after.suspect("raw", 0, 10) is None


def test_attempts_survive_work_on_earlier_offsets(tmp_path: Path) -> None:
    reopened(tmp_path).begin("raw", 0, 7, 7, attempts=2)
    between = reopened(tmp_path)
    between.begin("raw", 0, 0, 6)
    between.done("raw", 0, 0, 6)
    assert reopened(tmp_path).suspect("raw", 0, 7) == Suspect(7, 7, 2)


def test_the_rest_of_a_suspected_batch_stays_suspected(tmp_path: Path) -> None:
    reopened(tmp_path).begin("raw", 0, 5, 9)
    between = reopened(tmp_path)
    between.begin("raw", 0, 5, 5, attempts=1)
    between.done("raw", 0, 5, 5)
    assert between.suspect("raw", 0, 5) is None
    assert reopened(tmp_path).suspect("raw", 0, 6) == Suspect(6, 9, 0)


def test_work_on_later_offsets_leaves_one_that_is_held_back_suspected(tmp_path: Path) -> None:
    reopened(tmp_path).begin("raw", 0, 7, 7, attempts=1)
    between = reopened(tmp_path)
    between.begin("raw", 0, 8, 20)
    between.done("raw", 0, 8, 20)
    assert between.suspect("raw", 0, 7) == reopened(tmp_path).suspect("raw", 0, 7) == Suspect(7, 7, 1)


def test_a_torn_journal_suspects_nothing(tmp_path: Path) -> None:
    journal = reopened(tmp_path)
    journal.begin("raw", 0, 5, 9)
    (tmp_path / "raw-0").write_bytes(b"12 1")
    assert CrashJournal(tmp_path).open("raw", 0) is None

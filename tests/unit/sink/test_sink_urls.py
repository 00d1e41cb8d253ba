"""Sink URLs: which are understood, and that no message repeats a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import FatalError, RetryableError, SettingsError
from pipeline.sink.base import display_url, open_reader, open_sink
from pipeline.sink.jsonl import JsonLinesSink
from pipeline.sink.sqlite import SqliteSink

SECRET = "hunter2"


def test_the_scheme_names_the_kind_and_the_rest_the_path(tmp_path: Path) -> None:
    database = open_sink(f"sqlite:///{tmp_path}/new folder/100%.db")
    files = open_sink(f"jsonl:///{tmp_path}/out?")
    try:
        assert isinstance(database, SqliteSink)
        assert isinstance(files, JsonLinesSink)
        assert (tmp_path / "new folder" / "100%.db").is_file()
        assert (tmp_path / "out?" / "articles.jsonl").is_file()
    finally:
        database.close()
        files.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://desk:hunter2@db.example/wirefuse",
        "desk:hunter2@db.example",
        "sqlite://desk:hunter2@host/file.db",
        "sqlite:///",
        "sqlite:///:memory:",
        "jsonl://",
        "",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    for opening in (open_sink, open_reader):
        with pytest.raises(SettingsError, match=r"sink\.url: ") as refusal:
            opening(url)
        assert SECRET not in str(refusal.value)


def test_a_database_that_does_not_answer_is_retried_and_its_password_not_shown() -> None:
    for opening in (open_sink, open_reader):
        with pytest.raises(RetryableError, match=r"postgresql://127\.0\.0\.1:1/wirefuse does not answer") as failure:
            opening(f"postgresql://desk:{SECRET}@127.0.0.1:1/wirefuse")
        assert SECRET not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/wirefuse.db", "sqlite:////var/lib/wirefuse.db"),
        (
            "postgresql://desk:hunter2@db.example:5433/wirefuse?password=hunter2",
            "postgresql://db.example:5433/wirefuse",
        ),
        ("postgresql://desk:hunter2@db.example/wirefuse", "postgresql://db.example/wirefuse"),
        ("postgresql://desk:hunter2@db.example:port/wirefuse", "postgresql://..."),
        ("hunter2", "(unreadable sink URL)"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert display_url(url) == shown


@pytest.mark.parametrize("url", ["sqlite:///{}/taken/wirefuse.db", "jsonl:///{}/taken/out"])
def test_a_path_that_cannot_be_made_is_named(url: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(FatalError, match="taken"):
        open_sink(url.format(tmp_path))

"""Plain text: one file, one article."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import InvalidEvent
from pipeline.settings import Producer
from pipeline.sources.formats import read_file
from pipeline.sources.plaintext import parse_text

SETTINGS = Producer()


def test_the_form_of_the_seeds() -> None:
    article, problems = parse_text(
        b" date 2023-03-24 Two trams collided.\n\nNobody was hurt.\n", name="7.txt", settings=SETTINGS
    )
    assert article.text == "Two trams collided.\n\nNobody was hurt.\n"
    assert (article.published, article.published_precision) == (datetime(2023, 3, 24, tzinfo=UTC), "date")
    assert (article.native_id, article.provider, article.title, article.format) == ("7.txt", "unknown", None, "text")
    assert problems == ()


def test_text_without_a_date_is_kept_as_it_is() -> None:
    article, _ = parse_text("\ufeffUp to date 2023-03-24 was a Friday".encode(), name="7.txt.gz", settings=SETTINGS)
    assert (article.text, article.published) == ("Up to date 2023-03-24 was a Friday", None)
    assert article.native_id == "7.txt"


def test_a_date_that_does_not_exist_is_named() -> None:
    article, problems = parse_text(b"date 2023-02-30 Two trams collided.", name="7.txt", settings=SETTINGS)
    assert (article.text, article.published, problems) == ("Two trams collided.", None, ("published",))


@pytest.mark.parametrize(
    ("data", "kind", "named"),
    [(b"", "schema", "no text"), (b" date 2023-03-24 ", "schema", "no text"), (b"caf\xe9", "unsupported", "byte 3")],
)
def test_what_is_no_text_is_refused(data: bytes, kind: str, named: str) -> None:
    with pytest.raises(InvalidEvent, match=named) as caught:
        parse_text(data, name="7.txt", settings=SETTINGS)
    assert caught.value.kind == kind


def test_a_file_over_the_limit_is_refused_with_its_start(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_bytes(b"x" * 5000)
    (item,) = read_file(path, replace(SETTINGS, max_item_bytes=1000))
    assert item.error is not None
    assert item.error.kind == "too_large"
    assert (len(item.raw), item.size) == (1000, 5000)


def test_a_file_that_was_read_gives_nothing_more_until_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Two trams collided.")
    (item,) = read_file(path, SETTINGS)
    assert list(read_file(path, SETTINGS, item.next)) == []
    path.write_text("Two trams collided. Nobody was hurt.")
    (again,) = read_file(path, SETTINGS, item.next)
    assert again.article is not None
    assert again.article.text == "Two trams collided. Nobody was hurt."

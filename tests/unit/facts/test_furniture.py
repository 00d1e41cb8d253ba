"""Page furniture goes, news stays."""

from __future__ import annotations

import pytest

from pipeline.facts.furniture import without_furniture


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("The ferry sank. (Photo: Ana Ruiz, Harbour Post) All were saved.", "The ferry sank. All were saved."),
        ("The ferry sank. (Ana Ruiz/AFP/Getty Images) All were saved.", "The ferry sank. All were saved."),
        ("Enlarge this image toggle caption Ana Ruiz/AP The ferry sank.", "The ferry sank."),
        ("The ferry sank. Photograph: Ana Ruiz/Reuters All were saved.", "The ferry sank. All were saved."),
        ("The ferry sank.\nADVERTISEMENT\nAll were saved.", "The ferry sank. All were saved."),
        ("The ferry sank. Read more: Ten ports to see. All were saved.", "The ferry sank. All were saved."),
        ("The ferry sank. Copyright 2019 Harbour Post. All rights reserved.", "The ferry sank."),
        ("The ferry sank. Follow Ana Ruiz on Twitter. Sign up for our letter!", "The ferry sank."),
        ("Please enable Javascript to watch this video\nThe ferry sank.", "The ferry sank."),
        ("The ferry sank. Anyone with information is asked to call Osk Crime Stoppers.", "The ferry sank."),
        ("The ferry sank. The Harbour Post contributed to this report.", "The ferry sank."),
    ],
)
def test_furniture_goes(text: str, left: str) -> None:
    assert " ".join(without_furniture(text).split()) == left


@pytest.mark.parametrize(
    "text",
    [
        "The court ruled on the copyright of a song, and Reuters/Ipsos polled 1,000 people on it.",
        "He shared a photo of the ferry on Facebook (it has since been deleted). A related case is open.",
        "Twelve people, six of them (two in a critical state) from Ostby, were taken ashore.",
        "The mate had no information on the ferry, and nobody called the coast guard's hot room.",
        "He told AP that an advertisement in the Post had made him sign the petition and/or the letter.",
    ],
)
def test_news_stays(text: str) -> None:
    assert without_furniture(text) == text


def test_a_long_sentence_is_not_lost_to_a_notice_in_it() -> None:
    text = "The ferry " + "and her crew " * 20 + "sank, said the Post, whose notice says all rights reserved."
    assert without_furniture(text) == text


def test_a_text_of_nothing_else_is_left_as_it_is() -> None:
    assert without_furniture("All rights reserved.") == "All rights reserved."


def test_a_picture_that_stands_in_the_text_as_letters_ends() -> None:
    picture = "iVBORw0KGgoAAAANSUhEUgAAAAUA" * 5_000 + "/a"
    assert without_furniture(picture + " Ann Lee/Reuters said") == picture + "   said"

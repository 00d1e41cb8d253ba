"""Language: what the article says, else a guess that knows when not to be made."""

from __future__ import annotations

import pytest

from pipeline.text.language import detect, language_of, normalise_tag


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("EN", "en"),
        ("en_us", "en-US"),
        ("ZH-hant-tw", "zh-Hant-TW"),
        (" de ", "de"),
        ("und", None),
        ("", None),
        ("english", None),
        ("e", None),
        (None, None),
    ],
)
def test_stated_tags(tag: str | None, expected: str | None) -> None:
    assert normalise_tag(tag) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The government said on Monday that it would raise taxes next year to pay for schools and hospitals.", "en"),
        ("El presidente de la república anunció este lunes que dimitirá de su cargo antes de fin de año.", "es"),
        ("Die Bundesregierung hat am Montag beschlossen, die Steuern im kommenden Jahr deutlich zu senken.", "de"),
        ("Президент заявил в понедельник, что правительство уйдёт в отставку до конца текущего года.", "ru"),
        (
            "De regering zei op maandag dat de belastingen volgend jaar omhoog gaan; dat was al bekend.",
            "nl",
        ),
        ("THE DEFICIT, WHICH HAS GROWN SINCE MAY, SURPRISED TRADERS IN OSK, THE BANK SAID IN A STATEMENT.", "en"),
        ("Fed 6.4", None),
        ("12.5 13.7 99 1,000 44-45 12.5 13.7 99 1,000 44-45", None),
        ("", None),
    ],
)
def test_detected(text: str, expected: str | None) -> None:
    assert detect(text) == expected


def test_what_the_article_says_goes_first() -> None:
    english = "The government said on Monday that it would raise taxes next year to pay for schools."
    assert language_of("FR", None, english) == "fr"
    assert language_of("nonsense tag", None, english) == "en"
    assert (
        language_of(None, "Government to raise taxes to pay for schools and hospitals, says minister", "Yes.") == "en"
    )

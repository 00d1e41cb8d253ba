"""The first sentence of a text: an incident without a headline is called by it."""

from __future__ import annotations

import pytest

from pipeline.text.sentences import first_sentence


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Five people died. It was late.", "Five people died."),
        ("The U.S. Environmental Agency said so. It is late.", "The U.S. Environmental Agency said so."),
        ("Gen. J. R. Smith and Lt. Col. Osk left! Then", "Gen. J. R. Smith and Lt. Col. Osk left!"),
        ("They won (No. 3 vs. No. 4). Next.", "They won (No. 3 vs. No. 4)."),
        ("It fell at about 5 p.m. Friday in St. Osk. Then", "It fell at about 5 p.m. Friday in St. Osk."),
        ('"Nobody was hurt." The mayor', '"Nobody was hurt."'),
        ("The army left the U.S.\nIt said", "The army left the U.S."),
        ("no end at all", "no end at all"),
        ("Plan B. Then", "Plan B. Then"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text, 300) == first


def test_a_sentence_without_end_is_cut() -> None:
    assert first_sentence("word " * 1000, 50) == ("word " * 1000)[:50]

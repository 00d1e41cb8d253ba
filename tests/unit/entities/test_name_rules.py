"""The rules over token classes."""

from __future__ import annotations

import pytest

from pipeline.entities import tokenizer
from pipeline.entities.rules import ClassString, matches


@pytest.mark.parametrize("word", ["Police", "National", "Al"])
def test_a_long_run_of_one_word_ends(word: str) -> None:
    nlp = tokenizer.blank()
    doc = nlp(f"{word} " * 4_000 + "and Xyzzy Army Base")
    assert [(doc[m.start : m.end].text, m.label) for m in matches(ClassString()(doc))][:1] == [
        ("Xyzzy Army Base", "FAC")
    ]

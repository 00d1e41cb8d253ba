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


@pytest.mark.parametrize(
    ("word", "head", "label"),
    [
        ("Police", "drone", "PLATFORM"),
        ("Police", "rifle", "WEAPON"),
        ("Xyzzy", "Summit", "EVENT"),
        ("million", "kilometres", "QUANTITY"),
    ],
)
def test_what_stands_before_the_word_that_a_rule_is_about_has_a_limit(word: str, head: str, label: str) -> None:
    nlp = tokenizer.blank()
    doc = nlp(f"{word} " * 300 + head)
    ends = [m for m in matches(ClassString()(doc), [label]) if m.end == len(doc)]
    assert 1 < max(m.end - m.start for m in ends) < 100

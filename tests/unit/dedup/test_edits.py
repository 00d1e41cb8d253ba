"""What was done to a text that was taken over, in shares of its words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dedup.edits import edits
from pipeline.text.words import words

from .streams import story

TEXT = " ".join(story(1, sentences=10, words=10))


def lines(*numbers: int, of: int = 1) -> str:
    return " ".join(story(of, sentences=10, words=10)[n] for n in numbers)


def test_the_same_text_is_kept() -> None:
    found = edits(TEXT, TEXT)
    assert (found.kept, found.changed, found.added, found.cut) == (1, 0, 0, 0)


def test_another_text_is_all_added_and_the_source_all_cut() -> None:
    found = edits(lines(*range(10), of=2), TEXT)
    assert (found.kept, found.changed, found.added, found.cut) == (0, 0, 1, 1)


def test_sentences_cut_added_and_changed_are_told_apart() -> None:
    changed = lines(3).replace(lines(3).split()[5], "instead")
    found = edits(f"{lines(0, 1, 2)} {changed} {lines(0, of=2)}", TEXT)
    assert (round(found.kept, 2), round(found.changed, 2), round(found.added, 2)) == (0.6, 0.2, 0.2)
    assert round(found.cut, 2) == 0.6


def test_no_words_are_no_error() -> None:
    assert edits("", TEXT).cut == 1
    assert edits(TEXT, "").added == 1
    assert edits("", "").kept == 0


@given(st.text(max_size=300), st.text(max_size=300))
def test_shares_are_shares_of_any_texts(copy: str, source: str) -> None:
    found = edits(copy, source)
    for share in (found.kept, found.changed, found.added, found.cut):
        assert -1e-9 <= share <= 1
    assert abs(found.kept + found.changed + found.added - (len(words(copy)) > 0)) < 1e-9

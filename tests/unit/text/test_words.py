"""Words: what counts as one, and hashes that do not depend on how a text is cut or written."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.words import words


def spelled(text: str) -> list[str]:
    found = words(text)
    return [text[a:b] for a, b in zip(found.starts, found.ends, strict=True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Two men, 23 and 31.", ["Two", "men", "23", "and", "31"]),
        ("rose 6.4 pct to 1,200,000.", ["rose", "6.4", "pct", "to", "1,200,000"]),
        ("Biden’s U.S. al-Omar", ["Biden", "s", "U", "S", "al", "Omar"]),
        ("北京日报 reports", ["北", "京", "日", "报", "reports"]),
        ("ข่าว", ["ข", "่", "า", "ว"]),
        ("हिन्दी समाचार", ["हिन्दी", "समाचार"]),
        ("", []),
        ("  —  …  ", []),
        ("1.", ["1"]),
        (".5", ["5"]),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert spelled(text) == expected


@pytest.mark.parametrize("other", ["ERDOGAN", "Erdoğan", "Ｅｒｄｏｇａｎ", "erdogan"])
def test_case_accents_and_width_do_not_count(other: str) -> None:
    assert words(other).hashes.tolist() == words("Erdogan").hashes.tolist()


def test_different_words_have_different_hashes() -> None:
    many = [f"word{n}" for n in range(50_000)] + ["ab", "ba", "aab", "aba", "b a", "0", "00", "1,000", "1000"]
    assert len(set(words("\n".join(many)).hashes.tolist())) == len(set(" ".join(many).split()))


def test_numbers_and_capitals_are_marked() -> None:
    found = words("In 2024 Élan sold 3 ships")
    assert found.number.tolist() == [False, True, False, False, True, False]
    assert found.capital.tolist() == [True, False, True, False, False, False]


@given(st.text(max_size=200), st.text(max_size=200))
def test_a_word_has_the_same_hash_wherever_it_stands(before: str, text: str) -> None:
    joined = words(f"{before}\n{text}").hashes.tolist()
    alone = words(text).hashes.tolist()
    assert joined[len(joined) - len(alone) :] == alone


def test_texts_longer_than_a_slice_have_the_words_of_their_parts() -> None:
    line = "A fire broke out in Al-Omar on 3 May, police said; 北京 was quiet. "
    once = words(line)
    many = words(line * 5_000)
    assert many.hashes.tolist() == once.hashes.tolist() * 5_000
    assert np.array_equal(many.starts[-len(once) :], once.starts + 4_999 * len(line))


def test_one_endless_word_is_cut_and_not_refused() -> None:
    found = words("x" * 5_000_000)
    assert 1 < len(found) < 100
    assert found.ends[-1] == 5_000_000


def test_hashes_are_the_same_in_every_process() -> None:
    code = "from pipeline.text.words import words; print(words('Police in Lannick said 3 men').hashes.tolist())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{words('Police in Lannick said 3 men').hashes.tolist()}\n"}

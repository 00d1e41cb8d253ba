"""Cleaning: what people read, from whatever a wire delivers."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import RawArticle
from pipeline.text.clean import clean, clean_text, clean_title, html_to_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\x00b\x07c\ud800d", "abcd"),
        ("soft\xadhyphen, zero\u200bwidth, \ufeffmark", "softhyphen, zerowidth, mark"),
        ("no\xa0break\u202fspace", "no break space"),
        ("trailing  \t\n\n\n\n\nparagraph ", "trailing\n\nparagraph"),
        ("  kept\tinside", "kept\tinside"),
        ("e\u0301te\u0301", "été"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_plain_text(text: str, expected: str) -> None:
    assert clean_text(text) == expected


def test_letters_keep_the_marks_that_languages_put_on_them() -> None:
    text = "שָׁלוֹם, قُرْآنٌ, Việt Nam, हिन्दी, ผู้ใหญ่, z" + "\u0301" * 30 + " and " + "…—" * 40
    assert clean_text(text) == unicodedata.normalize("NFC", text)
    assert clean_text("z" + "\u0301" * 31 + "x\u0300") == unicodedata.normalize("NFC", "z" + "\u0301" * 30 + "x\u0300")


@given(st.text(" \t\nab."))
def test_white_space_is_put_in_order_wherever_it_stands(text: str) -> None:
    lines = [line.rstrip(" \t") for line in text.split("\n")]
    assert clean_text(text) == re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip()


@given(st.text())
def test_cleaning_is_done_once(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "\n\n\n" not in once
    once.encode()


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One <b>bold</b>\n  text.</p><p>Two.</p>", "One bold text.\n\nTwo."),
        ("<div>a<br>b<br/>c</div>", "a\nb\nc"),
        ("<ul><li>one<li>two</ul>after", "one\ntwo\n\nafter"),
        ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1\t2\n3"),
        ("x<script>evil()</script><style>p{}</style><!-- c --> y", "x y"),
        ("<head><title>t</title></head><body>body</body>", "body"),
        ("AT&amp;T &#8217;s &nbsp;x", "AT&T ’s x"),
        ("<figure><img alt=i><figcaption>A caption</figcaption></figure><p>Text</p>", "A caption\n\nText"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a < b and c > d", "a < b and c > d"),
        ("no markup", "no markup"),
        ("<p>unclosed", "unclosed"),
        ("", ""),
        ("<!-- only -->", ""),
        ("nul\x00 inside <b>x", "nul inside x"),
    ],
)
def test_html(html: str, expected: str) -> None:
    assert html_to_text(html) == expected


def test_nesting_beyond_the_parser_loses_no_text() -> None:
    assert html_to_text("<div>" * 5_000 + "deep" + "</div>" * 5_000 + "after").split() == ["deep", "after"]


@given(st.text(alphabet="<>/pbdiv &;#x0'\"=a \n", max_size=60))
def test_any_markup_gives_text(html: str) -> None:
    html_to_text(html).encode()


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("  Two\n lines  ", "Two lines"),
        ("CYCLOPS <CYL> STAKE", "CYCLOPS <CYL> STAKE"),
        ("A <b>bold</b> claim &amp; more", "A bold claim & more"),
        ("", None),
        (" \u200b ", None),
        (None, None),
        ("x" * 5_000_000, "x" * 2000),
    ],
)
def test_title(title: str | None, expected: str | None) -> None:
    assert clean_title(title) == expected


@pytest.mark.parametrize(
    "text",
    [
        "word" * 1_250_000,
        " " * 5_000_000 + "x",
        "\n \t" * 1_600_000 + "x",
        "<" * 5_000_000,
        "<p>" * 300_000,
        "\u0301" * 500_000,
        "a" + "\u0323\u0301" * 500_000,
        "a" + "\u0f75\u200b\u0f73" * 300_000,
    ],
    ids=["one word", "spaces", "blank lines", "angle brackets", "tags", "accents", "two accents", "hidden accents"],
)
def test_huge_input_comes_to_an_end(text: str) -> None:
    clean(RawArticle(provider="p", native_id="1", text=text))
    clean(RawArticle(provider="p", native_id="1", html=text))


def test_a_kill_has_no_text() -> None:
    assert clean(RawArticle(provider="p", native_id="1", pub_status="canceled")).text == ""

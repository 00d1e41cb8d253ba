"""Texts with their entities on a web page: whatever the text is, it stays text."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from pipeline.entities.labels import LABELS
from pipeline.entities.page import COLOURS, key, marked, page

HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too' </mark></body> {label} <img src=x onerror=y>"


class Read(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "br":
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data


def test_every_label_has_a_colour_of_its_own() -> None:
    assert set(COLOURS) == set(LABELS)
    assert len(set(COLOURS.values())) == len(LABELS)


def test_entities_are_marked_with_label_and_colour() -> None:
    read = Read(marked("Ann left Oslo", [(9, 13, "GPE"), (0, 3, "PERSON")]))
    assert read.tags.count("mark") == 2
    assert " ".join(read.text.split()) == "Ann PERSON left Oslo GPE"
    styles = " ".join(value or "" for name, value in read.attributes if name == "style")
    assert COLOURS["GPE"] in styles
    assert COLOURS["PERSON"] in styles


def test_hostile_text_title_and_label_stay_text() -> None:
    markup = page(HOSTILE, marked(HOSTILE, [(0, 8, f"ORG{HOSTILE}"), (8, 16, "ORG")]) + key(["ORG", HOSTILE]))
    read = Read(markup)
    assert set(read.tags) <= {"html", "head", "meta", "title", "style", "body", "div", "mark", "span"}
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in ("src", "href")]
    assert "alert(1)" in read.text
    assert "{label}" in read.text


def test_nothing_is_fetched() -> None:
    markup = page("Title", marked("Ann", [(0, 3, "PERSON")]) + key(["PERSON"]))
    assert "://" not in markup
    assert "default-src 'none'" in markup
    assert not {"script", "link", "img", "iframe"} & set(Read(markup).tags)


def test_control_characters_and_turned_text_are_replaced_one_for_one() -> None:
    read = Read(marked("a\x00\x1b[31m\u202eb Oslo", [(10, 14, "GPE")]))
    assert "Oslo" in read.text
    assert not set("\x00\x1b\u202e") & set(read.text)
    assert read.text.count("\ufffd") == 3


def test_spans_that_overlap_or_lie_outside_are_left_out() -> None:
    read = Read(marked("abcdef", [(0, 3, "ORG"), (2, 4, "GPE"), (4, 9, "LOC"), (5, 5, "FAC"), (-1, 1, "DATE")]))
    assert read.tags.count("mark") == 1


# Without "O", so that the label is the only "ORG" on the page.
PRINTABLE = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zs", "Zl", "Zp"), exclude_characters="O")


@given(st.text(PRINTABLE, max_size=80), st.integers(0, 80), st.integers(1, 20))
def test_the_text_of_the_page_is_the_text(text: str, start: int, length: int) -> None:
    inside = start + length <= len(text)
    read = Read(marked(text, [(start, start + length, "ORG")]))
    assert read.tags.count("mark") == inside
    # displaCy sets a mark and its label on lines of their own.
    assert "".join(read.text.split()).replace("ORG", "") == text
    assert read.text.count("ORG") == inside

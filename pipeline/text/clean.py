"""Cleaning: what a wire delivers -> the text that people and the later stages read.

Markup becomes paragraphs, Unicode becomes NFC, invisible and control characters go, white space is put in order.
No word is removed: captions, related links and footers stay in the text. Time and memory are linear in the input.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape

import msgspec
from lxml import etree, html

from pipeline.records import RawArticle

# Cc but tab and newline; lone surrogates; and characters that only exist to be invisible: soft hyphen, zero-width
# space, word joiner, byte-order mark, direction marks and isolates. ZWNJ and ZWJ stay: they carry meaning in Persian
# and the Indic scripts.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)
_LINE_ENDS = re.compile("\r\n?|[\x85\u2028\u2029]")
# Space characters other than space, tab and newline, no-break space among them.
_SPACES = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BLANK_LINES = re.compile(r"\n{3,}")
# White space to put in order. It begins with one character, because that is what `re` searches for fastest.
_DISORDER = re.compile(r"\n(?:\n\n|(?<=[ \t]\n))")
_UNUSUAL = re.compile(f"\r|{_LINE_ENDS.pattern}|{_UNSEEN.pattern}|{_SPACES.pattern}")
_USUAL = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
# Marks over and under one letter: languages put a handful there. To normalise more takes time that grows with the
# square of their number, so Unicode's own limit holds (UAX #15, Stream-Safe Text Format).
_MOST_MARKS = 30
_MANY_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{_MOST_MARKS + 1},}}")
_RUN = re.compile(r"\s+")
_TAG = re.compile(r"<[^<>]*>")

_PARAGRAPHS = """
    address article aside blockquote body center details div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5
    h6 header hr html main nav ol p pre section summary table ul
"""
# What a tag's start and end put between the words before and after it.
_BREAKS = (
    dict.fromkeys(_PARAGRAPHS.split(), "\n\n")
    | dict.fromkeys(("br", "caption", "dd", "dt", "li", "tbody", "tfoot", "thead", "tr"), "\n")
    | dict.fromkeys(("td", "th"), "\t")
)
_STRENGTH = {"": 0, "\t": 1, "\n": 2, "\n\n": 3}
_NO_TEXT = """
    script style noscript template head title meta link iframe object embed svg math canvas audio video button select
    option textarea input map area
"""
_DROPPED = frozenset(_NO_TEXT.split())
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|br|cite|em|font|i|p|small|span|strong|sub|sup|u)(?:\s[^<>]*)?/?>", re.IGNORECASE
)
_TITLE_LIMIT = 2000


class Cleaned(msgspec.Struct, frozen=True, gc=False):
    """What is left of an article's words: one-line title (None where there is none) and text."""

    title: str | None
    text: str


def clean(item: RawArticle) -> Cleaned:
    """Title and text of an article. Never raises for a record that a decoder made."""
    body = html_to_text(item.html) if item.html is not None else clean_text(item.text or "")
    return Cleaned(clean_title(item.title), body)


def clean_text(text: str) -> str:
    """Plain text in order: NFC, newlines as "\n", no control characters, no trailing spaces, no two blank lines."""
    # Deleting what is usual leaves what is not: many times faster than a search of it all by regular expression.
    rest = (text.encode() if text.isascii() else text.encode("utf-8", "surrogatepass")).translate(None, _USUAL)
    if rest:
        unusual = rest.decode("utf-8", "surrogatepass")
        if _UNUSUAL.search(unusual):
            text = _LINE_ENDS.sub("\n", text)
            text = _SPACES.sub(" ", _UNSEEN.sub("", text))
        if _MANY_MARKS.search(unusual):
            text = _MANY_MARKS.sub(_fewer_marks, text)
    if rest and not unicodedata.is_normalized("NFC", text):
        text = unicodedata.normalize("NFC", text)
    if _DISORDER.search(text):
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
        text = _BLANK_LINES.sub("\n\n", text)
    return text.strip()


def _fewer_marks(found: re.Match[str]) -> str:
    """A run of characters that are no letters, with no more marks in a row than one letter may have."""
    kept = []
    marks = 0
    for char in found[0]:
        is_mark = unicodedata.category(char) in ("Mn", "Me", "Mc")
        marks = marks + len(unicodedata.normalize("NFD", char)) if is_mark else 0
        if marks <= _MOST_MARKS:
            kept.append(char)
    return "".join(kept)


def clean_title(title: str | None) -> str | None:
    """A title on one line, at most 2,000 characters; None when nothing is left.

    Feeds put inline markup and character references into titles; any other "<...>" is text ("CYCLOPS <CYL>").
    """
    if title is None:
        return None
    if "<" in title:
        title = _INLINE_TAG.sub("", title)
    if "&" in title:
        title = unescape(title)
    if not (title.isascii() and title.isprintable()):
        title = clean_text(title)
    line = " ".join(title.split())
    return line[:_TITLE_LIMIT].rstrip() or None


def html_to_text(markup: str) -> str:
    """Readable text of an HTML fragment or page: blocks become paragraphs, <br> a newline, scripts go."""
    # libxml2 ends the document at a NUL and cannot take lone surrogates.
    markup = _UNSEEN.sub("", markup)
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    try:
        root = html.document_fromstring(markup.encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        # Nothing but white space or comments.
        return ""
    if any(entry.level == etree.ErrorLevels.FATAL for entry in parser.error_log):
        # libxml2 gave up (nesting beyond 2,048) and dropped the rest of the document.
        return clean_text(unescape(_TAG.sub("\n", markup)))
    return clean_text(_text_of(root))


class _Paper:
    """Collects text; breaks asked for between two words become the strongest one asked for."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._break = ""

    def break_(self, kind: str) -> None:
        if _STRENGTH[kind] > _STRENGTH[self._break]:
            self._break = kind

    def write(self, text: str | None, preformatted: bool) -> None:
        if not text:
            return
        line = text if preformatted else _RUN.sub(" ", text)
        if self._break:
            if not preformatted:
                line = line.lstrip(" ")
                if not line:
                    return
            if self._out:
                self._out.append(self._break)
            self._break = ""
        self._out.append(line)

    def text(self) -> str:
        return "".join(self._out)


def _text_of(root: html.HtmlElement) -> str:
    """Text in document order, without recursion: markup may be nested as deep as the parser takes it."""
    paper = _Paper()
    dropped: etree._Element | None = None
    preformatted = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        tag = node.tag
        starts = event == "start"
        if dropped is None:
            if starts and tag in _DROPPED:
                dropped = node
                continue
            if tag in _BREAKS:
                paper.break_(_BREAKS[tag])
            if tag == "pre":
                preformatted += 1 if starts else -1
            paper.write(node.text if starts else node.tail, preformatted > 0)
        elif not starts and node is dropped:
            dropped = None
            paper.write(node.tail, preformatted > 0)
    return paper.text()

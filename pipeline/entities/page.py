"""Texts with their entities marked, as a web page: one file, no script, nothing fetched (spaCy's displaCy)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape

from spacy import displacy

from pipeline.entities.labels import DESCRIPTIONS

Span = tuple[int, int, str]

COLOURS: dict[str, str] = {
    "PERSON": "#ffd8a8",
    "ORG": "#a5d8ff",
    "NORP": "#d0bfff",
    "GPE": "#b2f2bb",
    "LOC": "#c3fae8",
    "FAC": "#d8f5a2",
    "DATE": "#e9ecef",
    "TIME": "#dee2e6",
    "MONEY": "#fff3bf",
    "QUANTITY": "#ffe8cc",
    "WEAPON": "#ffc9c9",
    "PLATFORM": "#fcc2d7",
    "UNIT": "#bac8ff",
    "EVENT": "#eebefa",
}
"""Light enough for black text on each (contrast of at least 11 to 1)."""

# Controls other than tab and line break, and the characters that turn the direction of text around.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: {width}; margin: 2rem auto; padding: 0 1rem; color: #000; }}
h1 {{ font-size: 1.4rem; }} h2 {{ font-size: 1.1rem; }} .facts {{ color: #555; }}
.columns {{ display: flex; flex-wrap: wrap; gap: 2rem; }} .columns > div {{ flex: 1 1 20rem; min-width: 0; }}
table {{ border-collapse: collapse; }} td, th {{ text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top; }}
tr.differs td:first-child::before {{ content: "\\2260\\00a0"; font-weight: bold; }}
.entities, td {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def shown(text: str) -> str:
    """A text as it may stand in a page: markup escaped, each control character replaced by U+FFFD."""
    return escape(_UNPRINTABLE.sub("\ufffd", text))


def page(title: str, body: str, *, wide: bool = False) -> str:
    """A page of markup.

    Args:
        title: plain text.
        body: markup, made by the functions below.
    """
    return _PAGE.format(title=shown(title), body=body, width="none" if wide else "50rem")


def marked(text: str, spans: Iterable[Span], notes: Mapping[Span, str] | None = None) -> str:
    """Markup of a text with its entities in colour.

    Args:
        spans: (start, end, label); one that overlaps an earlier one, or lies outside the text, is left out.
        notes: what is written after the label of a span.
    """
    ents = []
    colours = dict(COLOURS)
    last = 0
    for span in sorted(spans):
        start, end, label = span
        if last <= start < end <= len(text):
            # displaCy escapes text, not labels.
            name = shown(f"{label}{(notes or {}).get(span, '')}")
            colours[name] = COLOURS.get(label, "#ddd")
            ents.append({"start": start, "end": end, "label": name})
            last = end
    # As many characters as before: offsets stay.
    parsed = [{"text": _UNPRINTABLE.sub("\ufffd", text), "ents": ents, "title": None}]
    return displacy.render(parsed, style="ent", manual=True, jupyter=False, options={"colors": colours})


def key(labels: Iterable[str]) -> str:
    """Markup that says what each of the labels means; those that are not ours are left out."""
    found = set(labels)
    return " ".join(
        f'<span title="{shown(says)}" style="background: {COLOURS[label]}; padding: .1em .4em">{label}</span>'
        for label, says in DESCRIPTIONS.items()
        if label in found
    )

"""Where the first sentence of a text ends."""

from __future__ import annotations

import re

_END = re.compile(r"[.!?][\"'”’)\]]*\s|\n")
# A full stop behind these ends no sentence: initials (U.S., J.), and words that stand before a name or a number.
_SHORTENED = re.compile(
    r"(?:^|[\s(\[\"'“‘])"
    r"(?:(?:[A-Za-z]\.)*[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|Rev|Hon|Gen|Lt|Col|Maj|Capt|Cmdr|Adm|Sgt|Cpl|Pvt|Brig|Gov|Sen|Rep|"
    r"Supt|Insp|Det|St|Mt|Ft|No|Nos|vs|Jan|Feb|Mar|Apr|Aug|Sept?|Oct|Nov|Dec)$"
)


def first_sentence(text: str, most: int) -> str:
    """The first sentence of a text, which ends with its line at the latest.

    Args:
        most: characters at most.
    """
    text = text[:most]
    for end in _END.finditer(text):
        if end[0][0] != "." or end[0][-1] == "\n" or not _SHORTENED.search(text, 0, end.start()):
            return text[: end.end()].rstrip()
    return text

"""Time stamps of a page: "Posted: Monday, May 18, 2015 5:16 PM EDT", "18 September 2013 Last updated at 13:59 GMT".

They say when the page was made. Read as news their hours would be those of an event, and two reports of one event that
were put on line at different hours would contradict each other.
"""

from __future__ import annotations

import calendar
import re

_MONTHS = {m for n in range(1, 13) for m in (calendar.month_name[n], calendar.month_abbr[n])} | {"Sept"}
_MONTH = "|".join(sorted(_MONTHS, key=lambda m: (-len(m), m)))
_WEEKDAY = "|".join(d[:3] + rf"(?:{d[3:]})?" for d in calendar.day_name)
_DATE = (
    rf"(?:(?:{_WEEKDAY})\.?,?\s)?(?:(?:{_MONTH})\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s(?:19|20)\d\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s(?:{_MONTH})\.?,?\s(?:19|20)\d\d"
    r"|\d{1,2}\s?/\s?\d{1,2}\s?/\s?(?:(?:19|20)\d\d|\d\d)|(?:19|20)\d\d-\d\d-\d\d)\b"
)
_HALF = r"[ap]\.?\s?m\b\.?"
_TIME = (
    rf"(?:\d{{1,2}}:\s?\d\d(?::\d\d)?(?:\s?{_HALF})?|\d{{1,2}}(?:\.\d\d)?\s?{_HALF})"
    r"(?:,?\s\(?(?:GMT|UTC|BST|CET|A?[ACEMP][SD]?T|IST)(?:[+-]\d\d:?\d\d)?\)?(?!\w))?"
)
_BETWEEN = r"[\s,|@·–-]{1,4}(?:at\s)?"
_LABEL = r"\b(?:(?:first|last)\s)?(?:updated?|posted|published|created|modified)(?:\s(?:at|on))?\s?:?\s?"
_STAMP = re.compile(
    rf"{_LABEL}(?:{_DATE}(?:{_BETWEEN}{_TIME})?|{_TIME}(?:{_BETWEEN}{_DATE})?)"
    rf"|(?<![\w/-])(?:{_DATE}{_BETWEEN}(?:{_LABEL})?{_TIME}|{_TIME}{_BETWEEN}{_DATE})(?!,?\s(?-i:[a-z]))",
    re.IGNORECASE,
)
_TOLD = re.compile(r"\b(?:on|at|in|of|by|since|until|till|from|around|about|before|after|near)\s$", re.IGNORECASE)
"""What stands before the time of an event, and not before a stamp."""

_BEFORE, _AFTER, _WORD = 80, 50, 16
"""More characters than a stamp has before its hour, and after it; than the word before it has."""


def is_stamped(text: str, start: int, end: int) -> bool:
    """Whether the time of day or the day `text[start:end]` says when the page was made, not when something happened."""
    first, last = max(0, start - _BEFORE), end + _AFTER
    for match in _STAMP.finditer(text, first, last):
        if match.start() <= start and end <= match.end() + 1:
            return _TOLD.search(text[max(0, match.start() - _WORD) : match.start()]) is None
    return False

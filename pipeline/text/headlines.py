"""Headlines without what is not theirs."""

from __future__ import annotations

import re

_LABEL = re.compile(r"^(?:UPDATED?|BREAKING|WATCH|VIDEO|PHOTOS?|EXCLUSIVE|LIVE)(?:\s*\d+)?\s*[:|-]\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s+(?:\||-|–|—|::|»)\s+")
_LEAST_WORDS = 4
_MOST_OUTLET_WORDS = 8


def clean(title: str) -> str:
    """A headline without the outlet's name behind it and labels before it ("UPDATE: ... | Osk Gazette")."""
    title = " ".join(_LABEL.sub("", title.strip()).split())
    while True:
        separators = list(_SEPARATOR.finditer(title))
        if not separators:
            return title
        head, tail = title[: separators[-1].start()], title[separators[-1].end() :]
        if len(head.split()) < _LEAST_WORDS or len(tail.split()) > _MOST_OUTLET_WORDS:
            return title
        title = head

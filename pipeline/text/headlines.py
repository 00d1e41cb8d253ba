"""Headlines without what is not theirs."""

from __future__ import annotations

import re

_LABEL = re.compile(r"^(?:UPDATED?|BREAKING|WATCH|VIDEO|PHOTOS?|EXCLUSIVE|LIVE)(?:\s*\d+)?\s*[:|-]\s*", re.IGNORECASE)
# None between figures, where it makes a score or a range of them.
_SEPARATOR = re.compile(r"(?<!\d)\s+(?:\||-|–|—|::|»)\s+|(?<=\d)\s+(?:\||-|–|—|::|»)\s++(?!\d)")
_LEAST_WORDS = 4
_MOST_OUTLET_WORDS = 8

_DIVIDER = re.compile(rf"{_SEPARATOR.pattern}|\s+:\s+")
_OUTLET = re.compile(
    r"\b(?:\d?News|NEWS|TV|Weather|Channel|Headlines|BBC|CNN|NPR|(?:FOX|NBC|ABC|CBS)\s?\d*|[WK][A-Z]{3}(?:-?(?:TV|FM|AM))?\d*)\b"
    r"|\b[\w-]+\.(?:com|org|net|gov|tv|info|co\.\w\w|us|uk|ca|au)\b"
    r"|\b(?:Times|Post|Herald|Tribune|Gazette|Journal|Chronicle|Daily|Sports|Radio|Patch|Online|Press|Magazine|Observer|"
    r"Telegraph|Guardian|Independent|Examiner|Courier|Sentinel|Bulletin|Globe|Mirror|Standard|Star|Sun|Mail|Express|"
    r"Broadcasting|AP|AFP|UPI|Reuters|Bloomberg)$"
)
"""What tells an outlet's name: a broadcaster's word, a call sign, an address; at its end, a newspaper's or agency's."""

_WORD = re.compile(r"[^\W_][\w’'.&-]*")
_SMALL = frozenset({"and", "at", "for", "from", "in", "of", "on", "the", "to", "your"})
_MOST_PAGE_WORDS = 16


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


def without_outlet(title: str) -> str:
    """A title without the name of the page behind it ("... - KOSK News 5 - Osk, Ruritania", "... | Osk Gazette").

    More careful than `clean`, because what is cut here is not compared: a clause, a topic or an author behind a dash
    or bar stays.
    """
    title = title.strip(" |")
    for divider in _DIVIDER.finditer(title):
        head, tail = title[: divider.start()], title[divider.end() :]
        if len(head.split()) >= _LEAST_WORDS and not head.isupper() and _names_outlet(tail):
            return head
    return title


def _names_outlet(tail: str) -> bool:
    words = _WORD.findall(tail)
    small = any(w[0].islower() and w not in _SMALL and "." not in w for w in words)
    return len(words) <= _MOST_PAGE_WORDS and not small and _OUTLET.search(tail.rstrip(" .|")) is not None

"""Page furniture: photo credits, captions' labels, notices of rights and calls to click that stand among a text.

A crawled page carries them, and read as news they are names and words that strangers share ("Getty Images", "All
rights reserved", "toggle caption"). They are known by their form, whoever writes them.
"""

from __future__ import annotations

import re

from pipeline.facts.scenes import sentence_starts

_AGENCY = (
    r"(?:Getty(?:\sImages)?|AFP|AP(?:\s(?:Photo|Images))?|Associated\sPress|Reuters|EPA|Rex(?:\sFeatures)?|Shutterstock|"
    r"Alamy|PA(?:\sWire)?|Press\sAssociation|Xinhua|Agencies|Bloomberg|TASS|Corbis|iStock|Facebook|Twitter|Instagram|"
    r"Handout)"
)
# Its words have a limit, or the time for a long run of letters would grow with its square.
_WHO = r"[A-Z][\w’'.-]{0,40}(?:\s[A-Z][\w’'.-]{0,40}){0,3}"
_PICTURE = r"(?:Photo(?:s|graph)?|Image|Picture|Video|Credit|Source)"
_BRACKET = re.compile(
    rf"[(\[](?:(?:(?:AP|File|Staff|Courtesy)\s)?{_PICTURE}\b[^()\[\]\n]{{0,100}}"  # (Photo: ...)
    rf"|[^()\[\]\n/]{{0,60}}/\s?{_AGENCY}[^()\[\]\n]{{0,20}})[)\]]"  # (.../AP)
)
_LABEL = re.compile(
    rf"{_PICTURE}\s?:?\s?(?:by\s)?{_WHO}\s?/\s?{_AGENCY}\b"  # Photograph: ... /Getty Images
    r"|Enlarge\sthis\simage|toggle\scaption|[Hh]ide\s[Cc]aption(?:\s\d+\sof\s\d+)?|(?:Image|Media)\s(?:copyright|caption)"
    r"|Buy\sPhoto|Getty\sImages|Photos?:|Story\s[Hh]ighlights|(?:Play|Watch)\s[Vv]ideo|Skip\s[Aa]d"
)
_LABEL_HINTS = ("Photo", "Image", "Picture", "ideo", "Credit", "Source", "aption", "this image", "ighlights", "Skip ")
_CREDIT = re.compile(rf"{_WHO}\s?/\s?{_AGENCY}\b")
_NOTICE = re.compile(
    r"\ball\srights\sreserved\b|\bcopyright\s(?:©|\(c\)|\d{4})|©|may\snot\sbe\spublished|not\sresponsible\sfor\sthe\scontent|"
    r"\bfollow\s(?:\w+\s){1,4}on\s(?:twitter|facebook)|\bsign\sup\s(?:for|to)\s|\bsubscribe\s(?:to|now)\b|"
    r"newsletter\ssign\s?up|continue\sreading\sthe|story\scontinues\sbelow|\bprivacy\spolicy\b|\bterms\sof\s(?:use|service)\b|"
    r"\bcomments?\s(?:below|section)\b|\bphoto\sgallery\b|\b(?:click|tap)\shere\b|"
    r"^(?:advertisement\b|share\s(?:this|on)\b|(?:read\smore|related|also\sread|see\salso)\s?:)",
    re.IGNORECASE,
)
_NOTICE_HINTS = (
    "rights reserved", "copyright", "©", "not be published", "not responsible for", "on twitter", "on facebook",
    "sign up", "subscribe ", "newsletter sign", "continue reading", "story continues", "privacy policy", "terms of",
    "comment ", "comments ", "photo gallery", "click here", "tap here", "advertisement", "share this", "share on",
    "read more", "related:", "related :", "also read", "see also",
)  # fmt: skip
"""One of these stands in every notice, in small letters; to look for them is far quicker. So of labels, as written."""

_LONGEST = 40
"""Words of a sentence that a notice takes away with it; a longer one holds news as well."""


def without_furniture(text: str) -> str:
    """A text without what is no news in it; what is left stands as it stood."""
    text = _BRACKET.sub(" ", _without_notices(text))
    if any(hint in text for hint in _LABEL_HINTS):
        text = _LABEL.sub(" ", text)
    return _CREDIT.sub(" ", text) if "/" in text else text


def _without_notices(text: str) -> str:
    if not _hints(text):
        return text
    starts = sentence_starts(text)
    sentences = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return "".join(s for s in sentences if not _is_notice(s)) or text


def _is_notice(sentence: str) -> bool:
    return _hints(sentence) and len(sentence.split()) <= _LONGEST and _NOTICE.search(sentence) is not None


def _hints(text: str) -> bool:
    lower = text.lower()
    return any(hint in lower for hint in _NOTICE_HINTS)

"""Page furniture: photo credits, captions' labels, notices of rights, calls to click and appeals to call in a text.

A crawled page carries them, and read as news they are names and words that strangers share ("Getty Images", "All
rights reserved", "toggle caption", "Anyone with information is asked to call Crime Stoppers"). They are known by their
form, whoever writes them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
    r"\bcomments?\s(?:below|section)\b|\bphoto\sgallery\b|\b(?:click|tap)\shere\b|\benable\s(?:java\s?script|cookies)\b|"
    r"\bscroll\sdown\sfor\b|\binvalid\se-?mail\b|\bthank\syou\sfor\ssubscribing|\bagree\sto\sreceive\b|"
    r"\bcontributed\sto\sthis\s(?:report|story|article)\b|\bcheck\sback\s(?:for|here|later|with)\b|\btrouble\sviewing\b|"
    r"\bad\sblock|\bnot\sa\srobot\b|\b(?:e-?mail|news|sms|text)\salerts\b|\bfacebook\s\|\stwitter\b|"
    r"\banyone\s(?:with|who\s(?:has|may\shave))\s(?:any\s|further\s|more\s)?information\b|\bcrime\s?stoppers\b|"
    r"\b(?:can|may|wish\sto)\sremain\sanonymous\b|\bcall\s(?:the\s)?(?:\w+\s){0,5}(?:tip|hot)\s?line\b|"
    r"\b(?:is|are)\s(?:asked|urged)\sto\scall\b|"
    r"^(?:advertisement\b|share\s(?:this|on)\b|(?:read\smore|related|also\sread|see\salso)\s?:)",
    re.IGNORECASE,
)
_NOTICE_HINTS = (
    "rights reserved", "copyright", "©", "not be published", "not responsible for", "on twitter", "on facebook",
    "sign up", "subscribe ", "newsletter sign", "continue reading", "story continues", "privacy policy", "terms of",
    "comment ", "comments ", "photo gallery", "click here", "tap here", "advertisement", "share this", "share on",
    "read more", "related:", "related :", "also read", "see also", "enable java", "enable cookies", "scroll down for",
    "invalid e", "thank you for sub", "agree to receive", "contributed to this", "check back", "trouble viewing",
    "ad block", "a robot", " alerts", "facebook |", "anyone with ", "anyone who ", "stoppers", "remain anonymous",
    "tip line", "tipline", "hotline", "hot line", "ed to call",
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


def credits(text: str) -> list[tuple[int, int]]:
    """Where a text credits its pictures: "(Photo: Ana Ruiz)", "Ana Ruiz/AFP/Getty Images"; whoever is named there has
    no part in the news."""
    found = [m.span() for m in _BRACKET.finditer(text)]
    return found + [m.span() for m in _CREDIT.finditer(text)] if "/" in text else found


def _without_notices(text: str) -> str:
    hints = _hints(text, _NOTICE_HINTS)
    if not hints:
        return text
    starts = sentence_starts(text)
    sentences = [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    return "".join(s for s in sentences if not _is_notice(s, hints)) or text


def _is_notice(sentence: str, hints: Sequence[str]) -> bool:
    return bool(_hints(sentence, hints)) and len(sentence.split()) <= _LONGEST and _NOTICE.search(sentence) is not None


def _hints(text: str, known: Sequence[str]) -> list[str]:
    lower = text.lower()
    return [hint for hint in known if hint in lower]

"""Weapons, vehicles and ships by their designation: "F-16s", "F-16 fighter jet", "MQ-9 Reaper", "USS Cole (DDG-67)"."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.entities.classes import lexicon
from pipeline.entities.gazetteer import shipped
from pipeline.entities.names import normalise

_NUMBER = re.compile(r"[a-z]\w*\d\w*|\d[a-z]\d+\w*")  # not a calibre: "9mm"
_MODEL = re.compile(r"\b([a-z]{1,9}) (\d{1,3}[a-z]{0,3})\b")
_HULL = re.compile(r" \([A-Z]{1,5}[- ]?\d{1,4}\)$")
_PLURAL = re.compile(r"(?<=[a-z0-9]{2})(?<![su])s$")
_SHIP = re.compile(
    r"(?:USS|USNS|USCGC|HMS|HMCS|HMAS|HMNZS|HNLMS|HDMS|HNoMS|HSwMS|INS|IRIS|PNS|BNS|SLNS|ROKS|JS|BRP|KRI|KD|RSS|CNS"
    r"|ROCS|TCG|FGS|ITS|ESPS|NRP|BAP|ARA|ARM|ARC|RFS|CCGS|MV|M/V|M\.V\.|MT|M/T|SS|S\.S\.|RMS|MS|MSC|RV|FV|F/V|SY|MY)"
    r"\.? (?=[A-Z])"
)
_AMMUNITION = frozenset(
    ["missile", "rocket", "shell", "round", "bomb", "warhead", "torpedo", "munition", "grenade", "ammunition", "mine"]
)
_MODEL_LIMIT = 6


@lru_cache(maxsize=1)
def _kinds() -> tuple[frozenset[str], frozenset[str]]:
    """Words for kinds of materiel in the singular, and words that stand before them."""
    lower, _ = lexicon()
    kinds = frozenset(
        _singular(word)
        for word, found in lower.items()
        if found & {"weapon", "platform"} and shipped().find(word) is None
    )
    return kinds, frozenset(word for word, found in lower.items() if "modifier" in found)


def _singular(word: str) -> str:
    return _PLURAL.sub("", word) if len(word) > 2 else word


@lru_cache(maxsize=16384)
def materiel_key(text: str) -> str:
    """The name of materiel with its designations joined, in the singular: "MQ-9 Reapers" gives "mq9 reaper"."""
    words = _MODEL.sub(r"\1\2", normalise(_HULL.sub("", text)) + " ").split()
    return " ".join(map(_singular, words))


@lru_cache(maxsize=16384)
def without_kind(key: str) -> tuple[str, str]:
    """A key without the kind that follows a name, and the kind: "shahed136 drone" gives ("shahed136", "drone").

    A kind before another, as in "car bomb", is no name: the kind is then empty.
    """
    kinds, modifiers = _kinds()
    words = key.split()
    n = len(words)
    while n > 1 and (words[n - 1] in kinds or (n < len(words) and words[n - 1] in modifiers)):
        n -= 1
    named = n < len(words) and any(word not in kinds and word not in modifiers for word in words[:n])
    return (" ".join(words[:n]), words[-1]) if named else (key, "")


def is_ammunition(kind: str) -> bool:
    return kind in _AMMUNITION


def has_designation(key: str) -> bool:
    """Whether a key has a word of letters and digits: "mq9 reaper", "m142 himars"."""
    return any(map(_NUMBER.fullmatch, key.split()))


def designation(key: str) -> tuple[str, str]:
    """The designation and the name that a key of both consists of: "mq9", "reaper"; else empty ones.

    What stands before a designation is its maker: "bayraktar tb2" gives no name.
    """
    words = key.split()
    numbers = [i for i, word in enumerate(words) if _NUMBER.fullmatch(word)]
    if len(words) < 2 or len(words) > _MODEL_LIMIT or numbers not in ([0], [len(words) - 1]):
        return "", ""
    number = words.pop(numbers[0])
    return number, " ".join(words) if numbers[0] == 0 else ""


def ship_prefix(text: str) -> str:
    """The letters of the prefix that a ship's name stands with: "mv" of "M/V Rubymar"; empty where there is none."""
    match = _SHIP.search(text)
    return "".join(c for c in match[0].lower() if c.isalpha()) if match is not None else ""


@lru_cache(maxsize=16384)
def ship_name(text: str) -> str:
    """The normalised name of a ship without its prefix: "USS Cole (DDG-67)" gives "cole"; empty where there is none."""
    match = _SHIP.search(text)
    return normalise(_HULL.sub("", text[match.end() :])) if match is not None else ""

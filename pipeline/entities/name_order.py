"""Names that begin with the surname, as Chinese and Korean ones do: "Roh Moo-hyun" is Mr. Roh."""

from __future__ import annotations

import re

# One syllable of romanised Chinese or Korean: Jin, Tao, Hyun, Ying, Il.
_SYLLABLE = r"(?:[bcdfghjklmnpqrstwxyz]|ch|sh|zh|ts|kw)?[aeiouwy]{1,3}(?:ng|n|k|l|m|p|t|h)?"
_GIVEN = re.compile(rf"{_SYLLABLE}-{_SYLLABLE}", re.IGNORECASE)
_ONE = re.compile(_SYLLABLE, re.IGNORECASE)
_TWO = re.compile(f"{_SYLLABLE}{_SYLLABLE}|{_SYLLABLE}", re.IGNORECASE)

# The usual surnames of China, Hong Kong and Korea.
_SURNAMES = frozenset([
    "ahn", "ban", "bo", "cai", "cao", "chan", "chang", "chen", "cheng", "cheung", "cho", "choi", "chung", "cui",
    "deng", "ding", "dong", "du", "fan", "feng", "fung", "gao", "guo", "han", "he", "ho", "hong", "hu", "huang",
    "hui", "hwang", "jang", "jeong", "jiang", "jin", "jung", "kang", "kim", "kwok", "kwon", "lai", "lam", "lau",
    "lee", "leung", "li", "liang", "lim", "lin", "liu", "lu", "luo", "ma", "mak", "moon", "ng", "oh", "pan", "park",
    "peng", "qin", "ren", "roh", "ryu", "seo", "shen", "shin", "song", "su", "sun", "tam", "tan", "tang", "tian",
    "tsang", "tung", "wang", "wei", "wen", "wong", "wu", "xi", "xiao", "xie", "xu", "yang", "yao", "yau", "ye",
    "yoo", "yoon", "yu", "yuan", "yun", "zeng", "zhai", "zhang", "zhao", "zheng", "zhong", "zhou", "zhu",
])  # fmt: skip
# Of these, given names elsewhere.
_GIVEN_TOO = frozenset([
    "ban", "bo", "chan", "han", "he", "hong", "jin", "jung", "kim", "lee", "lin", "moon", "park", "song", "su",
    "sun", "tan", "wen", "yang",
])  # fmt: skip


def surname_comes_first(name: str) -> bool:
    """Whether a full name as written begins with its surname, by its form and the usual surnames."""
    words = name.split()
    if not 2 <= len(words) <= 3 or not words[0].isalpha():
        return False
    first, last = words[0].lower(), words[-1]
    if len(words) == 3:
        return first in _SURNAMES and all(_ONE.fullmatch(word) for word in words[1:])
    if "-" in last:
        return _GIVEN.fullmatch(last) is not None and (first in _SURNAMES or last.partition("-")[2].islower())
    return first in _SURNAMES - _GIVEN_TOO and last.lower() not in _SURNAMES and _TWO.fullmatch(last) is not None

"""The form under which two spellings of a name are the same name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from pipeline.entities.classes import lexicon

_APOSTROPHES = str.maketrans(
    {"’": "'", "‘": "'", "ʼ": "'", "ʻ": "'", "`": "'", "´": "'", "–": "-", "—": "-", "‐": "-", "‑": "-"}
)
# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ı": "i", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ħ": "h"}
)
_POSSESSIVE = re.compile(r"(?:'s|(?<=s)')$")
_SPACED_O = re.compile(r"\bo' (?=\w)")
_INNER_DOT = re.compile(r"(?<=\b\w)\.(?=\w\b)")
_ARTICLES = ("the ", "a ", "an ")
_LEGAL_FORMS = frozenset(
    [
        "inc", "incorporated", "corp", "corporation", "co", "company", "ltd", "limited", "llc", "llp", "plc", "gmbh",
        "ag", "sa", "nv", "bv", "spa", "srl", "sas", "sarl", "asa", "as", "ab", "oy", "oyj", "pjsc", "jsc", "ojsc",
        "", "se", "sae", "psc", "pcl", "kgaa", "aps", "lp", "ltda", "oao", "pao", "ooo", "kk", "pty", "pvt", "bhd",
        "berhad", "sdn", "tbk", "saog",
    ]
)  # fmt: skip


def plain(text: str) -> str:
    """Lower case without diacritics, typographic quotes and runs of white space."""
    text = text.translate(_APOSTROPHES).casefold().translate(_LETTERS)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(text.split())


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """A name without article, possessive, quotes, dots, hyphens: "the al-Omar’s" and "Al Omar" give "al omar"."""
    name = plain(text)
    if "o' " in name:
        name = _SPACED_O.sub("o'", name)
    name = name.strip(" \"'“”«»()[],;:.")
    if "'" in name:
        name = _POSSESSIVE.sub("", name)
    for article in _ARTICLES:
        if name.startswith(article) and len(name) > len(article):
            name = name[len(article) :]
            break
    # "U.S." is "us" as one word; "J. D. Smith" keeps its parts.
    if "." in name:
        name = _INNER_DOT.sub("", name).replace(".", " ")
    name = name.replace("'", "").replace("-", " ")
    return " ".join(name.split()) or plain(text)


QUALIFIERS = frozenset(
    ["us", "uk", "army", "navy", "air", "force", "marine", "corps", "royal", "grand", "first", "high", "special"]
)
"""Words that qualify a title and are none themselves: "Army General", "First Lady", "High Commissioner"."""

_BEFORE_TITLES = QUALIFIERS | frozenset(
    [
        "vice",
        "acting",
        "interim",
        "former",
        "deputy",
        "chief",
        "petty",
        "presidential",
        "crown",
        "u.s.",
        "rear",
        "retd",
        "master",
        "1st",
        "2nd",
    ]
)
"""Words that belong to the title that follows them: "Vice President", "U.S. Army General", "Petty Officer"."""


_HONORIFICS = frozenset([
    "alhaji", "alhaja", "hajiya", "malam", "mallam", "maulvi", "moulvi", "mawlawi", "ustad", "ustaz", "hojatoleslam",
    "datuk", "datin", "dato", "tun", "daw", "det.", "insp.", "supt.", "fr.", "sr.", "msgr.", "pastor", "rector",
    "señor", "señora", "monsieur", "madame", "herr", "frau", "shri", "smt.", "sayyed", "sayyid", "sayed", "seyyed",
    "mulla", "pm", "chair",
])  # fmt: skip
"""Titles before names that are no part of the word lists from which the network learns."""
_UNDOTTED = frozenset([
    "gen", "maj", "brig", "col", "lt", "ltc", "capt", "sgt", "ssgt", "cpl", "pte", "pvt", "adm", "cmdr", "cdr", "supt",
    "insp", "det", "sen", "rep", "gov", "rev", "prof", "cllr", "maj-gen", "lt-gen", "brig-gen", "lt-col", "lt-cdr",
])  # fmt: skip
"""Abbreviated titles that many newsrooms write without a dot: "Gen Michael Kurilla", "Det Supt Ann Lee"."""
_OF_A_TITLE = frozenset(["ch", "asst", "dep", "flt", "sqn", "wg"])
"""The same, before another title: "Ch Insp", "Flt Lt"."""
_POLICE = frozenset(["PC", "WPC", "DC", "DS", "DI", "DCI", "DCS", "ACC"])
"""Ranks of the British police, which stand in capitals before a name."""
_PAIRED_HONORIFICS = frozenset(["tan sri", "datuk seri", "datin seri", "dato seri", "dato sri", "toh puan"])


def _honorific(words: Sequence[str], n: int) -> int:
    """How many words at n are an honorific before a name."""
    if " ".join(words[n : n + 2]).lower().replace("'", "") in _PAIRED_HONORIFICS and n + 2 < len(words):
        return 2
    if words[n] == "U" and len(words) > n + 2:
        return 1  # Burmese, as in "U Tin Htay"; "U Thant" is known by both
    if n + 1 == len(words):
        return 0
    word, lower = words[n], words[n].lower()
    if lower in _HONORIFICS or word in _POLICE:
        return 1
    if not word[:1].isupper():
        return 0
    if lower in _OF_A_TITLE:
        more = _honorific(words, n + 1)
        return 1 + more if more else 0
    return int(lower in _UNDOTTED)


def without_title(text: str) -> tuple[str, str]:
    """Split a person's mention into its leading titles and the name: ("Gen.", "Erik Kurilla").

    A mention of titles alone is left whole in the second part.
    """
    words = text.split()
    _, cased = lexicon()
    n = 0
    while n < len(words) - 1:
        title = n
        while title < len(words) - 1 and words[title].lower() in _BEFORE_TITLES and not is_title(words[title], cased):
            title += 1
        if title == len(words) - 1 or not is_title(words[title], cased):
            more = _honorific(words, n)
            if not more and title > n and (more := _honorific(words, title)):
                more += title - n
            if not more:
                break
            n += more
            continue
        n = title + 1
        # "Secretary of Defense Lloyd Austin", "Minister for the Middle East Tobias Ellwood": the last two are the name.
        if words[n] in ("of", "for") and len(words) > n + 2:
            n = len(words) - min(2, len(words) - n - 2)
            break
    return " ".join(words[:n]), " ".join(words[n:])


def is_title(word: str, cased: dict[str, frozenset[str]] | None = None) -> bool:
    """Whether a word is a title or rank that stands before a name, whatever its case."""
    if cased is None:
        _, cased = lexicon()
    return any("title" in cased.get(form, ()) for form in (word, word.rstrip(","), word.title()))


def without_legal_form(name: str) -> str:
    """A normalised organisation without "inc", "ltd" and their like at its end."""
    words = name.split()
    while len(words) > 1 and words[-1].strip(",") in _LEGAL_FORMS:
        words.pop()
    return " ".join(words).rstrip(",")

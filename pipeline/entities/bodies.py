"""Bodies of a country or a town by owner and name: "Iraq's Interior Ministry", "the Ministry of Interior of Iraq"."""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.entities.classes import lexicon, lines
from pipeline.entities.gazetteer import shipped
from pipeline.entities.names import normalise
from pipeline.entities.spelling import is_acronym, owner_words

_POSSESSIVE = re.compile(r"(?:[Tt]he )?([A-Z][\w.'’ -]*?)['’]s? (?=[A-Z])")
# At the first "of", then at the last: "Ministry of Foreign Affairs of Japan".
_OF = (re.compile(r"^(.+?) of (?:the )?(.+)$"), re.compile(r"^(.+ of .+) of (?:the )?(.+)$"))
_MINISTRY = re.compile(r"^(ministry|department) (?:of|for) (?:the )?(.+)$")
_SPELT = {
    "defence": "defense", "labour": "labor", "centre": "center", "organisation": "organization", "programme": "program",
    "mobilisation": "mobilization", "nationalisation": "nationalization",
}  # fmt: skip


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    """Countries by the normalised forms of their people: "iraqi" is of Iraq."""
    found = {}
    for line in lines("gazetteer.txt"):
        label, canonical, _, *people = line.split("|")
        if label == "GPE":
            for form in ",".join(people).split(","):
                if form:
                    found[normalise(form)] = canonical
    return found


def owner_of(text: str) -> str:
    """The canonical name of the place that a text names, whose people it names, or of the body whose acronym it is;
    empty: none that is known."""
    known = shipped().find(text)
    if known is not None and (known.label == "GPE" or (known.label == "ORG" and is_acronym(text))):
        return known.canonical
    return _countries().get(normalise(text), "")


@lru_cache(maxsize=1)
def _heads() -> frozenset[str]:
    lower, _ = lexicon()
    return frozenset(word for word, found in lower.items() if "org_head" in found)


@lru_cache(maxsize=16384)
def owner_and_name(text: str) -> tuple[str, str]:
    """Whose body an organisation is, by country or greater body, and its levelled name: ("Iraq", "interior ministry").

    Empty where no known country or people is named, and for what is no body by its words.
    """
    owner, name = "", text
    if (match := _POSSESSIVE.match(text)) is not None and owner_of(match[1]):
        owner, name = owner_of(match[1]), text[match.end() :]
    else:
        words = text.removeprefix("The ").removeprefix("the ").split()
        n = owner_words(words[:-1])
        if n and owner_of(" ".join(words[:n])):
            owner, name = owner_of(" ".join(words[:n])), " ".join(words[n:])
        else:
            of = next((m for form in _OF if (m := form.match(text)) is not None and owner_of(m[2])), None)
            if of is not None:
                owner, name = owner_of(of[2]), of[1]
    return owner, body_key(name)


def body_key(name: str) -> str:
    """The form that a body's names share: "foreign ministry" of "Ministry of Foreign Affairs", "Foreign Ministry"."""
    key = normalise(name)
    if (match := _MINISTRY.match(key)) is not None:
        key = f"{match[2]} {match[1]}"
    words = [_SPELT.get(word, word) for word in key.split() if word != "affairs"]
    return " ".join(words) if len(words) > 1 and any(word in _heads() for word in words) else ""

"""The parts of a person's name, and which two names may be one person's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pipeline.entities.given_names import is_given_name, sex_of, variant_of
from pipeline.entities.name_order import surname_comes_first
from pipeline.entities.names import is_title, normalise, plain, without_title
from pipeline.entities.spelling import MIN_LEVELLED, heard, level, owner_words

_SUFFIXES = {"jr": "jr", "junior": "jr", "sr": "sr", "senior": "sr", "ii": "ii", "iii": "iii", "iv": "iv"}
_RANKS = {
    "private": "private", "pvt": "private", "corporal": "corporal", "cpl": "corporal", "sergeant": "sergeant",
    "sgt": "sergeant", "petty": "petty officer", "lieutenant": "lieutenant", "lt": "lieutenant", "captain": "captain",
    "capt": "captain", "major": "major", "maj": "major", "colonel": "colonel", "col": "colonel", "general": "general",
    "gen": "general", "brigadier": "brigadier", "brig": "brigadier", "admiral": "admiral", "adm": "admiral",
    "detective": "detective", "det": "detective", "inspector": "inspector", "insp": "inspector",
}  # fmt: skip
_ENLISTED = frozenset(["private", "corporal", "sergeant", "petty officer"])
_MALE = frozenset(
    ["mr", "sir", "king", "prince", "lord", "baron", "father", "emir", "sultan", "sheikh", "sheik", "shaikh", "imam"]
)
_FEMALE = frozenset(
    ["mrs", "ms", "miss", "lady", "queen", "princess", "dame", "baroness", "congresswoman", "spokeswoman", "chairwoman"]
)

_REGNAL = frozenset(["king", "queen", "prince", "princess", "emperor", "empress", "emir", "sultan", "tsar"])
COURTESY = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "rev"])
_NO_MARKS = COURTESY | _MALE | _FEMALE | {"reverend", "fr", "pastor", "pm"}
_SPELT_OUT = {"sen": "senator", "rep": "representative", "gov": "governor", "cmdr": "commander"}
WITH_GIVEN_NAME = _REGNAL | {"sir", "dame"}
"""Titles that stand with a given name alone: King Salman, Sir Mark."""
_OFFICES = frozenset([
    "president", "premier", "minister", "chancellor", "senator", "governor", "mayor", "secretary", "ambassador",
    "speaker", "congressman", "congresswoman", "representative",
])  # fmt: skip

PARTICLES = frozenset(["al", "el", "bin", "ibn", "abu", "de", "da", "di", "del", "der", "van", "von", "la", "le"])


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name without titles.

    Attributes:
        titles: normalised titles before it.
        parts: normalised words of the name; particles ("al", "bin") are words.
        suffix: jr, sr, ii, ... or empty.
        written: the name as written, without titles.
        words: parts without particles, the surname last: "moo hyun", "roh" of Roh Moo-hyun.
        nick: normalised nickname that stands in quotes among the names: Robert "Bobby" Danforth.
    """

    titles: frozenset[str]
    parts: tuple[str, ...]
    suffix: str
    written: str
    words: tuple[str, ...]
    nick: str = ""

    @property
    def key(self) -> str:
        return " ".join((*self.parts, self.suffix)).strip()

    @property
    def node_key(self) -> str:
        """The key, and what else tells two people apart before anything is folded.

        For one name alone what its title tells: Mr. and Mrs. Reed are two people, King Omar a third. Of full names a
        sergeant's is kept from a general's, and one with a nickname from the same without.
        """
        if self.is_full:
            return f"{self.key}{' (enlisted)' if self.is_enlisted else ''}{f' ({self.nick})' if self.nick else ''}"
        if self.is_regnal:
            return f"{self.key} (regnal)"
        return f"{self.key} ({self.sex})" if self.sex else self.key

    @property
    def is_regnal(self) -> bool:
        """Whether it is the one name, a given name, that a ruler is called by: King Abdullah."""
        return not self.is_full and bool(self.titles & _REGNAL)

    @property
    def holds_office(self) -> bool:
        """Whether a title names a civil office, or is a ruler's."""
        return bool(self.titles & (_OFFICES | _REGNAL))

    @property
    def is_married_woman(self) -> bool:
        """Whether a title says so: Mrs. Bush is not President Bush."""
        return not self.titles.isdisjoint(["mrs", "lady"])

    @property
    def is_enlisted(self) -> bool:
        """Whether a title is the rank of one who is no officer."""
        return not self.ranks.isdisjoint(_ENLISTED)

    @property
    def is_full(self) -> bool:
        return len(self.words) >= 2

    @property
    def given(self) -> str:
        return self.words[0] if self.is_full else ""

    @property
    def surname(self) -> str:
        return (self.words or self.parts)[-1]

    @property
    def has_initial_only(self) -> bool:
        return len(self.given) == 1

    @property
    def sex(self) -> str:
        """m or f, as the titles tell, else the given name; empty: not told."""
        male, female = bool(self.titles & _MALE), bool(self.titles & _FEMALE)
        if male != female:
            return "m" if male else "f"
        return sex_of(self.given)

    @property
    def ranks(self) -> frozenset[str]:
        """The military and police ranks among the titles, spelt out."""
        return frozenset(rank for t in self.titles if (rank := _RANKS.get(t)))

    @property
    def marks(self) -> frozenset[str]:
        """Ranks and offices: what tells one bearer of a surname from another."""
        titles = (_SPELT_OUT.get(t, t) for t in self.titles if t not in _NO_MARKS and t not in _RANKS)
        return self.ranks.union(titles)

    def conflicts(self, other: PersonName, given: bool = True) -> bool:
        """Whether something says that these are two people."""
        if self.sex and other.sex and self.sex != other.sex:
            return True
        if self.suffix and other.suffix and self.suffix != other.suffix:
            return True
        if self.is_full != other.is_full and self.ranks and other.ranks and self.ranks.isdisjoint(other.ranks):
            return True  # Sergeant Storm is not Admiral Lena Storm; General Storm may be Lt. Gen. Lena Storm
        if not given or not (self.is_full and other.is_full) or given_alike(self.given, other.given):
            return False
        return self.nick != other.given and self.given != other.nick

    def same_surname(self, other: PersonName) -> bool:
        """Whether the surnames are one, or two transliterations of one: al-Sisi, el-Sissi."""
        return self.surname == other.surname or self.surname_level == other.surname_level

    def sounds_like(self, other: PersonName) -> bool:
        """Whether two full names differ by vowels alone that a transliteration leaves open, in one name of the two."""
        if self.suffix != other.suffix or self.words[1:-1] != other.words[1:-1]:
            return False
        surname, given = self.same_surname(other), given_alike(self.given, other.given)
        if surname == given:
            return surname
        return _heard_alike(self.given, other.given) if surname else _heard_alike(self.surname, other.surname)

    @property
    def surname_level(self) -> str:
        """The form that transliterations of the surname share; a short surname is its own."""
        return level(self.surname) if len(self.surname) >= MIN_LEVELLED else self.surname

    @property
    def surname_heard(self) -> str:
        """The form that all surnames share that may be one by ear: coarser than the level."""
        return heard(self.surname) if len(self.surname) >= MIN_LEVELLED else self.surname

    def is_start_of(self, longer: PersonName) -> bool:
        """Whether this is a longer name without its last surnames: "Otto Pérez" of Otto Pérez Molina.

        Not where its last word is a given name: Mohammed Ali may be another than Mohammed Ali Khan.
        """
        n = len(self.words)
        if not 2 <= n < len(longer.words) or is_given_name(self.surname):
            return False
        # Of "Andrés Felipe Restrepo Mejía" also "Andrés Restrepo": two given names, two surnames, the first of each.
        first_of_each = n == 2 and len(longer.words) == 4 and longer.words[::2] == self.words
        return longer.words[:n] == self.words or first_of_each

    def is_surnames_of(self, longer: PersonName) -> bool:
        """Whether this is both surnames of a longer name: "Lopez Obrador"."""
        n = len(self.words)
        return 2 <= n < len(longer.words) and longer.words[-n:] == self.words and not is_given_name(self.words[0])

    def may_be_father_of(self, other: PersonName) -> bool:
        """Whether one of two like names has Jr. or Sr. and the other nothing; the father of a III has a II or Jr."""
        return self.suffix != other.suffix and bool({self.suffix, other.suffix} & {"jr", "sr"})

    def same_full_name(self, other: PersonName) -> bool:
        """Whether two full names agree: same surname, given names alike, no middle names that differ."""
        if self.suffix == other.suffix and "".join(self.words) == "".join(other.words):
            return True  # Gholam-Reza, Gholamreza
        if not self.same_surname(other):
            return False
        if not given_alike(self.given, other.given):
            return False
        a, b = self.words[1:-1], other.words[1:-1]
        if not a or not b:
            return bool(self.suffix == other.suffix or a == b)
        return len(a) == len(b) and all(given_alike(x, y) for x, y in zip(a, b, strict=True))

    def ends_with(self, short: PersonName) -> bool:
        """Whether a short name is the end of this full one: "al-Baghdadi", "Baghdadi"."""
        words = short.words or short.parts
        return self.words[-len(words) :] == words and (not short.suffix or short.suffix == self.suffix)


def given_alike(a: str, b: str) -> bool:
    if a == b or variant_of(a) == variant_of(b):
        return True
    if len(a) == 1 or len(b) == 1:
        return a[0] == b[0]
    return level(a) == level(b)


def _heard_alike(a: str, b: str) -> bool:
    return min(len(a), len(b)) >= MIN_LEVELLED and heard(a) == heard(b)


def given_keys(given: str) -> tuple[str, ...]:
    """Two given names that are alike have one of these keys in common; an initial with every name it may stand for."""
    return f"{given[0]}.", f"={variant_of(given)}", f"~{level(given)}", f"~~{heard(given)}"


# "Servant of the ...": one given name, however it is parted: Abd al-Rahman, Abdul Rahman, Abdelrahman.
_SERVANT = re.compile(r"abd(?:[eou]?[lrsn])?")
_JOINED_SERVANT = re.compile(r"abd[aeo](?=l\w{4})")
_NICK = re.compile(r"(?<=\w )[\"“‘']([A-Z][\w.]+)[\"”’'](?= \w)")


def _join_servant(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words of a name with "abd" and what it goes with as one, unless that leaves one word alone."""
    joined: list[str] = []
    for i, word in enumerate(words):
        if joined and _SERVANT.fullmatch(joined[-1]) and len(words) > 2 and i + 1 < len(words):
            joined[-1] = f"abdul{word}"
        else:
            joined.append(_JOINED_SERVANT.sub("abdu", word))
    return tuple(joined)


_JOINED_ARTICLE = re.compile(r"\b([AE]l)(?=[A-Z][a-z])")


def _without_description(text: str) -> tuple[str, str]:
    """Split what stands before titles and name from them: "South Korean" President Roh, "Taliban chief" Mehsud."""
    words = text.split()
    owner = owner_words(words[:-1])
    n = owner if owner and (is_title(words[owner]) or words[owner].islower()) else 0
    if not n and len(words) > 3 and not is_title(words[0]):
        # "Fed Chair Jerome Powell", "Dale County Sheriff Bill Ott": no name has an office within it.
        n = next((k for k in range(1, len(words) - 2) if words[k] in _AFTER_A_BODY), 0)
    while n < len(words) - 1 and _is_description(words[n]):
        n += 1
    return " ".join(words[:n]), " ".join(words[n:])


_AFTER_A_BODY = frozenset([
    "Chair", "Chairman", "Chairwoman", "Chairperson", "President", "Minister", "Secretary", "Director", "Commissioner",
    "Governor", "Gov.", "Senator", "Sen.", "Rep.", "Sheriff", "Mayor", "Ambassador", "Spokesman", "Spokeswoman", "CEO",
    "Commander", "Gen.", "Col.", "Sgt.", "Capt.", "Lt.", "Prime", "Foreign", "Attorney", "Officer", "Detective",
])  # fmt: skip


def _is_description(word: str) -> bool:
    return len(word) > 4 and word.isalpha() and word.islower() and not is_title(word)


@lru_cache(maxsize=16384)
def parse_person(text: str) -> PersonName:
    """Take a person's mention apart."""
    described, rest = _without_description(text)
    titles, name = without_title(rest)
    name = _JOINED_ARTICLE.sub(r"\1-", name)
    nick = _NICK.search(name) if any(mark in name for mark in "\"“'‘") else None
    if nick is not None:
        name = f"{name[: nick.start()]}{name[nick.end() :].lstrip()}"
    words = normalise(name).split()
    suffix = ""
    if len(words) > 1 and words[-1] in _SUFFIXES:
        suffix = _SUFFIXES[words.pop()]
    written = name.strip(" ,.")
    for ending in ("'s", "’s"):
        written = written.removesuffix(ending)
    parts = tuple(words) or (plain(text),)
    return PersonName(
        frozenset(plain(t).strip(".,") for t in f"{described} {titles}".split()),
        parts,
        suffix,
        written,
        (" ".join(parts[1:]), parts[0])
        if surname_comes_first(written)
        else _join_servant(tuple(p for p in parts if p not in PARTICLES)),
        normalise(nick[1]) if nick is not None else "",
    )

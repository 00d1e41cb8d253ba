"""Mentions of names: the entities of a text, each with the evidence for folding (aliases.py) that stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from pipeline.entities.gazetteer import shipped
from pipeline.entities.given_names import is_given_name
from pipeline.entities.labels import IDENTITY_CLASS
from pipeline.entities.names import QUALIFIERS, normalise, plain, without_legal_form, without_title
from pipeline.entities.people import parse_person
from pipeline.entities.spelling import is_acronym

Span = tuple[int, int, str]

# Ranks and offices under the one word that they are compared by.
_OFFICES = {
    "gen": "general",
    "lt": "lieutenant",
    "col": "colonel",
    "capt": "captain",
    "maj": "major",
    "cmdr": "commander",
    "adm": "admiral",
    "brig": "brigadier",
    "sgt": "sergeant",
    "sen": "senator",
    "rep": "representative",
    "gov": "governor",
}
_NO_ROLES: frozenset[str] = frozenset()
_NO_OFFICE = QUALIFIERS | frozenset(["mr", "mrs", "ms", "miss", "dr", "sir", "lord", "lady", "dame", "u.s"])
_BELOW_OFFICES = frozenset({"vice", "deputy", "assistant", "acting", "former"})
KIN = "kin of|"
"""Before the name of a relative in `Mention.roles`."""
CALLED = "called|"
"""Before the other name that the text gives a thing: "alias", "formerly known as"."""
NAMED = "named|"
"""Before the one full name that a surname alone can mean, at a place where the text has named only one of several."""
UNNAMED = "unnamed|"
"""Of one name alone that the text has only before any full name with it, and such a full name after."""

_RELATIVE = (
    "(?:(?:grand|step|half-)?(?:son|daughter|brother|sister|father|mother)|wife|husband|widow|widower|cousin|nephew|niece|"
    "uncle|aunt|twin)"
)
_KIN = re.compile(rf"\b{_RELATIVE}s?\b", re.IGNORECASE)
_KIN_OF = re.compile(rf"\b{_RELATIVE} of (?:the )?(?:late )?(?:former )?$", re.IGNORECASE)
_ENDS = re.compile(r"[.;:!?\n]")
# What stands between two names of one thing. "Formerly" alone may part two firms or two countries: more is asked.
_CALLED = re.compile(
    r"['’\"”]*,? \(?(?:(?:who|which) )?(?:is |was |are |were )?(?:alias|a\.?k\.?a\.?"
    r"|(?:also |better |best |formerly |previously |once |commonly |widely |popularly )?known (?:as|by the name)"
    r"|(?:also|formerly|previously|now) called|nicknamed|renamed|whose real name is"
    r"|(?:whose|by the|by his|by her) (?:nom de guerre|nickname|alias)(?: is| was)?),? [\"“'‘]?(?:the )?[\"“'‘]?"
)
_FAMILY = (" family", " families", " brothers", " sisters", " children", " home")
_BETWEEN = re.compile(r"(?:['’]s)?,? (?:the )?((?:[\w.-]+ ){0,4})")


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A mention of a name, with what its text says about it.

    Attributes:
        text: as written.
        label: its type.
        document: where it stands; two given names in one document are two people.
        outlet: who wrote it.
        explains: the name that it stands in brackets after, or whose brackets follow it: "IRGC" in "... Corps (IRGC)".
        roles: what the text says of it: a person's offices ("united states central command|commander"), whose relative
            it is (see `KIN`), what else it is called (`CALLED`), of several people of one surname the one that has
            been named by then (`NAMED`), and that none has been (`UNNAMED`).
        count: how often the document has this very mention.
    """

    text: str
    label: str
    document: str = ""
    outlet: str = ""
    explains: str = ""
    roles: frozenset[str] = frozenset()
    count: int = 1


def mentions_of(text: str, spans: Sequence[Span], document: str = "", outlet: str = "") -> list[Mention]:
    """The mentions of a text, one per span, in order."""
    found = []
    named = _named(text, spans)
    for i, (start, end, label) in enumerate(spans):
        before = spans[i - 1] if i else None
        after = spans[i + 1] if i + 1 < len(spans) else None
        explains = ""
        if before is not None and text[before[1] : start] in (" (", " [") and text[end : end + 1] in (")", "]"):
            explains = text[before[0] : before[1]]
        elif after is not None and text[end : after[0]] in (" (", " [") and text[after[1] : after[1] + 1] in (")", "]"):
            # "IRGC (Islamic Revolutionary Guard Corps)"
            explains = text[after[0] : after[1]] if is_acronym(text[start:end]) else ""
        roles = _NO_ROLES
        if label == "PERSON":
            roles = _roles(text, before, spans[i]).union(_kin(text, spans, i))
            if i in named:
                roles |= {named[i]}
        if before is not None and 4 < start - before[1] < 40 and (name := _called(text, before, spans[i])):
            roles |= {CALLED + name}
        found.append(
            Mention(text=text[start:end], label=label, document=document, outlet=outlet, explains=explains, roles=roles)
        )
    return found


def key_of(text: str, label: str) -> str:
    """The levelled name that a mention's node has."""
    if label == "PERSON":
        return parse_person(text).key
    name = normalise(text)
    return without_legal_form(name) if IDENTITY_CLASS[label] == "organisation" else name


def _called(text: str, before: Span, span: Span) -> str:
    """The key of the name directly before of which this is another: "Jose Prieto, alias El Tuerto"."""
    if _CALLED.fullmatch(text, before[1], span[0]) is None or IDENTITY_CLASS[before[2]] != IDENTITY_CLASS[span[2]]:
        return ""
    return key_of(text[before[0] : before[1]], before[2])


def _named(text: str, spans: Sequence[Span]) -> dict[int, str]:
    """For one name alone, whom the text has named by then: of several people of a surname the one, or nobody.

    "Omar Diallo left. Diallo's brother, Amadou Diallo, stayed.": the Diallo whose brother it is can only be Omar.
    "Diallo left. Amadou Diallo stayed.": he may be another Diallo.
    """
    people: dict[str, dict[str, None]] = {}
    alone: list[tuple[int, str, str]] = []
    first: dict[str, int] = {}
    short: dict[str, list[int]] = {}
    for i, (start, end, label) in enumerate(spans):
        if label != "PERSON":
            continue
        name = parse_person(text[start:end])
        bearers = people.setdefault(name.surname, {})
        if not name.is_full:
            short.setdefault(name.surname, []).append(i)
            if len(bearers) == 1 and not text.startswith(_FAMILY, end):
                alone.append((i, name.surname, NAMED + next(iter(bearers))))
        else:
            bearers[name.key] = None
            first.setdefault(name.surname, i)
            first.setdefault(name.given, i)
    roles = {i: role for i, surname, role in alone if len(people[surname]) > 1}
    for surname, places in short.items():
        if places[-1] < first.get(surname, -1):
            roles.update(dict.fromkeys(places, UNNAMED))
    return roles


def _kin(text: str, spans: Sequence[Span], i: int) -> Iterator[str]:
    """The roles of a person as a relative of those named directly before and after."""
    for k in (i - 1, i + 1):
        if 0 <= k < len(spans) and spans[k][2] == "PERSON" and _are_kin(text, spans[min(i, k)], spans[max(i, k)]):
            yield KIN + parse_person(text[spans[k][0] : spans[k][1]]).key


def _are_kin(text: str, first: Span, second: Span) -> bool:
    """ "Ann Lee, her brother Tom Lee", "Tom Lee, son of Ann Lee", "the son of Mr. Lee, Tom Lee", "Ann and Tom Lee"."""
    between = text[first[1] : second[0]]
    if len(between) > 60 or _ENDS.search(between) is not None:
        return False
    if between == " and " and " " in text[slice(*second[:2])] and is_given_name(text[slice(*first[:2])].lower()):
        return True
    return _KIN.search(between) is not None or (
        between in (", ", " ") and _KIN_OF.search(text[max(0, first[0] - 40) : first[0]]) is not None
    )


def _roles(text: str, before: Span | None, person: Span) -> frozenset[str]:
    """Offices in the organisation named directly before a person: "CENTCOM Commander Gen. Erik Kurilla"."""
    if before is None or before[2] not in ("ORG", "UNIT", "GPE"):
        return frozenset()
    between = _BETWEEN.fullmatch(text[before[1] : person[0]])
    if between is None:
        return frozenset()
    titles, _ = without_title(text[person[0] : person[1]])
    offices = set()
    below = ""  # a vice president does not hold the president's office
    for word in (plain(w).strip(".,") for w in (between[1] + titles).split()):
        if word in _BELOW_OFFICES:
            below += f"{word} "
        elif word and word not in _NO_OFFICE:
            offices.add(below + _OFFICES.get(word, word))
    name = text[before[0] : before[1]]
    known = shipped().find(name)
    owner = normalise(known.canonical if known else name)
    return frozenset(f"{owner}|{office}" for office in offices)

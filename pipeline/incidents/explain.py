"""A report's `why` in words that a desk editor understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_SIGNALS = {
    "ages": "the same age",
    "streets": "the same street",
    "days": "the same day",
    "hours": "the same time of day",
}
_NAMED = {"ages": "age", "streets": "street", "days": "day", "hours": "hour", "places": "place", "persons": "name"}
_PARTS = {
    "bias": "where every pair of articles begins",
    "text": "words in common, the rare ones above all",
    "opening": "words that both begin with, in title or lead",
    "covered": "how much of a title the other report begins with",
    "ages": "ages in common",
    "ages_differ": "no age in common",
    "streets": "streets in common",
    "streets_differ": "no street in common",
    "days": "days in common",
    "days_differ": "no day in common",
    "names": "names in common",
    "places": "places in common",
    "back": "one recalls a day of the other",
    "hours": "the same time of day",
    "hours_differ": "another time of day",
    "tolls_differ": "other counts of killed or wounded",
    "places_differ": "no place in common",
    "persons_differ": "no person in common",
    "leads": "names that both begin with",
    "leads_differ": "names that one begins with and the other lacks",
    "crowd": "how alike it is to everything else",
    "told": "how much both begin with in common, counted for brief texts",
}


def parts(why: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What each signal added to the link with the closest report, in words, the strongest first."""
    found = [(_PARTS.get(name, name), float(value)) for name, value in why.get("parts", {}).items()]
    return sorted(found, key=lambda part: (-abs(part[1]), part[0]))


def explain(
    why: Mapping[str, Any],
    title_of: Callable[[str], str | None] = lambda article_id: None,
    written: Callable[[str], str | None] = lambda word: None,
) -> str:
    """Say why a report is in its incident.

    Args:
        why: as in `ArticleEvent` and `Report`.
        title_of: article id -> its title, to name other reports by; without one the id is used.
        written: a stem or a name in small letters -> as the report writes it (`as_written`).
    """
    kind = why.get("kind")
    if kind == "copy":
        return f"It repeats the text of {_name(why['of'], title_of)} and goes where that is.{_round_up(why)}"
    if kind == "editor":
        return _editors(why) + _round_up(why)
    if kind == "taken_back":
        return f"It was taken back ({why.get('reason', 'no reason given')})."
    sentences = [_opening(why, title_of)]
    if why.get("shared"):
        sentences.append(f"Both have {_list(_shared(why['shared'], written))}.")
    if why.get("conflicts"):
        sentences.append(f"Against it: {_conflicts(why['conflicts'], written)}.")
    if "gap_days" in why:
        sentences.append(f"It came {_gap(why['gap_days'])} the nearest report.")
    if "runner_up" in why:
        sentences.append(_runner_up(why, written))
    if "split_from" in why:
        sentences.append(f"Its coming parted them from incident {why['split_from'][:8]}.")
    return " ".join(sentences) + _round_up(why)


def _round_up(why: Mapping[str, Any]) -> str:
    if "round_up" not in why:
        return ""
    return (
        f" It is a round-up of {why['round_up']} events or more: it does not count as an independent origin of this"
        " one, and is not read for when and where."
    )


def _editors(why: Mapping[str, Any]) -> str:
    when = f" on {why['at'][:10]}" if why.get("at") else ""
    note = f": “{why['note']}”" if why.get("note") else ""
    return f"It is here by an editor's word ({why['word']} by {why['by']}{when}, word {why['word_id']}){note}."


def _opening(why: Mapping[str, Any], title_of: Callable[[str], str | None]) -> str:
    score = f"score {why['score']:z.1f}, {why.get('needed', 0):z.1f} needed" if "score" in why else ""
    closest = _name(why["closest"], title_of) if "closest" in why else ""
    match why.get("kind"):
        case "founded":
            return "It is the first report of this incident: no earlier one tells of the same event."
        case "joined":
            return f"It tells of the same event as {closest} ({score})."
        case "moved":
            return f"It was moved here because it tells of the same event as {closest} ({score})."
        case "split":
            return f"It was parted from incident {why['from'][:8]}, whose reports tell of another event."
        case "kept" if closest:
            return f"The new version stays with its incident; closest is {closest} ({score})."
        case _:
            return "The new version stays with its incident."


def _shared(shared: Mapping[str, list[Any]], written: Callable[[str], str | None]) -> list[str]:
    said = []
    for key, label in (("names", "the names"), ("places", "the places")):
        if shared.get(key):
            said.append(f"{label} {_list([written(n) or n.title() for n in map(str, shared[key])])}")
    for key, label in _SIGNALS.items():
        if shared.get(key):
            said.append(f"{label} ({_list(shared[key])})")
    if shared.get("words"):
        said.append(f"rare words ({', '.join(dict.fromkeys(written(word) or word for word in shared['words']))})")
    return said


def _conflicts(conflicts: Mapping[str, list[Any]], written: Callable[[str], str | None]) -> str:
    said = []
    for key, (mine, theirs) in conflicts.items():
        if key == "tolls":
            said.append(f"it counts {_list(mine)}, the other {_list(theirs)}")
        else:
            if key in ("places", "persons"):
                mine, theirs = [written(name) or name.title() for name in mine], [name.title() for name in theirs]
            said.append(f"another {_NAMED[key]} ({_list(mine)}, not {_list(theirs)})")
    return "; ".join(said)


def _gap(days: float) -> str:
    hours = days * 24
    if hours < 1:
        return "within an hour of"
    if hours < 48:
        return f"{hours:.0f} hour{'s' if round(hours) > 1 else ''} from"
    return f"{days:.0f} days from"


def _runner_up(why: Mapping[str, Any], written: Callable[[str], str | None]) -> str:
    other = why["runner_up"]
    against = f" ({_conflicts(other['conflicts'], written)})" if other.get("conflicts") else ""
    return f"The next best was incident {other['incident_id'][:8]} with a score of {other['score']:z.1f}{against}."


def _name(article_id: str, title_of: Callable[[str], str | None]) -> str:
    title = title_of(article_id)
    return f"“{title}”" if title else f"report {article_id[:8]}"


def _list(items: list[Any]) -> str:
    words = [str(i) for i in items]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

"""The ledger's decision on an editor's word.

A word is carried out in full or refused with a reason; a refused word changes nothing. What one does to articles and
incidents goes through the same `Plan` as the machine's own decisions, so it is logged, restored and told alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from pipeline.incidents.constraints import barred, signed, why_held
from pipeline.incidents.decision import Decision, Ruling
from pipeline.incidents.entry import Entry
from pipeline.incidents.plan import Plan
from pipeline.incidents.state import State
from pipeline.records import Annotated, EditorWord, WordKind
from pipeline.settings import Incidents

MOST_MOVED = 2_000
"""Articles that one word moves at most: they must fit into one record of the log."""

MOST_HELD = 2_000
"""Articles that one word holds; of a larger incident the last, because older ones are not re-decided anyway."""


class _Refused(Exception):
    """The word cannot be carried out; says why, for the editor."""


def decide_word(state: State, item: Annotated, settings: Incidents) -> Decision:
    """Carry an editor's word out, or refuse it."""
    word = item.word
    assert word is not None
    if state.rulings.get(word.word_id) is not None:
        return _nothing(state, replace(item, verdict="stale"), "redelivery", word)
    plan = Plan(state, item, settings)
    try:
        if word.word != "undo" and len(state.rulings) >= settings.max_words:
            raise _Refused(f"{len(state.rulings)} words are in force, incidents.max_words allows no more: undo some")
        _RULES[word.word](state, plan, word)
    except _Refused as refused:
        # Who said it finds it again by the id that it was published with.
        reason = f"{word.word} by {word.by} (word {word.word_id}): {refused}"
        return _nothing(state, replace(item, verdict="refused"), reason, word)
    plan.reason = f"{word.word} by {word.by}"
    plan.why = {"kind": "editor", **_signed(word)}
    return plan.finish()


def _nothing(state: State, item: Annotated, reason: str, word: EditorWord) -> Decision:
    return Decision(
        seq=item.seq,
        prev_seq=item.prev_seq,
        edition=item.edition,
        article_id=None,
        verdict=item.verdict,
        reason=reason,
        watermark=state.watermark,
        floor=state.floor,
        why={"kind": "editor", **_signed(word)},
    )


# What each word does


def _join(state: State, plan: Plan, word: EditorWord) -> None:
    taker, joined = _live(state, word.incident), _live(state, word.other)
    if taker == joined:
        raise _Refused("they are one incident already")
    _check_bar(state, taker, joined)
    coming = state.reports(joined)
    _check_size(coming)
    ruling = _rule(plan, word, (taker, joined), moved=coming)
    held = _held(coming, state.reports(taker))
    plan.ruling = replace(ruling, held={taker: held})
    _merge(plan, joined, taker, plan.ruling)
    plan.edited(taker, {**signed(ruling), "joined": joined, "reports": len(coming)})


def _split(state: State, plan: Plan, word: EditorWord) -> None:
    left = _live(state, word.incident)
    named = [_live_article(state, article_id) for article_id in dict.fromkeys(word.articles)]
    for entry in named:
        if entry.incident_id != left:
            raise _Refused(f"article {entry.article_id} is not in incident {left} but in {entry.incident_id}")
    leaving = _with_copies(state, named, left)
    names = {e.article_id for e in leaving}
    staying = [e for e in state.reports(left) if e.article_id not in names]
    if not staying:
        raise _Refused("nothing would be left behind: name fewer articles")
    if any(plan.has_founded(e.article_id, left) for e in leaving):
        leaving, staying = staying, leaving  # who founded it keeps the id
    _check_size(leaving)
    new = plan.free_id(leaving[0].article_id)
    ruling = _rule(plan, word, (left, new), moved=leaving)
    plan.ruling = replace(ruling, held={left: _held(staying), new: _held(leaving)})
    for entry in leaving:
        plan.move(entry, new, why_held(ruling))
    plan.edited(left, {**signed(ruling), "into": new, "reports": len(leaving)})
    plan.edited(new, {**signed(ruling), "from": left, "reports": len(leaving)})


def _never_join(state: State, plan: Plan, word: EditorWord) -> None:
    one, other = _live(state, word.incident), _live(state, word.other)
    if one == other:
        raise _Refused("they are one incident: split it first")
    plan.ruling = _rule(plan, word, (one, other))
    plan.edited(one, {**signed(plan.ruling), "other": other})
    plan.edited(other, {**signed(plan.ruling), "other": one})


def _pin(state: State, plan: Plan, word: EditorWord) -> None:
    target = _live(state, word.incident)
    entry = _live_article(state, word.articles[0])
    before = entry.incident_id
    assert before is not None
    moved = [] if before == target else [entry]
    plan.ruling = ruling = _rule(plan, word, (target,), moved=moved)
    plan.ruling = replace(ruling, held={target: (entry.article_id,)})
    if moved and len(state.members[before]) == 1:
        _check_bar(state, before, target)
        _merge(plan, before, target, plan.ruling)
    elif moved:
        plan.move(entry, target, why_held(ruling))
    plan.edited(target, {**signed(ruling), "article": entry.article_id})


def _retitle(state: State, plan: Plan, word: EditorWord) -> None:
    incident_id = _live(state, word.incident)
    plan.ruling = replace(_rule(plan, word, (incident_id,)), title=word.title)
    plan.edited(incident_id, {**signed(plan.ruling), "title": word.title})


def _undo(state: State, plan: Plan, word: EditorWord) -> None:
    assert word.of is not None
    ruling = state.rulings.get(word.of)
    if ruling is None:
        raise _Refused(f"no word {word.of} is in force")
    if ruling.undone:
        raise _Refused(f"word {word.of} was undone before")
    plan.ruling = Ruling(word=ruling.word, word_id=ruling.word_id, by=word.by, at=word.at, note=word.note, undone=True)
    back = _put_back(state, plan, ruling, why_held(replace(plan.ruling, word="undo")))
    evidence = {**_signed(word), "of": ruling.word_id, "undone": ruling.word, "reports": back}
    touched = {state.resolve(i) for i in ruling.incidents} | set(ruling.incidents if back else ())
    for incident_id in sorted(touched):
        if incident_id in state.members or plan.members(incident_id):
            plan.edited(incident_id, evidence)


_RULES: dict[WordKind, Callable[[State, Plan, EditorWord], None]] = {
    "join": _join,
    "split": _split,
    "never-join": _never_join,
    "pin": _pin,
    "retitle": _retitle,
    "undo": _undo,
}


def _put_back(state: State, plan: Plan, ruling: Ruling, why: dict[str, Any]) -> int:
    """Take back what a join or split moved, as far as that is still there; returns the number of articles.

    An article stays where it is if it has left since, or was taken back or forgotten, or a later word holds it; all
    stay where another word keeps the two incidents apart, or where nothing else would be left of a joined incident.
    """
    if ruling.word not in ("join", "split"):
        return 0
    if ruling.word == "join":
        taker, home = ruling.incidents  # the joined incident comes back under its own id
        away = state.resolve(taker)
    else:
        home, away = map(state.resolve, ruling.incidents)
    there = {e.article_id: e for e in state.reports(away)}
    coming = [there[a] for a in ruling.moved if a in there and _last_holds(state, a, ruling)]
    if not coming or home == away:
        return 0
    if ruling.word == "join":
        if len(coming) == len(there):
            return 0
    elif barred(state, home, away, without=ruling.word_id) is not None:
        return 0
    if len(coming) == len(there):
        plan.merge(away, home, {k: v for k, v in why.items() if k != "kind"})
    for entry in coming:
        plan.move(entry, home, why)
    return len(coming)


def _last_holds(state: State, article_id: str, ruling: Ruling) -> bool:
    holding = state.rulings.holding(article_id)
    return bool(holding) and holding[-1][1].word_id == ruling.word_id


# Looking things up


def _live(state: State, incident_id: str | None) -> str:
    """The incident that has the reports of the one that is named."""
    assert incident_id is not None
    found = state.resolve(incident_id)
    if found in state.members:
        return found
    mark = state.marks.get(incident_id)
    known = mark is not None and mark.withdrawn
    if known:
        raise _Refused(f"incident {incident_id} was withdrawn")
    raise _Refused(
        f"no incident {incident_id} is known: there was none, or its reports are older than what is remembered"
    )


def _live_article(state: State, article_id: str) -> Entry:
    found = state.live(article_id)
    if found is None:
        taken_back = article_id in state.entries
        raise _Refused(f"article {article_id} was taken back" if taken_back else f"no article {article_id} is known")
    return found


def _check_bar(state: State, one: str, other: str) -> None:
    bar = barred(state, one, other)
    if bar is not None:
        raise _Refused(f"word {bar.word_id} ({bar.word} by {bar.by}) keeps them apart: undo it first")


def _check_size(moving: Sequence[Entry]) -> None:
    if len(moving) > MOST_MOVED:
        raise _Refused(f"{len(moving)} reports would move, {MOST_MOVED} are the most that one word may move")


def _with_copies(state: State, named: Sequence[Entry], incident_id: str) -> list[Entry]:
    """Articles with those of their copies that are in the same incident, in the order of their decisions."""
    found = {e.article_id: e for e in named}
    for root in named:
        if root.copy_group == root.article_id:
            found |= {e.article_id: e for e in state.group(root.article_id) if e.incident_id == incident_id}
    waiting = list(found.values())
    while waiting:
        source = waiting.pop()
        for entry in state.group(source.copy_group):
            is_copy = entry.copy_of == source.article_id and entry.incident_id == incident_id
            if is_copy and entry.article_id not in found:
                found[entry.article_id] = entry
                waiting.append(entry)
    return sorted(found.values(), key=lambda e: e.seq)


def _held(first: Iterable[Entry], rest: Sequence[Entry] = ()) -> tuple[str, ...]:
    """Ids of the articles to hold: all of `first`, and of `rest` the newest as far as there is room."""
    articles = [e.article_id for e in first]
    room = MOST_HELD - len(articles)
    return tuple([*articles, *(e.article_id for e in rest[max(0, len(rest) - room) :])][:MOST_HELD])


def _merge(plan: Plan, loser: str, winner: str, ruling: Ruling) -> None:
    plan.merge(loser, winner, signed(ruling))
    for entry in plan.members(winner):
        if entry.incident_id == loser:
            plan.move(entry, winner, why_held(ruling))


def _rule(plan: Plan, word: EditorWord, incidents: tuple[str, ...], moved: Sequence[Entry] = ()) -> Ruling:
    return Ruling(
        word=word.word,
        word_id=word.word_id,
        by=word.by,
        at=word.at,
        note=word.note,
        incidents=incidents,
        moved=tuple(e.article_id for e in moved),
    )


def _signed(word: EditorWord) -> dict[str, Any]:
    """Which word, whose, when and why."""
    return signed(Ruling(word=word.word, word_id=word.word_id, by=word.by, at=word.at, note=word.note))

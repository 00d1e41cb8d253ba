"""The ledger: for each input of an edition, in order, one decision on which incident it belongs to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.entities.gazetteer import Gazetteer
from pipeline.facts.article import facts_of, tolls_of
from pipeline.incidents import snapshot
from pipeline.incidents.card import card
from pipeline.incidents.constraints import barred, home_of, why_held
from pipeline.incidents.decision import Decision, Logged, Mark, read_logged
from pipeline.incidents.editing import decide_word
from pipeline.incidents.entry import Entry
from pipeline.incidents.features import Extract, features
from pipeline.incidents.figures import Figures, figures
from pipeline.incidents.match import Match, crowd, match_incidents, nearest, rank
from pipeline.incidents.plan import Plan
from pipeline.incidents.profile import Profile
from pipeline.incidents.publishers import load_publishers
from pipeline.incidents.record import Records, Written
from pipeline.incidents.rethink import rethink
from pipeline.incidents.score import Query, Weights, weights
from pipeline.incidents.split import split_by, split_without
from pipeline.incidents.state import State, days
from pipeline.incidents.why import why_copy, why_scored
from pipeline.incidents.young import is_young
from pipeline.records import (
    CHANGES_NOTHING,
    Annotated,
    ArticleEvent,
    IncidentChange,
    IncidentRecord,
)
from pipeline.settings import Incidents

LEAVE = 1.0
"""An updated article leaves the company it is in only when it scores this much below what joining takes."""


class Ledger:
    """State of one edition, and the decisions that change it. Pure: no clock, no input or output.

    Feed it every record of `annotated[edition]` in order (`decide`), after feeding it the incident log (`apply`).
    Decisions depend on the inputs alone: not on batches, restarts, hash seeds, or on what compaction left of the log.

    Args:
        fitted: the scorer; default: the one that ships.
        extract: makes an article's features; default: `features.features`. Another one is for measurements.
        names: known names that an incident's reports are folded with; default: those that ship. Decisions never see
            them.

    Raises:
        SettingsError: the file of publishers cannot be used.
    """

    def __init__(
        self,
        edition: int,
        settings: Incidents,
        *,
        fitted: Weights | None = None,
        extract: Extract = features,
        names: Gazetteer | None = None,
    ) -> None:
        self.edition = edition
        self._settings = settings
        self._weights = self._suited = weights() if fitted is None else fitted
        self._extract = extract
        self._publishers = load_publishers(settings.publishers)
        self._state = State(days(settings.ttl_days))
        self._records = Records(edition, days(settings.close_after_days), self._publishers, names)

        self._profile: Profile | None = None
        self._words: Sequence[str] | None = None
        """Both of the article in work."""

    @property
    def last_seq(self) -> int:
        """Seq of the newest decision; -1 at first."""
        return self._state.last_seq

    @property
    def entries(self) -> int:
        """Remembered articles, those taken back included."""
        return len(self._state.entries)

    @property
    def evicted(self) -> Counter[str]:
        """Forgotten articles by reason (age, size) since the process started."""
        return self._state.evicted

    def decide(self, item: Annotated, parting: Callable[[Decision], None] | None = None) -> Decision:
        """Decide one input and apply the decision.

        Args:
            parting: called before the decision is applied, if it lets articles be forgotten: the last moment to ask
                for the records of the incidents that lose them (`losing`, `closing`).

        Raises:
            ValueError: `item.prev_seq` is not the last decided seq, or the edition is another: a bug of the caller.
        """
        if item.edition != self.edition:
            raise ValueError(f"record of edition {item.edition} given to the ledger of edition {self.edition}")
        if item.prev_seq != self.last_seq:
            raise ValueError(f"seq {item.seq} follows {item.prev_seq}, but the last decided is {self.last_seq}")
        self._profile = self._words = None
        decision = self._decide(item)
        if parting is not None and self.losing(decision):
            parting(decision)
        self._state.apply(decision, self._profile, self._words)
        return decision

    def losing(self, decision: Decision | Logged) -> set[str]:
        """Ids of the incidents that lose reports when the decision is applied, because these are forgotten."""
        return {e.incident_id for e in self._going(decision) if e.incident_id is not None}

    def closing(self, decision: Decision | Logged) -> list[Written]:
        """The last records of the incidents that the decision closes because it lets their last reports be forgotten.

        To be asked for before the decision is applied.
        """
        going = self._going(decision)
        marks = {m.incident_id: m for m in decision.marks if m.seq == decision.seq}
        if not going or not marks:
            return []
        state = self._state
        own = [p for p in decision.placements if p.seq == decision.seq]
        before = [state.live(id) for id in (decision.article_id, *(p.article_id for p in own))]
        placed = {decision.incident_id, *(p.incident_id for p in own), *(e.incident_id for e in before if e)} - {None}
        forgotten = state.forgotten(going, [i for i in placed if i is not None])
        return [self._records.closed(state, marks[i]) for i in forgotten if i in marks]

    def _going(self, decision: Decision | Logged) -> list[Entry]:
        """Entries that the decision forgets."""
        return [] if decision.floor is None else self._state.expired(decision.floor, decision.article_id)

    @staticmethod
    def read(value: bytes) -> Logged:
        """What the state needs of a record of the incident log.

        Raises:
            InvalidEvent: it is none.
        """
        return read_logged(value)

    def apply(self, decision: Decision | Logged) -> None:
        """Fold a decision of the log in; one with a seq up to `last_seq` changes nothing."""
        self._state.apply(decision)

    def apply_all(self, decisions: Sequence[Decision | Logged]) -> None:
        """Fold decisions of the log in, in order."""
        for decision in decisions:
            self._state.apply(decision)

    def settle(self) -> bool:
        """Write the postings of what was folded in; False: nothing is left."""
        self._state.index.settle()
        return False

    def snapshot(self) -> bytes:
        """All that the ledger has been told, for `resume`; a function of the state alone."""
        return snapshot.dump(self._state)

    def resume(self, data: bytes) -> None:
        """Take over what another ledger knew, in the place of folding the log up to its last decision.

        Raises:
            ValueError: `data` is not from `snapshot`; this ledger is as it was.
        """
        state = State(days(self._settings.ttl_days))
        snapshot.load(data, state)
        self._state = state

    def event(self, decision: Decision, item: Annotated) -> ArticleEvent:
        """The final word on one input, for `enriched`; a function of its arguments alone."""
        article = item.article
        annotation = item.annotation
        return ArticleEvent(
            id=item.native_id,
            article_id=item.article_id,
            edition=item.edition,
            seq=item.seq,
            provider=item.provider,
            source=None if article is None else article.source,
            title=None if article is None else article.title,
            text=None if article is None else article.text,
            url=None if article is None else article.url,
            published=None if article is None else article.published,
            language=None if article is None else article.language,
            version=None if article is None else article.version,
            verdict=decision.verdict,
            reason=decision.reason,
            copy_of=None if item.copy is None else item.copy.of,
            copy_kind=None if item.copy is None else item.copy.kind,
            copy_group=item.copy_group,
            regrouped=item.regrouped,
            incident_id=decision.incident_id,
            why=decision.why,
            entities=() if annotation is None else annotation.entities,
            side_spans=() if annotation is None else annotation.side_spans,
            facts=facts_of(article),
            tolls=tolls_of(article),
        )

    def changes(self, decision: Decision) -> list[IncidentChange]:
        """What the decision did to incidents, for `incident-changes`; a function of the decision alone."""
        return [
            IncidentChange(
                change_id=f"{decision.edition}:{decision.seq}:{n}",
                change=change.change,
                incident_id=change.incident_id,
                edition=decision.edition,
                seq=decision.seq,
                article_id=change.article_id,
                event_time=decision.event_time,
                evidence=change.evidence,
            )
            for n, change in enumerate(decision.changes)
        ]

    def touched(self, decision: Decision) -> list[str]:
        """Ids of the incidents whose record the decision changed."""
        return [m.incident_id for m in decision.own_marks]

    def record(self, incident_id: str) -> IncidentRecord | None:
        """An incident as it stands now; None if it is unknown or forgotten."""
        return self._records.record(self._state, incident_id)

    def written(self, incident_id: str) -> Written | None:
        """The same as bytes; for those who ask again and again, as it costs what has changed since the last time."""
        return self._records.written(self._state, incident_id)

    def ended(self, mark: Mark) -> Written | None:
        """The same of an incident that was withdrawn or merged, though it be forgotten; None of any other."""
        return self._records.ended(self._state, mark)

    def incident_of(self, article_id: str) -> str | None:
        """The incident that a remembered article is in now."""
        entry = self._state.live(article_id)
        return None if entry is None else entry.incident_id

    def drain_tombstones(self) -> list[str]:
        """Log keys of the articles forgotten since the last call, to be deleted from the log."""
        keys = list(self._state.tombstones)
        self._state.tombstones.clear()
        return keys

    def incident_ids(self) -> list[str]:
        """Ids of all incidents that have a record: live, closed, merged and withdrawn ones."""
        return [i for i in self._state.known_incidents() if self._records.has(self._state, i)]

    def figures(self, at_least: Sequence[int], ranks: int) -> Figures:
        """How many incidents there are and how large; takes about a microsecond for each remembered article.

        Args:
            at_least: numbers of reports, ascending, for `Figures.at_least`.
            ranks: how many of the largest are wanted.
        """
        return figures(self._state, days(self._settings.close_after_days), self._publishers, at_least, ranks)

    # Deciding

    def _decide(self, item: Annotated) -> Decision:
        state = self._state
        if item.verdict == "word" and item.word is not None:
            return decide_word(state, item, self._settings)
        if item.verdict in CHANGES_NOTHING or item.article_id is None:
            return Decision(
                seq=item.seq,
                prev_seq=item.prev_seq,
                edition=item.edition,
                article_id=item.article_id,
                verdict=item.verdict,
                reason=item.reason,
                watermark=state.watermark,
                floor=state.floor,
            )
        plan = Plan(state, item, self._settings)
        if item.article is None:
            plan.why = {"kind": "taken_back", "reason": item.reason}
            split_without(state, plan, self._fitted(), self._settings)
        else:
            self._place(plan, item)
        plan.regroup(item.regrouped)
        return plan.finish()

    def _place(self, plan: Plan, item: Annotated) -> None:
        self._find_home(plan, item)
        assert plan.features is not None
        if plan.features.scenes:
            plan.why = {**plan.why, "round_up": plan.features.scenes}

    def _find_home(self, plan: Plan, item: Annotated) -> None:
        article_id = plan.article_id
        assert article_id is not None
        plan.card = card(item)
        index = self._state.index
        found = self._extract(item, index.frequencies(), len(index))
        own = self._state.entries.get(article_id)
        lookup = index.look_up(found.words, found.weights)
        near, cosines = nearest(index, lookup, None if own is None else own.seq)
        plan.features = found
        self._words = found.words
        self._profile = plan.profile = Profile.of(item.seq, found, crowd(cosines))
        source = self._source(item, plan.old)
        held = home_of(self._state, article_id)
        if held is not None:
            home, ruling = held
            # Where it is now may be somewhere else: by a later word that was undone.
            plan.incident_id = home if plan.old is None else plan.old.incident_id
            plan.why = why_held(ruling)
            plan.scored = source is None
            return
        if source is not None:
            plan.incident_id = source.incident_id
            plan.why = why_copy(item, source)
            return
        plan.scored = True
        query = Query(plan.profile, lookup, found)
        fitted = self._fitted()
        matches = rank(self._state, query, plan.event_time, near, cosines, fitted, item.article_id)
        if plan.old is None:
            self._place_new(plan, matches, fitted)
        else:
            self._place_again(plan, plan.old, query, matches, fitted)
        plan.why = why_scored(self._state, plan, query, matches, fitted)
        if not rethink(self._state, plan, query, matches, fitted, self._settings):
            split_by(self._state, plan, query, matches, fitted, self._settings)

    def _fitted(self) -> Weights:
        """The scorer, with the threshold that suits this edition."""
        join = self._weights.join_for(len(self._state.index), len(self._state.members))
        if join != self._suited.join or not join:  # 0.0 and -0.0 are equal, but not written alike
            self._suited = replace(self._weights, join=join)
        return self._suited

    def _place_new(self, plan: Plan, matches: list[Match], fitted: Weights) -> None:
        if matches and matches[0].score >= fitted.join:
            plan.incident_id = matches[0].incident_id
        else:
            plan.found()

    def _place_again(self, plan: Plan, old: Entry, query: Query, matches: list[Match], fitted: Weights) -> None:
        """An update keeps its incident, unless the evidence clearly says otherwise and the incident is young."""
        home = old.incident_id
        assert home is not None
        plan.incident_id = home
        if not is_young(self._state, home, plan.event_time, self._settings):
            return
        at_home = match_incidents(self._state, query, plan.event_time, [home], fitted, plan.article_id)
        own = at_home[0] if at_home else None
        best = next(
            (m for m in matches if m.incident_id != home and not barred(self._state, home, m.incident_id)), None
        )
        enough = fitted.join + fitted.margin
        if best is not None and best.score >= max(enough, -math.inf if own is None else own.score + fitted.margin):
            if plan.members(home):
                plan.incident_id = best.incident_id
            else:
                plan.merge(home, best.incident_id, {"score": round(best.score, 3), "reason": "update"})
        elif own is not None and own.score < fitted.join - LEAVE:
            plan.found()

    def _source(self, item: Annotated, old: Entry | None) -> Entry | None:
        """The remembered article that a copy follows; None where an editor's word keeps the copy from going there.

        Args:
            old: the copy, if it is in an incident already.
        """
        if item.verdict != "copy":
            return None
        found = self._state.live(item.copy.of if item.copy is not None else None)
        if found is None:
            found = self._state.live(item.copy_group)
        if found is None and item.copy_group is not None:
            found = next((e for e in self._state.group(item.copy_group)), None)
        if found is None or found.article_id == item.article_id:
            return None
        if old is not None and old.incident_id is not None and found.incident_id is not None:
            return None if barred(self._state, old.incident_id, found.incident_id) else found
        return found

"""Records for the sink's tests, Hypothesis strategies over them, and what must be in a store once all have arrived.

`expected` says so from the whole set of records, one rule after the other and without any state, so that it shares no
code with the sinks.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
from hypothesis import strategies as st

from pipeline import ids
from pipeline.codec import encode
from pipeline.records import ArticleEvent, Entity, IncidentChange, IncidentRecord, Report
from pipeline.sink.base import ArticleQuery, IncidentQuery, IncidentTombstone, Reader, SinkRecord

START = datetime(2024, 3, 14, 10, 0, tzinfo=UTC)
GONE = ("kill", "withheld")
ERASED = {
    "title": None,
    "text": None,
    "url": None,
    "copy_of": None,
    "copy_kind": None,
    "why": {},
    "entities": (),
    "side_spans": (),
    "facts": {},
    "tolls": {},
}


def article(n: int) -> str:
    return ids.article_id("wire", f"item-{n}")


def incident(n: int, edition: int = 0) -> str:
    return ids.incident_id(edition, article(n))


def marker(edition: int, seq: int) -> str:
    """A word that stands only in the event of this (edition, seq)."""
    return f"body-{edition}-{seq}-only"


def event(n: int | None, seq: int, verdict: str = "new", *, edition: int = 0, **fields: Any) -> ArticleEvent:
    """An event of article `n` as the ledger makes it: one that takes back names neither wire nor native id."""
    bare = n is None or verdict in ("kill", "withheld", "stale", "void")
    word = marker(edition, seq)
    values: dict[str, Any] = {
        "id": None if bare else f"item-{n}",
        "article_id": None if n is None else article(n),
        "edition": edition,
        "seq": seq,
        "provider": None if bare else "wire",
        "source": None if bare else "Harbour Post",
        "title": None if bare else f"Title {word}",
        "text": None if bare else f"Text {word}. " * 3,
        "url": None if bare else f"https://news.example/{word}",
        "published": None if bare else START + timedelta(minutes=seq, microseconds=250_000),
        "language": None if bare else "en",
        "version": None,
        "verdict": verdict,
        "reason": f"reason {seq}",
        "copy_of": None,
        "copy_kind": None,
        "copy_group": None if bare else article(n or 0),
        "regrouped": {},
        "incident_id": None,
        "why": {} if bare else {"kind": "founded", "quote": word},
        "entities": () if bare else (Entity(start=0, end=4, label="ORG", text=word),),
        "side_spans": (),
        "facts": {} if bare else {"quotes": [word]},
        "tolls": {} if bare else {"killed": {"low": 3}},
    }
    return ArticleEvent(**(values | fields))


def record(
    n: int, version: int, reports: dict[int, int] | None = None, *, edition: int = 0, **fields: Any
) -> IncidentRecord:
    """A record of incident `n`; `reports` maps articles to the seq of their assignment. Each has a name of its own, and
    all have one in common.
    """
    listed = tuple(
        Report(
            article_id=article(a),
            assigned_seq=seq,
            provider="wire",
            source="Harbour Post",
            title=f"Report {a}",
            published=START,
            verdict="new",
            copy_of=None,
            why={},
        )
        for a, seq in (reports or {}).items()
    )
    names = {f"Person {a}": 1 for a in reports or {}} | ({"Harbour": len(listed)} if listed else {})
    values: dict[str, Any] = {
        "incident_id": incident(n, edition),
        "edition": edition,
        "version": version,
        "status": "open",
        "merged_into": None,
        "title": f"Incident {n}, version {version}",
        "first_seen": START,
        "last_seen": START + timedelta(minutes=version),
        "event_time": None,
        "places": (),
        "entities": tuple(
            {
                "entity_id": name.lower(),
                "name": name,
                "label": "PERSON",
                "forms": [{"text": name, "count": 2 * count, "reports": count}],
                "disagreements": [],
            }
            for name, count in names.items()
        ),
        "reports": listed,
        "counts": {"reports": len(listed), "copies": 0, "independent_origins": len(listed)},
        "timeline": tuple(
            {"time": START + timedelta(minutes=seq), "article_id": article(a), "source": "Harbour Post", "title": None}
            for a, seq in (reports or {}).items()
        ),
    }
    return IncidentRecord(**(values | fields))


def change(n: int, seq: int, *, edition: int = 0, number: int = 0) -> IncidentChange:
    return IncidentChange(
        change_id=f"{edition}:{seq}:{number}",
        change="joined",
        incident_id=incident(n, edition),
        edition=edition,
        seq=seq,
        article_id=article(0),
        event_time=START + timedelta(minutes=seq, microseconds=5),
        evidence={"score": 0.25},
    )


# Histories

# Few articles and incidents, so that the records of one history have to do with each other.
ARTICLES = st.integers(0, 2)
EDITIONS = st.sampled_from([0, 0, 0, 0, 0, 1])
SEQS = st.integers(0, 15)
VERDICTS = st.sampled_from(["new", "update", "correction", "copy", "stale", "kill", "withheld", "void"])


@st.composite
def events(draw: st.DrawFn) -> ArticleEvent:
    edition = draw(EDITIONS)
    verdict = draw(VERDICTS)
    n = draw(ARTICLES)
    if verdict == "void" and draw(st.booleans()):
        return event(None, draw(SEQS), "void", edition=edition)
    fields: dict[str, Any] = {}
    if verdict not in ("stale", "void"):
        fields["regrouped"] = draw(
            st.dictionaries(ARTICLES.map(article), ARTICLES.map(article), max_size=2).map(
                lambda d: {old: new for old, new in d.items() if old != new}
            )
        )
    if verdict in ("new", "update", "correction", "copy"):
        fields["copy_group"] = draw(ARTICLES.map(article))
        fields["incident_id"] = draw(st.none() | ARTICLES.map(lambda i: incident(i, edition)))
    return event(n, draw(SEQS), verdict, edition=edition, **fields)


@st.composite
def incident_words(draw: st.DrawFn) -> IncidentRecord | IncidentTombstone:
    n, edition, version = draw(ARTICLES), draw(EDITIONS), draw(SEQS)
    if draw(st.integers(0, 4)) == 0:
        return IncidentTombstone(incident_id=incident(n, edition), version=version)
    status = draw(st.sampled_from(["open", "open", "closed", "merged", "withdrawn"]))
    reports = draw(st.dictionaries(ARTICLES, st.integers(0, version), max_size=3))
    title = draw(st.sampled_from([None, "An editor's title", *([f"Report {a}" for a in reports] * 2)]))
    return record(
        n,
        version,
        reports,
        edition=edition,
        title=title,
        words=({"word": "retitle"},) if title == "An editor's title" else (),
        status=status,
        merged_into=incident(draw(ARTICLES), edition) if status == "merged" else None,
    )


@st.composite
def changes(draw: st.DrawFn) -> IncidentChange:
    return change(draw(ARTICLES), draw(SEQS), edition=draw(EDITIONS), number=draw(st.integers(0, 1)))


def identity(item: SinkRecord) -> tuple[Any, ...]:
    """What names one record: its decisions never say two things under one name."""
    match item:
        case ArticleEvent():
            return "event", item.edition, item.seq
        case IncidentRecord():
            return "record", item.incident_id, item.version
        case IncidentTombstone():
            return "tombstone", item.incident_id, item.version
        case IncidentChange():
            return "change", item.change_id


_records = st.one_of(events(), events(), events(), incident_words(), incident_words(), changes())
histories = st.one_of(
    st.lists(_records, max_size=6, unique_by=identity),
    st.lists(_records, min_size=12, max_size=24, unique_by=identity),
    st.lists(events(), min_size=8, max_size=16, unique_by=identity),
)
"""Any records at all: also those that no ledger would write, because no order of arrival may matter even then."""


@st.composite
def deliveries(draw: st.DrawFn, history: Sequence[SinkRecord]) -> list[list[SinkRecord]]:
    """The same records in any order, some more than once, in batches of any size."""
    again = draw(st.lists(st.sampled_from(history), max_size=8)) if history else []
    order = draw(st.permutations([*history, *again]))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=6)))
    edges = [0, *cuts, len(order)]
    return [order[a:b] for a, b in pairwise(edges)]


def long_history(seed: int, inputs: int) -> list[SinkRecord]:
    """A history as a ledger writes it: every input has its event, and each touched incident its record and change."""
    rng = random.Random(seed)
    history: list[SinkRecord] = []
    members: dict[int, dict[int, int]] = {}
    home: dict[int, int] = {}
    for seq in range(inputs):
        n = rng.randrange(inputs // 2)
        if n in home and rng.random() < 0.1:
            old = home.pop(n)
            del members[old][n]
            history.append(event(n, seq, "kill"))
            history.append(record(old, seq, dict(members[old]), status="open" if members[old] else "withdrawn"))
            if not members[old]:
                history.append(IncidentTombstone(incident_id=incident(old), version=seq))
            continue
        if n not in home:
            home[n] = rng.choice([n, *rng.sample(sorted(members), min(2, len(members)))])
            members.setdefault(home[n], {})[n] = seq
        verdict = rng.choice(["new", "update", "copy", "correction"])
        history.append(event(n, seq, verdict, incident_id=incident(home[n]), text=f"{marker(0, seq)} " * 100))
        history.append(record(home[n], seq, dict(members[home[n]])))
        history.append(change(home[n], seq))
    return history


# What must be in the store

Content = dict[str, Any]


def content(reader: Reader) -> Content:
    """Everything that a reader shows, in a form that can be compared."""
    counts = reader.counts()
    return {
        "inputs": [asdict(i) for i in reader.inputs()],
        "articles": {a.article_id: asdict(a) for a in reader.articles(ArticleQuery())},
        "incidents": {i.incident_id: asdict(i) for i in reader.incidents(IncidentQuery())},
        "memberships": list(reader.memberships()),
        "changes": sorted((asdict(c) for _, c in reader.changes()), key=lambda c: c["change_id"]),
        "counts": {k: dict(v) if not isinstance(v, int) else v for k, v in asdict(counts).items()},
    }


def expected(history: Iterable[SinkRecord]) -> Content:
    """The content of a store that has seen these records, in whatever order."""
    history = list(history)
    by_rank = {(e.edition, e.seq): e for e in history if isinstance(e, ArticleEvent)}
    events = [by_rank[rank] for rank in sorted(by_rank)]
    counting = [e for e in events if e.verdict not in ("stale", "void") and e.article_id is not None]
    newest = {e.article_id: e for e in counting}
    known = {e.article_id: (e.provider, e.id) for e in counting if e.provider is not None}
    removed: dict[str, tuple[int, int]] = {}
    for e in counting:
        if e.verdict in GONE:
            removed[str(e.article_id)] = (e.edition, e.seq)
    incidents: dict[str, IncidentRecord | IncidentTombstone] = {}
    for r in sorted(
        (r for r in history if isinstance(r, IncidentRecord | IncidentTombstone)),
        key=lambda r: (r.version, isinstance(r, IncidentTombstone)),
    ):
        incidents[r.incident_id] = r

    claims: dict[str, list[tuple[int, int, str, str]]] = {}
    for r in history:
        if isinstance(r, IncidentRecord):
            for p in r.reports:
                claims.setdefault(p.article_id, []).append((r.edition, p.assigned_seq, "record", r.incident_id))
    for e in counting:
        if e.incident_id is not None and e.verdict not in GONE:
            claims.setdefault(str(e.article_id), []).append((e.edition, e.seq, "event", e.incident_id))
    home = {id: max(said)[3] for id, said in claims.items() if max(said)[:2] > removed.get(id, (-1, -1))}

    articles = {}
    for id, e in newest.items():
        assert id is not None
        status = {"kill": "killed", "withheld": "withheld"}.get(e.verdict, "usable")
        provider, native_id = known.get(id, (None, None))
        group = _group(e, counting)
        shown = replace(e, **ERASED) if status != "usable" else e
        incident_id = home.get(id) if status == "usable" else None
        shown = replace(shown, id=native_id, provider=provider, copy_group=group, incident_id=incident_id)
        articles[id] = {
            "article_id": id,
            "edition": e.edition,
            "seq": e.seq,
            "provider": provider,
            "source": e.source,
            "native_id": native_id,
            "status": status,
            "verdict": e.verdict,
            "copy_of": shown.copy_of,
            "copy_group": group,
            "incident_id": incident_id,
            "published": _seconds(e.published),
            "title": shown.title,
            "record": _json(shown),
        }
    shown_incidents = {id: _incident(r, removed) for id, r in incidents.items()}
    shown_changes = {c.change_id: asdict(c) for c in history if isinstance(c, IncidentChange)}
    return {
        "inputs": [
            {"edition": e.edition, "seq": e.seq, "article_id": e.article_id, "verdict": e.verdict, "reason": e.reason}
            for e in events
        ],
        "articles": articles,
        "incidents": shown_incidents,
        "memberships": sorted((at, id) for id, at in home.items()),
        "changes": [shown_changes[id] for id in sorted(shown_changes)],
        "counts": {
            "inputs": _tally(e.verdict for e in events),
            "articles": _tally(a["status"] for a in articles.values()),
            "incidents": _tally(i["status"] for i in shown_incidents.values()),
            "memberships": len(home),
            "changes": len(shown_changes),
        },
    }


def _group(e: ArticleEvent, counting: list[ArticleEvent]) -> str | None:
    group = e.copy_group
    for later in counting:  # in the order of their seq
        if later.edition == e.edition and later.seq > e.seq:
            group = later.regrouped.get(group, group) if group is not None else None
    return group


def _incident(r: IncidentRecord | IncidentTombstone, removed: dict[str, tuple[int, int]]) -> dict[str, Any]:
    if isinstance(r, IncidentTombstone):
        return {
            "incident_id": r.incident_id,
            "version": r.version,
            "status": "withdrawn",
            "merged_into": None,
            "title": None,
            "first_seen": None,
            "last_seen": None,
            "reports": 0,
            "copies": 0,
            "independent_origins": 0,
            "record": {"incident_id": r.incident_id, "version": r.version, "status": "withdrawn"},
        }
    r = _without(r, removed)
    return {
        "incident_id": r.incident_id,
        "version": r.version,
        "status": r.status,
        "merged_into": r.merged_into,
        "title": r.title,
        "first_seen": _seconds(r.first_seen),
        "last_seen": _seconds(r.last_seen),
        **r.counts,
        "record": _json(r),
    }


def _without(r: IncidentRecord, removed: dict[str, tuple[int, int]]) -> IncidentRecord:
    """A record as `record` makes it, without the reports that were taken back after they had been put there."""
    left = tuple(p for p in r.reports if (r.edition, p.assigned_seq) > removed.get(p.article_id, (-1, -1)))
    gone = len(r.reports) - len(left)
    if not gone:
        return r
    times = [START + timedelta(minutes=p.assigned_seq) for p in left]
    names = [
        e | {"forms": [f | {"reports": f["reports"] - gone} for f in e["forms"]]}
        for e in r.entities
        if e["forms"][0]["reports"] > gone
    ]
    titles = [p.title for p in left]
    stays = r.title is None or r.words or r.title in titles
    return replace(
        r,
        status=r.status if left or r.status == "merged" else "withdrawn",
        title=None if not left else r.title if stays else titles[0],
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
        entities=tuple(names) if left else (),
        reports=left,
        counts={"reports": len(left), "copies": 0, "independent_origins": len(left)},
        timeline=tuple(t for t in r.timeline if t["article_id"] in [p.article_id for p in left]),
    )


def _json(record: object) -> Any:
    return orjson.loads(encode(record))


def _seconds(time: datetime | None) -> datetime | None:
    return None if time is None else time.replace(microsecond=0)


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))

"""Taking articles out of an incident's record by the record alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.codec import encode
from pipeline.records import IncidentRecord, Report
from pipeline.sink.cut import cut

START = datetime(2024, 3, 14, 10, 0, tzinfo=UTC)
WIRE = ["alpha", "bravo", "charlie", "delta", "echo"]
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = ["Ilse Brandt", "Brandt", "Norr", "Vessel Aurora"]


def record(said: dict[str, list[str]], titles: dict[str, str | None], title: str | None) -> IncidentRecord:
    """A record of these articles, each with the names that it has, made as the ledger makes it."""

    def forms(names: list[str]) -> list[dict[str, Any]]:
        writing = {name: sum(name in said[a] for a in said) for name in names}
        return [{"text": name, "count": 3 * n, "reports": n} for name, n in writing.items() if n]

    person = forms(NAMES[:2])
    entity = {"entity_id": "one", "name": person[0]["text"] if person else "", "label": "PERSON", "forms": person}
    entity |= {"disagreements": [{"kind": "given name", "forms": person}]}
    ship = {"entity_id": "two", "name": "Vessel Aurora", "label": "PLATFORM", "forms": forms(NAMES[3:])}
    aboard = {"reports": sum("Vessel Aurora" in said[a] for a in said)}
    norr = sum("Norr" in said[a] for a in said)
    place = {"name": "Norr", "forms": [{"text": "Norr", "count": norr}], "label": "GPE", "role": "event"}
    return IncidentRecord(
        incident_id="i",
        edition=0,
        version=20,
        status="open",
        merged_into=None,
        title=title,
        first_seen=START,
        last_seen=START + timedelta(hours=len(said)),
        event_time={"start": "2024-03-14", "end": "2024-03-14", "precision": "day", "reports": len(said)},
        places=(place | {"reports": norr},) if norr else (),
        entities=tuple(e for e in (entity, ship | {"disagreements": []}) if e["forms"]),
        weapons=(ship | aboard,) if aboard["reports"] else (),
        reports=tuple(
            Report(
                article_id=a,
                assigned_seq=n,
                provider="wire",
                source=None,
                title=titles[a],
                published=None,
                verdict="new",
                copy_of=None,
                why={},
            )
            for n, a in enumerate(said)
        ),
        counts={"reports": len(said), "copies": 0, "independent_origins": len(said)},
        timeline=tuple(
            {"time": START + timedelta(hours=n), "article_id": a, "source": "wire", "title": titles[a]}
            for n, a in enumerate(said)
        ),
        words=({"word": "retitle"},) if title == "An editor's" else (),
        languages=({"language": "en", "reports": len(said)},),
    )


@st.composite
def records(draw: st.DrawFn) -> tuple[IncidentRecord, dict[str, list[str]], dict[str, str | None]]:
    articles = draw(st.lists(st.sampled_from(WIRE), min_size=1, unique=True))
    said = {a: draw(st.lists(st.sampled_from(NAMES), unique=True)) for a in articles}
    told = st.sampled_from([None, "Ferry sinks", "UPDATE: Norr mourns", "Brandt resigns"])
    titles = {a: draw(told) for a in articles}
    title = draw(st.sampled_from(["An editor's", *titles.values()]))
    return record(said, titles, title and title.removeprefix("UPDATE: ")), said, titles


def removed(articles: list[str]) -> dict[str, tuple[int, int]]:
    return dict.fromkeys(articles, (0, 30))


@many
@given(records(), st.lists(st.sampled_from(WIRE), unique=True), st.lists(st.sampled_from(WIRE), unique=True))
def test_in_whatever_steps_it_is_cut_the_same_is_left(found: Any, first: list[str], then: list[str]) -> None:
    whole, _, _ = found
    at_once = cut(whole, removed([*first, *then]))
    assert cut(cut(whole, removed(first)), removed(then)) == at_once
    assert cut(cut(whole, removed(first)), removed([*first, *then])) == at_once
    assert cut(at_once, removed([*first, *then])) is at_once


@many
@given(records(), st.lists(st.sampled_from(WIRE), unique=True))
def test_no_id_title_or_name_is_left_that_only_the_killed_had(found: Any, gone: list[str]) -> None:
    whole, said, titles = found
    left = [a for a in said if a not in gone]
    data = encode(cut(whole, removed(gone))).decode()
    assert [a for a in WIRE if a in data] == sorted(left)
    own = {n for a in left for n in said[a]} | {t for a in left if (t := titles[a]) is not None}
    known = " ".join([*own, "An editor's"])
    assert [word for word in {*NAMES, *titles.values()} - {None} if word in data and word not in known] == []


def test_what_all_others_say_stays() -> None:
    names = {a: ["Brandt", "Norr", "Vessel Aurora"] for a in WIRE}
    whole = record(names | {"alpha": NAMES}, dict.fromkeys(WIRE, "Ferry sinks") | {"alpha": "Killed"}, "Killed")
    left = cut(whole, removed(["alpha"]))
    assert (left.title, left.status, left.version) == ("Ferry sinks", "open", 20)
    assert left.counts == {"reports": 4, "copies": 0, "independent_origins": 4}
    assert (left.first_seen, left.last_seen) == (START + timedelta(hours=1), START + timedelta(hours=4))
    assert [(e["name"], [f["text"] for f in e["forms"]]) for e in left.entities] == [
        ("Brandt", ["Brandt"]),
        ("Vessel Aurora", ["Vessel Aurora"]),
    ]
    assert left.entities[0]["disagreements"] == []
    assert [(p["name"], p["reports"]) for p in left.places] == [("Norr", 4)]
    assert [w["reports"] for w in left.weapons] == [4]
    assert left.event_time is not None
    assert left.event_time["reports"] == 4


def test_a_report_that_came_back_after_the_kill_stays() -> None:
    whole = record({"alpha": [], "bravo": []}, dict.fromkeys(WIRE, "Ferry sinks"), "Ferry sinks")
    assert cut(whole, {"alpha": (0, -1), "bravo": (0, 0)}) is whole


def test_a_record_of_strange_shape_is_cut_all_the_same() -> None:
    whole = record({"alpha": [], "bravo": []}, dict.fromkeys(WIRE, "Ferry sinks"), "Ferry sinks")
    odd = replace(
        whole,
        entities=({"forms": "Brandt"}, {"name": 5, "forms": [{"text": 7, "reports": "many"}, 8]}),
        places=({},),
        timeline=({"time": "noon", "article_id": "bravo"}, {}),
        event_time={},
        counts={},
        languages=({},),
    )
    left = cut(odd, removed(["alpha"]))
    assert (left.entities, left.places, left.event_time) == ((), (), None)
    assert left.counts["reports"] == 1

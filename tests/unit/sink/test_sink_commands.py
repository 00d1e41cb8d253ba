"""`wirefuse incidents` and `wirefuse articles`, from the command line to what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.ids import article_id, incident_id
from pipeline.incidents.explain import parts
from pipeline.incidents.score import SIGNALS
from pipeline.records import ArticleEvent, Entity, IncidentChange, IncidentRecord, Report
from pipeline.sink.base import SinkRecord, open_sink
from pipeline.sink.render import explained

NOON = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
FIRST, COPY, OTHER, KILLED = (article_id("wire", name) for name in ("first", "copy", "other", "killed"))
FIRE, FLOOD, MERGED = (incident_id(0, id) for id in (FIRST, OTHER, COPY))
ESCAPE = "\x1b]0;owned\x07"
GIVEN_NAMES = {
    "kind": "given name",
    "forms": [{"text": "General Ada Brook", "count": 3}, {"text": f"Eva{ESCAPE} Brook", "count": 1}],
}


def event(id: str, seq: int, title: str | None, **fields: object) -> ArticleEvent:
    base = ArticleEvent(
        id=id, article_id=article_id("wire", id), edition=0, seq=seq, provider="wire", source="Harbour Post",
        title=title, text=f"{title}.\nNobody was hurt.", url=None, published=NOON + timedelta(minutes=seq),
        language="en", version=None, verdict="new", reason="first seen", copy_of=None, copy_kind=None, copy_group=None,
        regrouped={}, incident_id=None, why={}, side_spans=(), facts={}, tolls={},
        entities=(Entity(start=0, end=4, label="PERSON", text="Ada Brook"),),
    )  # fmt: skip
    return replace(base, **fields)  # type: ignore[arg-type]


def report(id: str, seq: int, title: str, why: dict[str, object]) -> Report:
    return Report(
        article_id=id, assigned_seq=seq, provider="wire", source="Harbour Post", title=title,
        published=NOON + timedelta(minutes=seq), verdict="new", copy_of=None, why=why,
    )  # fmt: skip


def record(id: str, version: int, title: str | None, reports: tuple[Report, ...]) -> IncidentRecord:
    return IncidentRecord(
        incident_id=id, edition=0, version=version, status="open", merged_into=None, title=title, first_seen=NOON,
        last_seen=NOON + timedelta(minutes=version), reports=reports, timeline=(),
        event_time={"start": "2024-05-16", "end": "2024-05-16", "precision": "day", "reports": 2},
        places=({"name": "Port Lannick", "role": "event"}, {"name": "Tovarra", "role": "mentioned"}),
        entities=({"name": "Ada Brook", "label": "PERSON", "forms": [], "disagreements": [GIVEN_NAMES]},),
        counts={"reports": len(reports), "copies": 1, "independent_origins": 1},
    )  # fmt: skip


HISTORY: list[SinkRecord] = [
    event("first", 0, f"Fire in [bold]the{ESCAPE} harbour"),
    event("copy", 1, "Fire in the harbour", verdict="copy", copy_of=FIRST, copy_kind="near", copy_group=FIRST),
    event("other", 2, "Flood in the valley"),
    event("killed", 3, "Wrong news"),
    event("killed", 4, None, verdict="kill", reason="canceled", published=None),
    record(
        FIRE,
        1,
        f"Fire in [bold]the{ESCAPE} harbour",
        (
            report(FIRST, 0, f"Fire in [bold]the{ESCAPE} harbour", {"kind": "founded"}),
            report(COPY, 1, "Fire in the harbour", {"kind": "copy", "of": FIRST, "copy_kind": "near", "jaccard": 0.5}),
        ),
    ),
    record(
        FLOOD,
        2,
        "Flood in the valley",
        (
            report(
                OTHER,
                2,
                "Flood in the valley",
                {
                    "kind": "joined",
                    "score": 1.25,
                    "parts": {"words": 1.0},
                    "closest": FIRST,
                    "gap_days": 0.5,
                    "runner_up": {"incident_id": FIRE, "score": -2.0},
                },
            ),
        ),
    ),
    replace(record(MERGED, 2, None, ()), status="merged", merged_into=FIRE),
    IncidentChange(
        change_id="0:0:0", change="created", incident_id=FIRE, edition=0, seq=0, article_id=FIRST, event_time=NOON,
        evidence={},
    ),
    IncidentChange(
        change_id="0:2:0", change="created", incident_id=FLOOD, edition=0, seq=2, article_id=OTHER, event_time=NOON,
        evidence={},
    ),
]  # fmt: skip


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(params=["sqlite:///{}/wirefuse.db", "jsonl:///{}/out"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.param).format(tmp_path)


@pytest.fixture
def wirefuse(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `wirefuse ARGS` on the sink of this test."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["wirefuse", "--set", f"sink.url={url}", *arguments])
        code = 0
        try:
            main()
        except SystemExit as e:
            code = int(e.code or 0)
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def filled(url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write(HISTORY)


pytestmark = pytest.mark.usefixtures("filled")


def lines_of(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.err
    assert all(len(line) <= 100 for line in ran.out.splitlines())
    return [line.rstrip() for line in ran.out.splitlines()]


def test_incidents_are_listed_one_a_line_the_latest_first(wirefuse: Run) -> None:
    head, *rows = lines_of(wirefuse("incidents", "list"))
    assert head.split() == ["incident", "last", "report", "2024", "status", "reports", "origins", "title"]
    assert [[row.split()[0], *row.split(maxsplit=7)[4:]] for row in rows] == [
        [FLOOD[:10], "open", "1", "1", "Flood in the valley"],
        [FIRE[:10], "open", "2", "1", "Fire in [bold]the ]0;owned harbour"],
    ]


def test_a_long_title_hides_no_status(wirefuse: Run, url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([replace(record(FLOOD, 9, "Flood in the valley " * 9, ()), status="closed")])
    row = lines_of(wirefuse("incidents", "list"))[1]
    assert " closed " in row
    assert row.endswith("…")


def test_a_list_takes_conditions(wirefuse: Run) -> None:
    assert len(lines_of(wirefuse("incidents", "list", "--min-reports", "2"))) == 2
    assert lines_of(wirefuse("incidents", "list", "--since", "2024-05-17T14:03+02:00")) == ["no such incidents"]
    merged = lines_of(wirefuse("incidents", "list", "--status", "merged"))[1]
    assert (merged.split()[4], merged.split(maxsplit=7)[7]) == ("merged", f"into {FIRE[:10]}")
    assert len(lines_of(wirefuse("incidents", "list", "--status", "all", "--limit", "2"))) == 3
    assert wirefuse("incidents", "list", "--since", "yesterday").code == 2


def test_an_incident_shows_what_is_reported_and_why(wirefuse: Run) -> None:
    page = lines_of(wirefuse("incidents", "show", FLOOD))
    text = " ".join(" ".join(page).split())
    assert page[0] == "Flood in the valley"
    for part in (
        "reported 17 May 2024 12:00 to 17 May 2024 12:02 UTC",
        "happened 16 May 2024, according to 2 reports",
        "where Port Lannick; also named: Tovarra",
        "who, what Ada Brook (person)",
        "disputed the given name of Ada Brook: General Ada Brook (3), Eva ]0;owned Brook (1)",
        "counts 1 report, 1 copy among them, 1 independent origin",
        f"{FLOOD} (open, version 2)",
        "17 May 2024 12:02 Harbour Post Flood in the valley",
        f"{OTHER[:10]}: It tells of the same event as report {FIRST[:8]}",
    ):
        assert part in text
    fire = " ".join(" ".join(lines_of(wirefuse("incidents", "show", FIRE))).split())
    assert f"{FIRST[:10]}: It is the first report of this incident" in fire
    assert f"{COPY[:10]}: It repeats the text of “Fire in [bold]the ]0;owned harbour”" in fire


def counted(killed: tuple[int, int | None] | None, wounded: tuple[int, int | None] | None = None) -> dict[str, object]:
    """The tolls of an article event."""
    ranges = {"killed": killed, "wounded": wounded}
    return {kind: said and {"min": said[0], "max": said[1]} for kind, said in ranges.items()}


def test_an_incident_shows_how_its_reports_count_and_which_were_corrected(wirefuse: Run, url: str) -> None:
    ids = ("early", "late", "echo", "third", "silent")
    reports = tuple(report(article_id("wire", id), seq, "Fire", {"kind": "kept"}) for seq, id in enumerate(ids, 20))
    corrected = replace(reports[1], verdict="correction")
    with closing(open_sink(url)) as sink:
        sink.write([
            event("late", 21, "Fire", tolls=counted((2, 2)), verdict="new"),
            event("early", 20, "Fire", tolls=counted((3, None), (0, 9))),
            event("echo", 22, "Fire", tolls=counted((3, None)), verdict="copy", copy_of=article_id("wire", "early")),
            event("third", 23, "Fire", tolls=counted((4, 4), (5, 7))),
            event("silent", 24, "Fire", tolls=counted((0, None))),
            event("late", 25, "Fire", tolls=counted((4, 4)), verdict="correction"),
            record(incident_id(0, article_id("wire", "early")), 25, "Fire", (reports[0], corrected, *reports[2:])),
        ])  # fmt: skip
    page = " ".join(
        " ".join(lines_of(wirefuse("incidents", "show", incident_id(0, article_id("wire", "early"))))).split()
    )
    assert "tolls killed 3 or more (1 report), 4 (2 reports); wounded 0 to 9 (1 report), 5 to 7 (1 report)" in page
    assert f"{corrected.article_id[:10]}, correction: The new version stays" in page
    assert f"{reports[0].article_id[:10]}: The new version stays" in page


def test_an_incident_whose_reports_count_nothing_has_no_tolls(wirefuse: Run) -> None:
    assert "tolls" not in wirefuse("incidents", "show", FLOOD).out


@pytest.mark.parametrize("arguments", [("incidents", "list"), ("articles", "list"), ("articles", "list", "--json")])
def test_a_list_that_is_cut_says_so_beside_it(wirefuse: Run, arguments: tuple[str, ...]) -> None:
    whole = wirefuse(*arguments)
    assert whole.err == ""
    cut = wirefuse(*arguments, "--limit", "1")
    assert cut.err == "these are the first 1; --limit N shows more\n"
    assert cut.out.splitlines() == whole.out.splitlines()[: len(cut.out.splitlines())]
    count = len(whole.out.splitlines()) - (0 if "--json" in arguments else 1)
    assert wirefuse(*arguments, "--limit", str(count)).err == ""


def test_a_locale_without_the_letters_of_a_wire_fails_no_command(url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([event("kyiv", 9, "Київ ЗМІ")])
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "pipeline.cli", "--set", f"sink.url={url}", "articles", "show", "kyiv"]
    shown = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert rb"\u041a\u0438\u0457\u0432" in shown.stdout
    as_json = subprocess.run([*command, "--json"], env=environment, capture_output=True, check=True)
    assert json.loads(as_json.stdout)["title"] == "Київ ЗМІ"


def test_why_says_in_words_and_figures_what_decided(wirefuse: Run) -> None:
    ran = wirefuse("incidents", "why", FIRE[:8], COPY)
    assert ran.code == 0
    assert "repeats the text of" in ran.out
    asked = wirefuse("incidents", "why", FIRE[:8], "copy", "--json")
    assert json.loads(asked.out) == {
        "incident_id": FIRE,
        "article_id": COPY,
        "why": {"kind": "copy", "of": FIRST, "copy_kind": "near", "jaccard": 0.5},
    }
    refused = wirefuse("incidents", "why", FIRE[:8], OTHER)
    assert refused.code == 1
    assert f"article {OTHER[:10]} is not in incident {FIRE[:10]}" in refused.err


def test_signals_are_told_in_words_the_strongest_first() -> None:
    why = {"kind": "joined", "parts": {"bias": -2.0, "text": 3.5, "ages_differ": -4.0, "unknown_one": 0.1}}
    assert parts(why) == [
        ("no age in common", -4.0),
        ("words in common, the rare ones above all", 3.5),
        ("where every pair of articles begins", -2.0),
        ("unknown_one", 0.1),
    ]


def test_a_gap_and_a_threshold_are_told_as_a_person_would() -> None:
    why = {"kind": "joined", "score": 1.0, "needed": -0.04, "closest": FIRST}
    assert "(score 1.0, 0.0 needed)" in explained(why)
    assert "It came 1 hour from the nearest report." in explained(why | {"gap_days": 1.2 / 24})
    assert "It came 2 hours from the nearest report." in explained(why | {"gap_days": 2 / 24})


def test_what_is_shared_is_told_as_the_article_writes_it() -> None:
    shared = {"names": ["rsf", "kharkiv", "elsewhere"], "words": ["warehous", "moham", "unknown"]}
    why = {
        "kind": "joined",
        "score": 1.0,
        "closest": FIRST,
        "shared": shared,
        "conflicts": {"places": [["izium"], ["sumy"]]},
    }
    article = {
        "title": "RSF in Kharkov?",
        "text": "A warehouse burnt near Izium, Mohammed’s men said. Other warehouses stand.",
    }
    said = explained(why, article=article)
    assert "the names RSF, Kharkov and Elsewhere" in said
    assert "rare words (warehouse, Mohammed, unknown)" in said
    assert "another place (Izium, not Sumy)" in said


def test_every_signal_of_the_scorer_has_words() -> None:
    assert not [name for name, _ in parts({"parts": dict.fromkeys(SIGNALS, 1.0)}) if name in SIGNALS]


def test_reasons_that_this_version_does_not_know_are_shown_as_they_are() -> None:
    why = {"kind": "copy", "likeness": 0.5, "parts": {"a_b": 1}, "words": ["x", "y"], "nothing": None}
    assert explained(why) == "kind copy, likeness 0.50, parts (a b 1), words x, y"
    assert explained({}) == ""


def test_the_beginning_of_an_id_is_enough(wirefuse: Run) -> None:
    assert lines_of(wirefuse("incidents", "show", FLOOD[:8].upper()))[0] == "Flood in the valley"


def test_a_merged_incident_leads_to_its_heir_and_says_so(wirefuse: Run) -> None:
    ran = wirefuse("incidents", "show", MERGED, "--json")
    assert json.loads(ran.out)["incident_id"] == FIRE
    assert ran.err == f"{MERGED[:10]} was merged into {FIRE[:10]}\n"


@pytest.mark.parametrize("what", ["incident", "article"])
def test_an_unknown_id_fails(wirefuse: Run, what: str) -> None:
    unknown = wirefuse(f"{what}s", "show", "xyz")
    assert (unknown.code, unknown.out) == (1, "")
    assert f"no {what} has the id 'xyz'" in unknown.err


def test_an_ambiguous_id_says_what_it_may_be(wirefuse: Run, url: str) -> None:
    with closing(open_sink(url)) as sink:
        sink.write([record(f"xy{n}", 9, None, ()) for n in range(2)])
    ambiguous = wirefuse("incidents", "show", "xy")
    assert ambiguous.code == 1
    assert "'xy' may be 2 incidents or more (xy0, xy1, ...): write more of the id" in ambiguous.err


@pytest.mark.parametrize(
    "said",
    [
        ("incidents", "undo", ""),
        ("incidents", "join", FIRE, " "),
        ("incidents", "join", "", FIRE),
        ("incidents", "pin", "", FIRE),
        ("incidents", "retitle", "", "x"),
        ("incidents", "show", ""),
        ("incidents", "why", FIRE, ""),
        ("articles", "list", "--incident", ""),
        ("articles", "show", " "),
        ("copies", "show", ""),
    ],
)
def test_an_empty_text_names_nothing(wirefuse: Run, said: tuple[str, ...]) -> None:
    ran = wirefuse(*said)
    assert (ran.code, ran.out) == (1, "")
    assert "an empty text is no id" in ran.err


def test_the_ids_of_a_report_and_its_incident_may_not_be_exchanged(wirefuse: Run) -> None:
    article = json.loads(wirefuse("articles", "list", "--incident", FIRE, "--json").out.splitlines()[0])["article_id"]
    assert wirefuse("incidents", "why", FIRE, article).code == 0
    for said in (("incidents", "why", article, FIRE), ("incidents", "show", article)):
        assert f"'{article}' is an article, not an incident" in wirefuse(*said).err
    for said in (("articles", "show", FIRE), ("copies", "show", FIRE), ("incidents", "why", FIRE, FIRE)):
        assert f"'{FIRE}' is an incident, not an article" in wirefuse(*said).err


def test_json_is_one_object_a_line_as_the_sink_has_it(wirefuse: Run) -> None:
    incidents = [json.loads(line) for line in wirefuse("incidents", "list", "--json").out.splitlines()]
    assert [i["incident_id"] for i in incidents] == [FLOOD, FIRE]
    assert incidents[1]["reports"][1]["why"]["jaccard"] == 0.5
    articles = [json.loads(line) for line in wirefuse("articles", "list", "--json").out.splitlines()]
    assert [(a["article_id"], a["incident_id"], a["status"]) for a in articles[:2]] == [
        (OTHER, FLOOD, "usable"),
        (COPY, FIRE, "usable"),
    ]
    assert json.loads(wirefuse("articles", "show", "killed", "--json").out)["status"] == "killed"


def test_articles_are_listed_with_outlet_verdict_and_incident(wirefuse: Run) -> None:
    head, *rows = lines_of(wirefuse("articles", "list", "--incident", FIRE[:9]))
    assert head.split() == ["article", "published", "2024", "outlet", "verdict", "incident", "title"]
    assert [" ".join(row.split()) for row in rows] == [
        f"{COPY[:10]} 17 May 12:01 Harbour Post copy {FIRE[:10]} Fire in the harbour",
        f"{FIRST[:10]} 17 May 12:00 Harbour Post new {FIRE[:10]} Fire in [bold]the ]0;owned harbour",
    ]
    assert "(taken back)" in lines_of(wirefuse("articles", "list", "--status", "killed"))[1]


def test_an_article_shows_its_text_and_what_was_decided(wirefuse: Run) -> None:
    text = " ".join(" ".join(lines_of(wirefuse("articles", "show", "copy"))).split())
    for part in (
        "outlet Harbour Post via wire",
        "verdict copy (first seen)",
        f"copy of {FIRST} (near)",
        f"incident {FIRE}",
        "names Ada Brook",
        "Fire in the harbour. Nobody was hurt.",
    ):
        assert part in text
    assert "taken back by its wire" in wirefuse("articles", "show", "killed").out


def test_an_article_is_a_web_page_that_needs_nothing_else(wirefuse: Run, url: str) -> None:
    text = "Ada Brook <script>alert(1)</script>"
    with closing(open_sink(url)) as sink:
        sink.write([event("first", 9, f"<script>{ESCAPE}", text=text)])
    ran = wirefuse("articles", "show", "first", "--html")
    assert ran.code == 0
    assert ran.out.startswith("<!DOCTYPE html>")
    assert "<script" not in ran.out
    assert "&lt;script&gt;alert(1)" in ran.out
    assert not set("\x1b\x07") & set(ran.out)
    assert "://" not in ran.out
    mark = ran.out[ran.out.index("<mark") : ran.out.index("</mark>")]
    assert "Ada " in mark
    assert "PERSON" in mark
    assert "Harbour Post via wire" in ran.out
    assert "taken back by its wire" in wirefuse("articles", "show", "killed", "--html").out
    assert wirefuse("articles", "show", "first", "--html", "--json").code == 2


def test_control_characters_of_a_wire_do_not_reach_the_terminal(wirefuse: Run) -> None:
    for arguments in (
        ("incidents", "list"),
        ("incidents", "show", FIRE),
        ("incidents", "tail"),
        ("articles", "list"),
        ("articles", "show", "first"),
    ):
        out = wirefuse(*arguments).out
        assert "harbour" in out
        assert not [c for c in out if c < " " and c != "\n"]


def test_tail_shows_the_last_changes_in_order(wirefuse: Run) -> None:
    assert lines_of(wirefuse("incidents", "tail")) == [
        f"17 May 2024 12:00  created    {FIRE[:10]}  Fire in [bold]the ]0;owned harbour",
        f"17 May 2024 12:00  created    {FLOOD[:10]}  Flood in the valley",
    ]
    assert len(lines_of(wirefuse("incidents", "tail", "-n", "1"))) == 1
    assert json.loads(wirefuse("incidents", "tail", "-n", "1", "--json").out)["change_id"] == "0:2:0"


def test_tail_follows(url: str) -> None:
    change = IncidentChange(
        change_id="0:9:0", change="joined", incident_id=FIRE, edition=0, seq=9, article_id=COPY, event_time=NOON,
        evidence={},
    )  # fmt: skip
    command = [sys.executable, "-m", "pipeline.cli", "--set", f"sink.url={url}", "incidents", "tail", "-f", "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        try:
            assert FLOOD[:10] in follower.stdout.readline()
            with closing(open_sink(url)) as sink:
                sink.write([change])
            assert "joined" in follower.stdout.readline()
        finally:
            follower.terminate()


def test_without_a_store_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in (f"sqlite:///{tmp_path}/none.db", f"jsonl:///{tmp_path}/none"):
        monkeypatch.setattr(sys, "argv", ["wirefuse", "--set", f"sink.url={url}", "incidents", "list"])
        with pytest.raises(SystemExit) as exit:
            main()
        assert exit.value.code == 1
        error = capsys.readouterr().err
        assert "nothing has been written yet" in error
        assert "wirefuse demo" in error

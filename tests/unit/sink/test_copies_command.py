"""`wirefuse copies show`: from decisions of dedup, through a store, to the tree that is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.dedup.decision import annotated
from pipeline.dedup.state import Dedup
from pipeline.ids import article_id
from pipeline.records import Annotated, ArticleEvent, RawArticle
from pipeline.settings import Dedup as DedupSettings
from pipeline.sink.base import open_sink

NOON = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
LEAD = "A freighter ran aground off Lannick early on Friday and closed the harbour to all ships, the coast guard said."
BODY = (
    "Two tugs tried in vain to pull the vessel free at high water. None of the fourteen sailors on board was hurt, and "
    "no oil had leaked by the evening. The harbour master expects the next attempt on Sunday, when the tide will be "
    "higher than it was today. Ferries to the islands sail from Porthaven until then."
)
NEWS = "The captain was questioned by the police for three hours on Saturday and has left the town since."
REUTERS = f"LANNICK (Reuters) - {LEAD} {BODY}"

Run = Callable[..., tuple[int, str, str]]


def item(name: str, text: str | None, minutes: int, source: str, **fields: object) -> RawArticle:
    return RawArticle(
        provider="wire", native_id=name, text=text, title=f"Freighter aground, says {source}", source=source,
        published=NOON + timedelta(minutes=minutes), **fields,
    )  # type: ignore[arg-type]  # fmt: skip


def event(record: Annotated) -> ArticleEvent:
    """What the ledger makes of a record that it puts into no incident."""
    article, copy = record.article, record.copy
    return ArticleEvent(
        id=record.native_id, article_id=record.article_id, edition=0, seq=record.seq, provider=record.provider,
        source=article.source if article else None, title=article.title if article else None,
        text=article.text if article else None, url=None, published=article.published if article else None,
        language=None, version=None, verdict=record.verdict, reason=record.reason, copy_of=copy.of if copy else None,
        copy_kind=copy.kind if copy else None, copy_group=record.copy_group, regrouped=record.regrouped,
        incident_id=None, why=copy.why if copy else {}, entities=(), side_spans=(), facts={}, tolls={},
    )  # fmt: skip


@pytest.fixture(params=["sqlite:///{}/wirefuse.db", "jsonl:///{}/out"])
def wirefuse(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs `wirefuse ARGS` on a store of five articles of one text, and one that was taken back."""
    url = str(request.param).format(tmp_path)
    state = Dedup(0, DedupSettings())
    wire = [
        item("echo", f"{LEAD} {BODY}", 30, "Echo"),
        item("post", f"{LEAD} {BODY} {NEWS}", 60, "Harbour [bold]Post"),
        # The original comes last.
        item("reuters", REUTERS, 0, "Reuters"),
        item("brief", f"{LEAD} {BODY}"[: len(LEAD) + 130], 90, "Brief"),
        item("again", f"{LEAD} {BODY} {NEWS}", 120, "Again"),
        item("wrong", "A text that its wire took back an hour later.", 5, "Echo"),
        replace(item("wrong", None, 65, "Echo"), pub_status="canceled"),
    ]
    with closing(open_sink(url)) as sink:
        sink.write([event(annotated(state.decide(n, one), one, 0)) for n, one in enumerate(wire)])

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["wirefuse", "--set", f"sink.url={url}", *arguments])
        code = 0
        try:
            main()
        except SystemExit as e:
            code = int(e.code or 0)
        return (code, *capsys.readouterr())

    return run


def test_the_tree_says_who_carried_a_text_when_and_with_which_edits(wirefuse: Run) -> None:
    code, out, _ = wirefuse("copies", "show", "again")
    assert code == 0
    assert all(len(line) <= 100 for line in out.splitlines())
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0] == "Freighter aground, says Reuters"
    said = " ".join(out.split())
    assert "carried 5 times" in said
    assert (
        "outlets Reuters via wire, Echo via wire, Harbour [bold]Post via wire, Again via wire, Brief via wire" in said
    )
    assert "credited Reuters" in said
    tree = [line for line in lines if "17 May 2024" in line]
    ids = {name: article_id("wire", name)[:10] for name in ("reuters", "echo", "post", "again", "brief")}
    assert tree == [
        f"17 May 2024 12:00  Reuters via wire  {ids['reuters']}",
        f"└─ 17 May 2024 12:30  Echo via wire  {ids['echo']}",
        f"   ├─ 17 May 2024 13:00  Harbour [bold]Post via wire  {ids['post']}",
        f"   │  └─ 17 May 2024 14:00  Again via wire  {ids['again']}",
        f"   └─ 17 May 2024 13:30  Brief via wire  {ids['brief']}",
    ]
    assert "the origin; credits Reuters (dateline)" in said
    assert "published after the origin, but here before it; kept 100%" in said
    assert "near copy; kept 81%, changed 0%, added 19%, cut 0%" in said
    assert "exact copy; kept 100%, changed 0%, added 0%, cut 0%" in said


def test_programs_get_the_articles_in_the_order_of_the_tree(wirefuse: Run) -> None:
    code, out, _ = wirefuse("copies", "show", "brief", "--json")
    assert code == 0
    group = json.loads(out)
    assert group["copy_group"] == article_id("wire", "reuters")
    names = [a["native_id"] for a in group["articles"]]
    assert names == ["reuters", "echo", "post", "again", "brief"]
    by_name = {a["native_id"]: a for a in group["articles"]}
    assert [by_name[n]["depth"] for n in names] == [0, 1, 2, 3, 2]
    assert by_name["reuters"]["edits"] is None
    assert by_name["reuters"]["credits"] == [{"agency": "Reuters", "place": "dateline"}]
    # It came first and was the root until the original came.
    assert (by_name["echo"]["copy_of"], by_name["echo"]["parent"]) == (None, article_id("wire", "reuters"))
    assert by_name["post"]["edits"]["added"] == pytest.approx(0.19, abs=0.01)
    assert by_name["brief"]["edits"]["cut"] > 0.3
    assert by_name["again"]["copy_kind"] == "exact"
    assert by_name["again"]["why"]["jaccard"] == 1


def test_every_article_of_a_group_leads_to_the_same_tree(wirefuse: Run) -> None:
    pages = {wirefuse("copies", "show", name)[1] for name in ("reuters", "echo", article_id("wire", "post")[:12])}
    assert len(pages) == 1


def test_an_article_that_was_taken_back_has_no_copies(wirefuse: Run) -> None:
    code, out, _ = wirefuse("copies", "show", "wrong")
    assert code == 0
    assert out.startswith("This article was taken back by its wire.")


def test_an_unknown_id_is_an_error_that_says_so(wirefuse: Run) -> None:
    code, out, err = wirefuse("copies", "show", "nothing-of-the-kind")
    assert (code, out) == (1, "")
    assert "no article has the id 'nothing-of-the-kind'" in err


def test_help_says_what_the_shares_are(wirefuse: Run) -> None:
    assert "shares of" in " ".join(wirefuse("copies", "show", "--help")[1].split())

"""Editors' words in the sink: accounted for as inputs, shown with who and when, and undone by id."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline import editor_commands, ids
from pipeline.cli import main
from pipeline.dedup.decision import annotated
from pipeline.dedup.state import Dedup
from pipeline.editor_word import make
from pipeline.incidents.ledger import Ledger
from pipeline.records import EditorWord, RawArticle
from pipeline.settings import Incidents, load
from pipeline.sink.base import SinkRecord, open_reader, open_sink
from pipeline.sink.said import words_said
from pipeline.sources import destination, publisher

FIRE = ids.incident_id(0, ids.article_id("wire", "fire"))
FLOOD = ids.incident_id(0, ids.article_id("wire", "flood"))
AT = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)
JOIN = make("join", by="anna", at=AT, note="one night", incident=FIRE, other=FLOOD)
BAD = make("retitle", by="anna", incident="f" * 32, title="T")
UNDO = make("undo", by="bert", of=JOIN.word_id)


@dataclass
class Store:
    """A store that a small wire with words was written to."""

    url: str

    def read(self) -> Any:
        return closing(open_reader(self.url))


@pytest.fixture(params=["sqlite", "jsonl"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    found = Store(f"{request.param}:///{tmp_path / 'store'}")
    records = list(chain([article("fire"), article("flood"), JOIN, BAD, UNDO]))
    with closing(open_sink(found.url)) as sink:
        result = sink.write(records)
        assert result.inputs == 5
        assert sink.write(records).inputs == 0
    return found


def article(name: str) -> RawArticle:
    return RawArticle(
        provider="wire", native_id=name, title=f"A {name}", text=f"There was a {name} in {name.title()}ton."
    )


def chain(items: list[RawArticle | EditorWord]) -> Any:
    """What the chain sends to the sink for these inputs."""
    settings = load(env={})
    dedup, ledger = Dedup(0, settings.dedup), Ledger(0, Incidents())
    for seq, item in enumerate(items):
        record = annotated(dedup.decide(seq, item), item, 0)
        decision = ledger.decide(record)
        out: list[SinkRecord] = [ledger.event(decision, record), *ledger.changes(decision)]
        out += [r for i in ledger.touched(decision) if (r := ledger.record(i)) is not None]
        yield from out


def test_every_word_is_one_input(store: Store) -> None:
    with store.read() as reader:
        inputs = [(i.seq, i.article_id is None, i.verdict) for i in reader.inputs()]
        counts = reader.counts()
    assert inputs == [(0, False, "new"), (1, False, "new"), (2, True, "word"), (3, True, "refused"), (4, True, "word")]
    assert dict(counts.inputs) == {"new": 2, "word": 2, "refused": 1}
    assert counts.articles["usable"] == 2
    assert counts.memberships == 2


def test_words_say_who_and_what_became_of_them(store: Store) -> None:
    with store.read() as reader:
        join, bad, undo = words_said(reader)
    assert (join.word_id, join.word, join.by, join.note, join.undone) == (
        JOIN.word_id,
        "join",
        "anna",
        "one night",
        True,
    )
    assert join.incidents == (FIRE,)
    assert bad.word_id is None
    assert bad.reason is not None
    assert bad.reason.startswith(f"retitle by anna (word {BAD.word_id}): no incident {'f' * 32} is known")
    assert (undo.word, undo.of, undo.by, undo.undone) == ("undo", JOIN.word_id, "bert", False)


def run(store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["wirefuse", "--set", f"sink.url={store.url}", "incidents", *words])
    with pytest.raises(SystemExit) as exit:
        main()
    out, err = capsys.readouterr()
    assert exit.value.code == 0, err
    return out


def test_a_word_that_is_stopped_leaves_no_producer_behind(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    class Away:
        """A publisher whose broker is away when the user stops."""

        def __init__(self, *arguments: object, **options: object) -> None: ...

        def send(self, item: object, mark: object) -> None:
            done.append("sent")

        def flush(self) -> None:
            raise destination.Stopped

        def close(self) -> int:
            done.append("closed")
            return 1

    monkeypatch.setattr(publisher, "Publisher", Away)
    monkeypatch.setattr(destination, "destination", lambda *arguments, **options: "")
    assert editor_commands._publish(load(env={}), JOIN, 0) == 1
    assert done == ["sent", "closed"]
    assert "may not have been published" in capsys.readouterr().err


def test_commands_show_and_say(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = run(store, capsys, monkeypatch, "words")
    assert f"{JOIN.word_id} join {FIRE[:10]} by anna, 17 May 2024 12:00 (undone): one night" in listed
    assert f"refused: retitle by anna (word {BAD.word_id})" in listed
    assert f"{UNDO.word_id} undo of {JOIN.word_id} in {FLOOD[:10]}, {FIRE[:10]} by bert" in listed
    assert f"join by anna, 17 May 2024 12:00 (word {JOIN.word_id})" in run(store, capsys, monkeypatch, "tail")

    sent: list[tuple[EditorWord, int]] = []

    def publish(settings: object, word: EditorWord, edition: int) -> int:
        sent.append((word, edition))
        return 0

    monkeypatch.setattr(editor_commands, "_publish", publish)
    fire = ids.article_id("wire", "fire")
    run(store, capsys, monkeypatch, "join", FIRE[:9], FLOOD[:9], "--by", "carl", "--note", "why")
    run(store, capsys, monkeypatch, "split", FIRE, "fire", fire)
    run(store, capsys, monkeypatch, "never-join", FIRE, FLOOD)
    run(store, capsys, monkeypatch, "pin", "fire", FLOOD)
    said = json.loads(run(store, capsys, monkeypatch, "retitle", FIRE, "The fire", "--json"))
    run(store, capsys, monkeypatch, "undo", JOIN.word_id[:6])
    assert {edition for _, edition in sent} == {0}
    words = [word for word, _ in sent]
    assert [w.word for w in words] == ["join", "split", "never-join", "pin", "retitle", "undo"]
    assert (words[0].incident, words[0].other, words[0].by, words[0].note) == (FIRE, FLOOD, "carl", "why")
    assert words[1].articles == (fire, fire)
    assert words[3].articles == (fire,)
    assert (said["title"], said["word_id"]) == ("The fire", words[4].word_id)
    assert words[5].of == JOIN.word_id
    assert all(w.at is not None and w.by for w in words)


def test_ids_in_the_wrong_order_are_told_apart(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, said in (
        (("pin", FLOOD, "fire"), "'fire' is an article, not an incident"),
        (("split", FIRE, FLOOD), f"'{FLOOD}' is an incident, not an article"),
        (("pin", "nothing", FLOOD), "no article has the id 'nothing'"),
    ):
        monkeypatch.setattr("sys.argv", ["wirefuse", "--set", f"sink.url={store.url}", "incidents", *words])
        with pytest.raises(SystemExit) as exit:
            main()
        assert exit.value.code == 1
        assert said in capsys.readouterr().err

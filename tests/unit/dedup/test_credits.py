"""Credit lines: found where texts are credited, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.codec import decode, encode
from pipeline.dedup.credits import credits, may_credit
from pipeline.dedup.decision import Decision, annotated
from pipeline.text.words import words

from .articles import Wire, item, real_articles

STORY = "A freighter ran aground off the coast early on Friday, the coast guard said.\nTwo tugs tried to pull it free."


def found(text: str) -> list[tuple[str, str]]:
    return [(credit.agency, credit.place) for credit in credits(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"LONDON (Reuters) - {STORY}", ("Reuters", "dateline")),
        (f"(Reuters) - {STORY}", ("Reuters", "dateline")),
        (f"ERIE, Pa. (AP) — {STORY}", ("Associated Press", "dateline")),
        (f"SEOUL/UNITED NATIONS, Aug 30 (Reuters) - {STORY}", ("Reuters", "dateline")),
        (f"New Delhi, March 4 (PTI): {STORY}", ("Press Trust of India", "dateline")),
        (f"BEIJING, Sept. 15 (Xinhua) -- {STORY}", ("Xinhua", "dateline")),
        (f"LANNICK (Kestria News Agency) – {STORY}", ("Kestria News Agency", "dateline")),
        (f"AP — {STORY}", ("Associated Press", "dateline")),
        (f"By Ann Lee, Associated Press\n{STORY}", ("Associated Press", "byline")),
        (f"By ANN LEE\nAssociated Press\n{STORY}", ("Associated Press", "line")),
        (f"By The Associated Press\n{STORY}", ("Associated Press", "byline")),
        (f"Xinhua | Updated: 2017-09-15 17:52\n{STORY}", ("Xinhua", "line")),
        (f"{STORY}\nReuters", ("Reuters", "line")),
        (f"{STORY}\nSource: AFP", ("Agence France-Presse", "line")),
        (f"{STORY}\nCopyright 2017 The Associated Press. All rights reserved.", ("Associated Press", "copyright")),
        (f"{STORY}\n© 2024 AFP", ("Agence France-Presse", "copyright")),
        (f"{STORY}\nThe Associated Press contributed to this report.", ("Associated Press", "contributed")),
    ],
)
def test_a_credit_is_found(text: str, expected: tuple[str, str]) -> None:
    assert found(text) == [expected]
    hashes = words(text).hashes
    assert may_credit(hashes, np.array([len(hashes)]), [text]) == [True]


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        f"The minister told Reuters on Friday that nobody was hurt.\n{STORY}",
        f"A crowd gathers at the harbour. (Photo: AP)\n{STORY}",
        f"A crowd gathers at the harbour. (Boris Horvat/AFP)\n{STORY}",
        f"ERIE, PA. — {STORY}",
        f"The union (UFCW) said on Friday that it would strike.\n{STORY}",
        f"{STORY}\nReuters and others have reported that the ship was old, and its owner denied it.",
        f"By Ann Lee\n{STORY}",
        "",
        "\n\n\n",
        "(" * 5_000,
        "By " * 5_000,
    ],
)
def test_what_is_no_credit(text: str) -> None:
    assert found(text) == []


def test_credits_of_two_agencies_stand_in_their_order() -> None:
    assert found(f"{STORY}\nAP - AFP") == [("Associated Press", "line"), ("Agence France-Presse", "line")]


def test_the_decision_keeps_the_credits_and_a_copy_says_them_as_evidence() -> None:
    text = real_articles()[0][1]
    wire = Wire()
    assert wire.send(item("first", f"LONDON (Reuters) - {text}")).credits == credits("LONDON (Reuters) - A text.")
    copy = item("second", f"LONDON (AP) — {text}", 1)
    decision = wire.send(copy)
    assert decode(encode(decision), Decision).credits == decision.credits
    record = annotated(decision, copy, 0)
    assert record.copy is not None
    assert record.copy.why["credits"] == [{"agency": "Associated Press", "place": "dateline"}]
    assert record.copy.why.keys() >= {"jaccard", "contained", "contains", "longest_run"}


def test_a_decision_of_an_older_log_is_read() -> None:
    wire = Wire()
    value = encode(wire.send(item("first", STORY))).replace(b'"credits":[],', b"")
    assert b"credits" not in value
    assert decode(value, Decision).credits == ()

"""Copies: what is one, what is not, and the evidence. On the shipped real articles and forms written for this."""

from __future__ import annotations

import pytest

from pipeline.codec import decode, encode
from pipeline.dedup.decision import Decision, annotated
from pipeline.evaluate.edits import edits, report
from pipeline.text.clean import clean

from .articles import Wire, id_of, item, real_articles

TITLE, TEXT = real_articles()[0]
SENTENCES = [line for line in TEXT.replace("\n", " ").split(". ") if line]
BRIEF = "Police closed the bridge on Friday."


def second(
    first: str, other: str, hours: float = 1, first_title: str | None = None, title: str | None = None
) -> Decision:
    """The decision on the second of two articles."""
    wire = Wire()
    return wire.send(item("first", first, title=first_title), item("second", other, hours, title=title))


def test_exact_copies_differ_in_case_accents_and_punctuation() -> None:
    changed = TEXT.upper().replace(".", "...").replace(",", " —").replace("'", "’").replace("\n", "\n\n")
    decision = second(TEXT, changed, title="Another headline")
    assert (decision.verdict, decision.copy_kind, decision.copy_of) == ("copy", "exact", id_of("first"))
    assert (decision.copy_why["jaccard"], decision.added) == (1.0, ())


def test_a_re_edited_copy_is_near_and_says_why() -> None:
    half = len(SENTENCES) // 2
    edited = ". ".join(
        [*SENTENCES[:half], "A spokesman for the company declined to comment on Tuesday", *SENTENCES[half:-1]]
    )
    decision = second(TEXT, edited)
    assert decision.copy_kind == "near"
    why = decision.copy_why
    assert why.keys() == {"jaccard", "contained", "contains", "longest_run"}
    assert 0.5 < why["jaccard"] < 1
    assert why["contained"] > 0.85
    assert 40 < why["longest_run"] < len(TEXT.split())


def test_a_short_copy_inside_a_long_text_and_the_other_way_round() -> None:
    cut = ". ".join(SENTENCES[: len(SENTENCES) * 2 // 5]) + "."
    shorter, longer = second(TEXT, cut), second(cut, TEXT)
    assert shorter.copy_kind == longer.copy_kind == "contained"
    assert shorter.copy_why["contained"] > 0.95 > shorter.copy_why["contains"]
    assert longer.copy_why["contains"] > 0.95 > longer.copy_why["contained"]


def test_what_a_copy_adds_is_kept() -> None:
    news = "The death toll rose to 47 on Thursday, the interior ministry said. Rescuers still looked for nine people."
    source, copy = item("first", TEXT), item("second", f"{news}\n\n{TEXT}", 2)
    wire = Wire()
    wire.send(source)
    record = annotated(wire.send(copy), copy, 0)
    assert record.copy is not None
    assert record.copy.added == news
    assert record.article is not None


def test_an_added_sentence_in_the_middle_is_found_where_it_stands() -> None:
    news = "The death toll rose to 47 on Thursday, the interior ministry said"
    half = len(SENTENCES) // 2
    copy = item("second", ". ".join([*SENTENCES[:half], news, *SENTENCES[half:]]), 2)
    wire = Wire()
    wire.send(item("first", TEXT))
    record = annotated(wire.send(copy), copy, 0)
    assert record.copy is not None
    assert record.copy.added == f"{news}."


def test_other_reports_are_not_copies() -> None:
    wire = Wire()
    for n, (title, text) in enumerate(real_articles()):
        assert wire.send(item(str(n), text, n, title)).verdict == "new"


@pytest.mark.parametrize(
    "kind", ["first 30%", "abridged to 50%", "new lead", "caption inserted", "names respelt", "quotes"]
)
def test_wire_edits_of_real_articles_are_found(kind: str) -> None:
    reports = [report(str(n), title, text) for n, (title, text) in enumerate(real_articles()[:25])]
    wire = Wire()
    wire.send(*(item(r.id, text, 0, r.title) for r, (_, text) in zip(reports, real_articles(), strict=False)))
    for n, edit in enumerate(e for e in edits(reports, seed=5) if e.kind == kind):
        assert wire.send(item(f"{kind} {n}", edit.text, 24, edit.title)).copy_of == id_of(edit.sources[0])


# Forms whose facts differ: two articles each.
FORMS = [
    (
        "The Lannick index closed {0} points higher at {1} on {2}, its fourth gain in a row. Volume was {3} million "
        "shares against {4} million the day before. Advances led declines by {5} to {6}. The broader Kestria 100 added "
        "{7} percent to {8}. Traders said buyers came in late in the session after the central bank left its rate at "
        "{9} percent.",
        "12.4|8,213.7|Monday|211|198|64|31|0.4|1,102.9|4.25",
        "31.0|8,244.7|Tuesday|187|211|58|40|0.7|1,110.6|4.50",
    ),
    (
        "The weather service issued a gale warning for the coast between Porthaven and Lannick until {0} on {1}. Winds "
        "of {2} to {3} knots with gusts of {4} are expected from the south-west, and waves of {5} metres offshore. "
        "Small craft should stay in harbour. Temperatures will fall to {6} degrees overnight. The next bulletin will "
        "be issued at {7}.",
        "18:00|4 March|35|40|55|6|3|12:00",
        "06:00|9 March|45|50|70|8|-1|20:00",
    ),
    (
        "{0}, a {1}-year-old {2} man, was shot and killed on {3}, at about {4} in the {5} block of {6} Street in "
        "Compton, according to county coroner's records. He was pronounced dead at the scene at {7}. Anyone with "
        "information is asked to call the homicide bureau at (323) 890-5500. Those who wish to remain anonymous may "
        "call Crime Stoppers.",
        "Jorge Mendez|23|Latino|March 3|10:40 p.m.|1200|Elm|11:02 p.m.",
        "Tyrell Banks|31|Black|March 9|2:15 a.m.|800|Oak|2:51 a.m.",
    ),
    (
        "{0} 4TH QTR NET\nShr {1} cts vs {2} cts\nNet {3} vs {4}\nRevs {5} mln vs {6} mln\nAvg shrs {7} vs {8}\n"
        "Year\nShr {9} dlrs vs {10} dlrs\nNet {11} vs {12}\nRevs {13} mln vs {14} mln\nNOTE: figures are unaudited "
        "and restated for the stock split of last year.",
        "Tressel Corp|31|28|3660273|2437914|28.5|23.1|11.2|11.0|1.29|1.12|13257550|12483559|117.1|96.4",
        "Orlo Inc|44|51|1911020|2204117|9.2|10.4|4.3|4.3|1.80|2.02|7820112|8720554|38.0|41.7",
    ),
]


@pytest.mark.parametrize(("form", "first", "other"), FORMS, ids=["market", "weather", "homicide report", "results"])
def test_two_texts_from_one_form_are_two_articles(form: str, first: str, other: str) -> None:
    for hours in (0.2, 24):
        assert second(form.format(*first.split("|")), form.format(*other.split("|")), hours).verdict == "new"


def test_a_new_toll_in_a_story_is_no_other_form() -> None:
    story = TEXT + " Officials said 12 people were killed and 31 injured in the blast on Monday."
    assert (
        second(story, story.replace("12 people were killed and 31", "15 people were killed and 38")).verdict == "copy"
    )


FOOTER = (
    "© 2024 Lannick Broadcasting Company. All rights reserved. This material may not be published, broadcast, "
    "rewritten or redistributed in whole or part without written permission. The Kestria News Agency contributed to "
    "this report. Sign up for our daily newsletter to get the latest local news, weather and sports delivered to your "
    "inbox every morning. By subscribing you agree to our terms of use and privacy policy. You may unsubscribe at any "
    "time by following the link at the bottom of every message. Follow us on social media and download our free app "
    "for breaking news alerts."
)


@pytest.mark.parametrize("length", [60, 90, 150])
def test_a_shared_footer_makes_no_copies(length: int) -> None:
    wire = Wire()
    for n, (title, text) in enumerate(real_articles()[:40]):
        words = text.split()[: length + n]
        assert wire.send(item(str(n), f"{' '.join(words)}\n\n{FOOTER}", n, title)).verdict == "new", title


def test_one_sentence_and_headline_only_items() -> None:
    assert second("Results below.", "Results below.").verdict == "new"  # nobody's property
    assert second(BRIEF, BRIEF, first_title="Bridge closed", title="Bridge closed").copy_kind == "exact"
    assert second(BRIEF, BRIEF, first_title="Bridge closed", title="Ferries full").verdict == "new"
    quake, noon = "Quake of 6.1 hits off Porthaven coast", "Stocks {} at noon on rate {}"
    assert second("", "", first_title=quake, title=quake).copy_kind == "exact"
    assert second("", "", first_title=noon.format("up", "hopes"), title=noon.format("down", "fears")).verdict == "new"
    assert second("", "").verdict == "new"
    sentence = "A ferry with 120 people on board ran aground off Porthaven late on Sunday, the coast guard said."
    assert second(sentence, sentence.replace("120", "130")).verdict == "new"


def test_a_text_in_another_language_is_no_copy() -> None:
    english = (
        "The president said on Monday that the government would resign before the end of this year after protests."
    )
    spanish = "El presidente dijo el lunes que el gobierno dimitiría antes de fin de año, tras las protestas."
    assert second(english, spanish).verdict == "new"


def test_copies_in_scripts_without_spaces() -> None:
    text = "总统周一宣布政府辞职，抗议活动仍在继续，警方表示有三人受伤，数十人被捕，首都的交通已经中断，学校都关闭了。"
    assert second(text, text + "反对派要求提前举行选举。").verdict == "copy"


def test_an_articles_own_earlier_version_is_no_source() -> None:
    wire = Wire()
    wire.send(item("a", TEXT, version=1))
    assert wire.send(item("a", TEXT + " One more line.", version=2)).verdict == "update"


def test_an_update_decides_anew_whether_it_is_a_copy() -> None:
    wire = Wire()
    wire.send(item("source", TEXT), item("a", real_articles()[1][1], 1, version=1))
    became = wire.send(item("a", TEXT, 1, version=2))
    assert (became.verdict, became.reason, became.copy_of) == ("copy", "newer version, exact copy", id_of("source"))
    assert wire.send(item("a", real_articles()[2][1], 1, version=3)).verdict == "update"


def test_the_best_source_is_the_most_similar_earlier_one() -> None:
    edited = TEXT.replace(SENTENCES[2], "The ministry did not answer questions")
    wire = Wire()
    wire.send(item("root", TEXT, 0), item("edited", edited, 1))
    third = wire.send(item("third", edited + " It will meet again in May.", 2))
    assert (third.copy_of, third.copy_group) == (id_of("edited"), id_of("root"))


def test_a_decision_read_back_from_the_log_gives_the_same_record() -> None:
    wire = Wire()
    wire.send(item("first", TEXT))
    copy = item("second", f"A new first line of this copy was written by us.\n{TEXT}", 2, TITLE)
    decision = wire.send(copy)
    again = decode(encode(decision), Decision)
    assert again == decision
    assert encode(annotated(again, copy, 3)) == encode(annotated(decision, copy, 3))
    assert encode(annotated(again, copy, 3, clean(copy))) == encode(annotated(decision, copy, 3))
    assert annotated(decision, copy, 3).edition == 3

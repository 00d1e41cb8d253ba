"""What the annotator promises whatever pipeline runs: offsets, order, isolation, bounded time on hostile text."""

from __future__ import annotations

import itertools
import re

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc

from pipeline.entities.annotator import Annotator, trimmed
from pipeline.errors import InvalidEvent, SettingsError
from pipeline.records import Annotation
from pipeline.settings import Entities

from .articles import article

NEWS = (
    "Iran-backed militants fired three rockets at a US base near Al-Omar oil field on Friday, the Syrian Observatory "
    "for Human Rights said. President Biden ordered F-15 fighter jets to strike back at 11 a.m."
)


@pytest.fixture(scope="module", params=["", "rules"])
def annotator(request: pytest.FixtureRequest) -> Annotator:
    return Annotator(Entities(model=request.param))


def done(result: Annotation | InvalidEvent) -> Annotation:
    assert isinstance(result, Annotation)
    return result


def test_finds_the_names_of_a_report(annotator: Annotator) -> None:
    (annotation,) = annotator.annotate([article(NEWS, title="Rockets hit base in Syria")])
    found = {(e.text, e.label) for e in done(annotation).entities}
    assert {("Iran", "GPE"), ("Al-Omar oil field", "FAC"), ("Syrian Observatory for Human Rights", "ORG")} <= found
    assert {("President Biden", "PERSON"), ("F-15 fighter jets", "PLATFORM"), ("11 a.m.", "TIME")} <= found
    assert ("Syria", "GPE") in {(e.text, e.label) for e in done(annotation).title_entities}


def test_spans_are_offsets_into_the_text(annotator: Annotator) -> None:
    text = "\n\n  " + NEWS.replace(". ", ".\n\n\n") + "  \x00\n" + NEWS
    (annotation,) = annotator.annotate([article(text)])
    entities = done(annotation).entities
    assert entities
    assert [e.text for e in entities] == [text[e.start : e.end] for e in entities]
    ends = [(e.start, e.end) for e in entities]
    assert ends == sorted(ends)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ends))


def test_a_text_has_the_same_entities_in_any_company(annotator: Annotator) -> None:
    texts = [NEWS, "Explosion in Kyiv kills 3.", "", NEWS[:90], "General Michael Kurilla spoke in Doha on Monday."] * 3
    together = annotator.annotate([article(t) for t in texts])
    assert together == [annotator.annotate([article(t)])[0] for t in texts]
    assert together[0] == together[5]


def test_windows_of_a_long_text_keep_offsets() -> None:
    small = Annotator(Entities(model="rules", max_chars=300))
    text = "\n\n".join([NEWS] * 20)
    entities = done(small.annotate([article(text)])[0]).entities
    assert [e.text for e in entities] == [text[e.start : e.end] for e in entities]
    assert len(entities) == 20 * len(done(small.annotate([article(NEWS)])[0]).entities)


HOSTILE = [
    "",
    " \n\t ",
    "x" * 300_000,
    "!" * 300_000,
    "(" * 50_000 + ")" * 50_000,
    "PresidentBidenvisitedSyriaonFriday" * 5_000,
    "😀🎉👨‍👩‍👧" * 2000,
    "\x00\x01\x02\x1b[31m\x7f" * 500,
    "Москва 北京 القاهرة Αθήνα " * 500,
    "МoscowРaris北Kyiv京" * 500,
    "\u202e\u200b\u00ad\ufeff" * 500,
    "A" + "\u0301" * 5000,
    "1,000,000.000.000-1/2:3 " * 2000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_hostile_text_neither_crashes_nor_hangs(annotator: Annotator, text: str) -> None:
    (annotation,) = annotator.annotate([article(text, title=text[:500])])
    assert all(e.text == text[e.start : e.end] for e in done(annotation).entities)


@pytest.mark.parametrize("before", HOSTILE, ids=lambda text: repr(text[:12]))
def test_what_follows_hostile_text_is_read_at_its_place(annotator: Annotator, before: str) -> None:
    text = f"{before}\n\n{NEWS}"
    entities = done(annotator.annotate([article(text)])[0]).entities
    assert all(e.text == text[e.start : e.end] for e in entities)
    found = {(e.start - len(before) - 2, e.text) for e in entities}
    assert {(NEWS.index(name), name) for name in ("Iran", "Al-Omar oil field", "President Biden")} <= found


def test_an_article_of_200_000_words_is_read_to_its_end(annotator: Annotator) -> None:
    dull = "the water was cold and the road was long and " * 5_556
    text = f"{NEWS} {dull}. {NEWS} {dull}. {dull}. {dull}. {NEWS}"
    assert len(text.split()) > 200_000
    entities = done(annotator.annotate([article(text)])[0]).entities
    assert all(e.text == text[e.start : e.end] for e in entities)
    places = [m.start() for m in re.finditer("Iran-backed", text)]
    assert [e.start for e in entities if e.text == "Iran"] == places
    assert len(places) == 3


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_valid_spans(text: str) -> None:
    annotator = _cached()
    entities = done(annotator.annotate([article(text)])[0]).entities
    assert all(text[e.start : e.end] == e.text and e.text.strip() for e in entities)


_CACHE: list[Annotator] = []


def _cached() -> Annotator:
    if not _CACHE:
        _CACHE.append(Annotator(Entities()))
    return _CACHE[0]


def test_texts_in_another_language_are_left_alone(annotator: Annotator) -> None:
    texts = [article("President Biden sprach in Berlin.", language="de"), article(NEWS, language="en-GB")]
    german, english = annotator.annotate(texts)
    assert done(german).entities == ()
    assert done(english).entities


def test_entity_ids_depend_on_the_name_alone(annotator: Annotator) -> None:
    first, second = annotator.annotate(
        [article("Troops left Iraq on Friday."), article("In the north of Iraq, Iraq's army waited.", native_id="2")]
    )
    ids = {e.entity_id for a in (first, second) for e in done(a).entities if e.text == "Iraq"}
    assert len(ids) == 1


def test_a_foreign_pipeline_needs_its_labels_mapped(tmp_path: object) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(  # type: ignore[attr-defined]
        [
            {"label": "PERSON", "pattern": "Kurilla"},
            {"label": "ORGANIZATION", "pattern": "Boeing"},
            {"label": "PRODUCT", "pattern": "777"},
            {"label": "FINANCE", "pattern": "Nasdaq"},
        ]
    )
    nlp.to_disk(str(tmp_path))
    with pytest.raises(SettingsError) as refused:
        Annotator(Entities(model=str(tmp_path)))
    assert "entities.model: unknown labels FINANCE, ORGANIZATION, PRODUCT" in str(refused.value)
    assert '[entities] labels = "FINANCE=,ORGANIZATION=,PRODUCT="' in str(refused.value)
    mapped = Annotator(Entities(model=str(tmp_path), labels="ORGANIZATION=ORG, PRODUCT=PLATFORM, FINANCE="))
    assert mapped.labels == ("PERSON", "ORG", "PLATFORM")
    found = mapped.spans("Kurilla saw a Boeing 777 and the Nasdaq")
    assert found == [(0, 7, "PERSON"), (14, 20, "ORG"), (21, 24, "PLATFORM")]


@pytest.mark.parametrize("labels", ["PER", "PER=HUMAN", "=PERSON"])
def test_a_wrong_label_map_is_refused(labels: str) -> None:
    with pytest.raises(SettingsError, match=r"entities\.labels"):
        Annotator(Entities(model="rules", labels=labels))


def test_a_missing_pipeline_is_refused() -> None:
    with pytest.raises(SettingsError, match="no spaCy pipeline in package or folder 'no_such_model'"):
        Annotator(Entities(model="no_such_model"))


def test_a_pipeline_without_entities_is_refused(tmp_path: object) -> None:
    spacy.blank("en").to_disk(str(tmp_path))
    with pytest.raises(SettingsError, match="finds no entities"):
        Annotator(Entities(model=str(tmp_path)))


def test_one_refused_article_does_not_harm_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    annotator = Annotator(Entities(model="rules"))
    nlp = annotator._nlp

    @Language.component("refuses_poison")
    def refuse(doc: Doc) -> Doc:
        if "poison" in doc.text:
            raise ValueError("bad text")
        return doc

    nlp.add_pipe("refuses_poison")
    good, bad, other = annotator.annotate([article(NEWS), article("poison"), article(NEWS)])
    assert isinstance(bad, InvalidEvent)
    assert bad.kind == "processing"
    assert done(good) == done(other)
    assert done(good).entities


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("George Chen.[9]", "George Chen"),
        ("George Chen [12][13]", "George Chen"),
        ("Mars |", "Mars"),
        (" Tarn [edit]", "Tarn"),
        ("F-16 [sic]", "F-16 [sic]"),
    ],
)
def test_a_name_has_no_footnotes(text: str, name: str) -> None:
    start, end = trimmed(text, 0, len(text))
    assert text[start:end] == name

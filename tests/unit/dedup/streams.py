"""Wires for the tests: small worlds of stories, edits, versions and withdrawals, drawn by Hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import strategies as st

from pipeline.editor_word import make
from pipeline.records import EditorWord, RawArticle, Void

START = datetime(2024, 3, 1, 6, 0, tzinfo=UTC)

# Invented words, so that two stories share none.
_SYLLABLES = "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu ra re ri ro ru sa se si so su"


def story(number: int, sentences: int = 6, words: int = 9) -> list[str]:
    """The sentences of an invented story."""
    random = Random(number)
    syllables = _SYLLABLES.split()
    said = []
    for _ in range(sentences):
        line = ["".join(random.choice(syllables) for _ in range(random.randint(2, 4))) for _ in range(words)]
        said.append(" ".join(line).capitalize() + ".")
    return said


def text(*stories: int, keep: float = 1.0, extra: int | None = None) -> str:
    """One or more stories, cut to a part of their sentences, with a paragraph of another appended."""
    lines = [line for number in stories for line in story(number)]
    lines = lines[: max(1, round(keep * len(lines)))]
    if extra is not None:
        lines += story(1000 + extra, sentences=2)
    return "\n".join(lines)


_times = st.one_of(
    st.none(),
    st.integers(-48, 12).map(lambda hours: START + timedelta(hours=hours)),
    st.integers(-12, 12).map(lambda hours: START + timedelta(hours=hours)),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]),
)
_texts = st.builds(
    lambda stories, keep, extra: text(*stories, keep=keep, extra=extra),
    st.lists(st.integers(0, 2), min_size=1, max_size=2, unique=True),
    st.sampled_from([1.0, 1.0, 0.7, 0.5]),
    st.one_of(st.none(), st.integers(0, 1)),
)


@st.composite
def items(draw: st.DrawFn) -> RawArticle | EditorWord | Void:
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return Void(reason="not_json")
    if kind == 1:
        return make("never-join", by="anna", incident="1" * 32, other="2" * 32)
    status = draw(st.sampled_from(["usable"] * 8 + ["canceled", "withheld"]))
    return RawArticle(
        provider="wire",
        native_id=draw(st.sampled_from("abcdefgh")),
        title=draw(st.sampled_from([None, "A title"])),
        text=draw(_texts) if status == "usable" else None,
        published=draw(_times),
        version=draw(st.one_of(st.none(), st.integers(0, 3))),
        version_created=draw(st.one_of(st.none(), _times)),
        pub_status=status,
        signals=draw(st.sampled_from([(), (), ("sig:correction",)])),
    )


def _flowing(wire: list[RawArticle | EditorWord | Void]) -> list[RawArticle | EditorWord | Void]:
    """The same with time going on, ten hours an item."""
    return [
        replace(one, published=one.published + timedelta(hours=10 * n))
        if isinstance(one, RawArticle) and one.published is not None and 1 < one.published.year < 9999
        else one
        for n, one in enumerate(wire)
    ]


streams = st.lists(items(), min_size=1, max_size=40).map(_flowing)

"""Tags and decoding: spans survive the round trip, and the best valid sequence is found."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.entities.labels import LABELS
from pipeline.entities.tags import N_TAGS, TAGS, decode, first_tag, span_tags, spans_of


@st.composite
def span_lists(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, str]]]:
    spans, at = [], 0
    for _ in range(draw(st.integers(0, 6))):
        start = at + draw(st.integers(0, 3))
        at = start + draw(st.integers(1, 4))
        spans.append((start, at, draw(st.sampled_from(LABELS))))
    return at + draw(st.integers(0, 3)), spans


@given(span_lists())
def test_spans_survive_the_round_trip(case: tuple[int, list[tuple[int, int, str]]]) -> None:
    n, spans = case
    tags = [0] * n
    for start, end, label in spans:
        tags[start:end] = span_tags(start, end, label)
    assert spans_of(tags) == spans
    scores = np.full((n, N_TAGS), -20.0, np.float32)
    scores[np.arange(n), tags] = 0.0
    assert decode(scores) == spans


def _valid(path: tuple[int, ...]) -> bool:
    state = 0  # 0: between entities; else the label's B tag
    for tag in path:
        kind, b = (tag - 1) % 4, tag - (tag - 1) % 4
        if tag == 0 or kind in (0, 3):
            if state:
                return False
            state = b if tag and kind == 0 else 0
        else:
            if state != b:
                return False
            state = 0 if kind == 2 else b
    return state == 0


@given(st.lists(st.lists(st.integers(-30, 30), min_size=9, max_size=9), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_decoding_finds_the_best_valid_sequence(rows: list[list[int]]) -> None:
    # Two labels and O; scores within the margins that pruning keeps.
    columns = [0, *range(first_tag("PERSON"), first_tag("PERSON") + 4), *range(first_tag("GPE"), first_tag("GPE") + 4)]
    scores = np.full((len(rows), N_TAGS), -50.0, np.float32)
    scores[:, columns] = np.array(rows, np.float32) / 15
    best = max(
        (p for p in itertools.product(columns, repeat=len(rows)) if _valid(p)),
        key=lambda p: sum(float(scores[i, t]) for i, t in enumerate(p)),
    )
    found = [0] * len(rows)
    for start, end, label in decode(scores):
        found[start:end] = span_tags(start, end, label)
    total = sum(float(scores[i, t]) for i, t in enumerate(found))
    assert abs(total - sum(float(scores[i, t]) for i, t in enumerate(best))) < 1e-4


def test_every_label_has_its_four_tags() -> None:
    assert len(TAGS) == 1 + 4 * len(LABELS)
    assert [TAGS[first_tag("FAC") + k] for k in range(4)] == ["B-FAC", "I-FAC", "L-FAC", "U-FAC"]
    assert decode(np.zeros((0, N_TAGS), np.float32)) == []

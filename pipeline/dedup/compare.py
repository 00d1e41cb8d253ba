"""The close comparison: is one text a copy of another, and on what evidence.

Symmetric: the verdict on a pair is the same whichever of the two arrived first.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

from pipeline.dedup import evidence, figures
from pipeline.dedup.headline import headline_hashes
from pipeline.dedup.overlap import (
    INSIDE_SHARE,
    MIN_SHARED,
    MIN_SHINGLES,
    Overlap,
)
from pipeline.dedup.prepare import Prepared
from pipeline.dedup.sketch import EVERYTHING, U32, WIDTH, Sketch, below
from pipeline.records import CopyKind

CONTAINED_SHARE, CONTAINED_REST = 0.8, 0.6
"""A copy is called contained when this share of the shorter is in the longer, and less than the other of the longer."""

CHANGED_SHARE = 0.4
"""Two texts are of one form when this share of the numbers in common places was changed ..."""

CHANGED_PER_WORD = 0.02
"""... and so many numbers a shared word. A long story with a new toll stays below this."""

COMMON_NUMBERS = 0.8
"""A copy has this share of the numbers of the text with fewer; below, it may be a form that was filled in anew ..."""

LONG_RUN, LONG_RUN_WORDS = 0.8, 60
"""... unless one stretch of so many words makes up this share of what is shared: then the other numbers stand in what
was added."""

OWN_BLOCK = 0.15
"""Where both texts have one stretch of their own of this share, what they have in common may be the page around,"""

HEADLINE_SHARE, HEADLINE_INSIDE, MANY_NUMBERS = 0.4, 0.25, 5
"""unless it has this share of the words of a headline (the lower for a text that is inside the other), or the two agree
in so many numbers."""

NOTICE_WORDS, NOTICE_DAYS = 60, 2
"""So few words in common, so far apart in time, are a notice that comes again."""

REISSUE_WORDS = 150
"""Texts farther apart in time than articles are remembered are copies only when they have so many words in common."""


@dataclass(slots=True)
class Text:
    """A remembered text, as far as the comparison needs it.

    Attributes:
        headline: hashes of the words of its headline.
    """

    sketch: Sketch
    figures: U32
    headline: U32


def longest_run(first: Sketch, second: Sketch, found: Overlap) -> int:
    """Length in words of the longest shared stretch that the sketches show in either text."""
    run = max(_longest(_hits_of_second(first, second, found)), _longest(_hits_of_first(first, second, found)))
    return _words_in(run, min(first.bound, second.bound))


def whole(sketch: Sketch) -> int:
    """`longest_run` of a text and itself."""
    return _words_in(len(sketch.hashes), sketch.bound)


def _words_in(run: int, bound: int) -> int:
    """Length in words of so many kept shingles in a row."""
    return run * EVERYTHING // bound + WIDTH - 1


def _hits_of_second(first: Sketch, second: Sketch, found: Overlap) -> bytes:
    """For each hash of the second that both texts could have kept 1 where both have it, else 0; in text order."""
    if second.bound <= first.bound:
        return found.hits
    return np.frombuffer(found.hits, np.uint8)[second.hashes < first.bound].tobytes()


def _hits_of_first(first: Sketch, second: Sketch, found: Overlap) -> bytes:
    """The same of the first."""
    shared = second.hashes[np.frombuffer(found.hits, np.bool_)]
    return evidence.hits(below(first.hashes, second.bound), shared)


def _longest(hits: bytes) -> int:
    """Length of the longest stretch of hits."""
    return max(map(len, hits.split(b"\0")))


def _both_have_own(first: Sketch, second: Sketch, found: Overlap) -> bool:
    """True when each text has a stretch of `OWN_BLOCK` that is not in the other."""
    return _has_own(_hits_of_second(first, second, found)) and _has_own(_hits_of_first(first, second, found))


def _has_own(hits: bytes) -> bool:
    return bytes(ceil(OWN_BLOCK * len(hits))) in hits


def comes_again(found: Overlap, apart: float, window: float) -> bool:
    """True when two texts share too little for the time between them to be the same report.

    Args:
        found: what the two share.
        apart: days between their publications; 0 where one is not known.
        window: days that an article is remembered.
    """
    return found.words < (REISSUE_WORDS if apart > window else NOTICE_WORDS if apart > NOTICE_DAYS else 0)


def kind_of(first: Prepared, second: Text, found: Overlap) -> CopyKind | None:
    """The relation of two texts that are not exactly the same; None when neither is a copy of the other.

    Args:
        found: what the two share, which is enough.
    """
    own, other = first.sketch, second.sketch
    if min(own.shingles, other.shingles) < MIN_SHINGLES or found.shared < MIN_SHARED:
        return None
    share = max(found.first_in_second, found.second_in_first)
    shared_words = found.words
    numbers = figures.compare(first.figures, second.figures)
    if _refilled(numbers, shared_words):
        return None
    other_numbers = _other_numbers(numbers, shared_words)
    # A text that has no more than this of its own has no such stretch of its own.
    if other_numbers or share <= 1 - OWN_BLOCK:
        if other_numbers and longest_run(own, other, found) < max(LONG_RUN_WORDS, LONG_RUN * shared_words):
            return None
        headline_share = HEADLINE_INSIDE if share >= INSIDE_SHARE else HEADLINE_SHARE
        if _both_have_own(own, other, found) and not _same_story(first, second, numbers, headline_share):
            return None
    rest = min(found.first_in_second, found.second_in_first)
    return "contained" if share >= CONTAINED_SHARE and rest < CONTAINED_REST else "near"


def _refilled(numbers: figures.FigureOverlap, shared_words: float) -> bool:
    """True when two texts share a form and not the story: the numbers of its places were changed."""
    return numbers.changed > CHANGED_PER_WORD * shared_words and numbers.changed >= CHANGED_SHARE * numbers.places


def _other_numbers(numbers: figures.FigureOverlap, shared_words: float) -> bool:
    """True when each of two texts has numbers of its own, too many for a copy of the other."""
    only = min(numbers.first_only, numbers.second_only)
    return only > CHANGED_PER_WORD * shared_words and numbers.common < COMMON_NUMBERS * (numbers.common + only)


def _same_story(first: Prepared, second: Text, numbers: figures.FigureOverlap, headline_share: float) -> bool:
    """True when what two texts share is the story, and not the page around it."""
    only = min(numbers.first_only, numbers.second_only)
    if numbers.common >= MANY_NUMBERS and numbers.common >= COMMON_NUMBERS * (numbers.common + only):
        return True
    words = first.hashes
    taken = evidence.core(evidence.covered(len(words), first.shingles, second.sketch))
    core = headline_hashes(np.concatenate([words[:0], *(words[start:end] for start, end in taken)]))
    return any(
        len(title) and sum(evidence.hits(title, core)) >= headline_share * len(title)
        for title in (first.headline, second.headline)
    )

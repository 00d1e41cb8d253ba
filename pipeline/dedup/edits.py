"""What an outlet did to a text that it took over, measured on the whole of both texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.dedup.evidence import Spans, covered, sentences, uncovered_before
from pipeline.dedup.sketch import EVERYTHING, U32, Sketch, shingle_hashes
from pipeline.text.words import Words, words

_OWN_SHARE = 0.5
"""A sentence is its text's own when more than this share of its words is not in the other."""


@dataclass(frozen=True, slots=True)
class Edits:
    """Shares of words, 0 to 1. A copy is kept + changed + added.

    Attributes:
        kept: of the copy, in sentences taken over word for word.
        changed: of the copy, in sentences that the source has in other words for less than half.
        added: of the copy, in sentences that the source has not.
        cut: of the source, in sentences that the copy has not.
    """

    kept: float
    changed: float
    added: float
    cut: float


def edits(copy: str, source: str) -> Edits:
    """Compare two cleaned texts."""
    own, of = words(copy), words(source)
    own_hashes, source_hashes = shingle_hashes(own.hashes), shingle_hashes(of.hashes)
    fresh = _shares(copy, own, covered(len(own), own_hashes, _whole(source_hashes)))
    gone = _shares(source, of, covered(len(of), source_hashes, _whole(own_hashes)))
    return Edits(kept=fresh[0], changed=fresh[1], added=fresh[2], cut=gone[2])


def _whole(hashes: U32) -> Sketch:
    return Sketch(hashes, EVERYTHING, len(hashes), 0)


def _shares(text: str, own: Words, cover: Spans) -> tuple[float, float, float]:
    """Shares of the words in sentences that the other text has in full, in part and not."""
    if not len(own):
        return 0.0, 0.0, 0.0
    at = own.starts.searchsorted(np.array(sentences(text), np.int32).reshape(-1, 2))
    lengths = at[:, 1] - at[:, 0]
    fresh = np.diff(np.array(uncovered_before(cover, at.ravel().tolist())).reshape(-1, 2), axis=1)[:, 0]
    added = fresh > _OWN_SHARE * lengths
    changed = (fresh > 0) & ~added
    total = max(1, int(lengths.sum()))
    part_changed, part_added = int(lengths[changed].sum()) / total, int(lengths[added].sum()) / total
    return 1 - part_changed - part_added, part_changed, part_added

"""Scores of a clustering against a gold clustering."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and their harmonic mean, each 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def bcubed(gold: Mapping[str, Hashable], found: Mapping[str, Hashable]) -> Score:
    """BCubed precision and recall (Bagga and Baldwin 1998), averaged over items.

    Args:
        gold, found: item -> its cluster; the same items.

    Raises:
        ValueError: the items differ.
    """
    both, in_gold, in_found = _counts(gold, found)
    if not gold:
        return Score(1.0, 1.0)
    # Sums of integers over a common denominator would be exact; per-cluster terms in a fixed order are near enough.
    precision = sum(n * n / in_found[f] for (_, f), n in both.items()) / len(gold)
    recall = sum(n * n / in_gold[g] for (g, _), n in both.items()) / len(gold)
    return Score(precision, recall)


def pairs(gold: Mapping[str, Hashable], found: Mapping[str, Hashable]) -> Score:
    """Precision and recall over pairs of items in one cluster; 1 where there are no pairs to find.

    Raises:
        ValueError: the items differ.
    """
    both, in_gold, in_found = _counts(gold, found)
    right = sum(n * (n - 1) // 2 for n in both.values())
    of_found = sum(n * (n - 1) // 2 for n in in_found.values())
    of_gold = sum(n * (n - 1) // 2 for n in in_gold.values())
    return Score(right / of_found if of_found else 1.0, right / of_gold if of_gold else 1.0)


def _counts(
    gold: Mapping[str, Hashable], found: Mapping[str, Hashable]
) -> tuple[Counter[tuple[Hashable, Hashable]], Counter[Hashable], Counter[Hashable]]:
    if gold.keys() != found.keys():
        odd = sorted(gold.keys() ^ found.keys())
        raise ValueError(f"the two clusterings are not of the same items: {len(odd)} differ, e.g. {odd[0]}")
    both = Counter((gold[item], found[item]) for item in gold)
    return both, Counter(gold.values()), Counter(found[item] for item in gold)

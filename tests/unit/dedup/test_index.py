"""The index against the simplest thing that could be right: a dictionary of lists."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from pipeline.dedup.index import NEWEST, Index


class Model:
    """Keys of each slot, in the order the slots were added."""

    def __init__(self) -> None:
        self.keys: dict[int, set[int]] = {}

    def lookup(self, keys: set[int]) -> list[int]:
        found: list[int] = []
        for key in keys:
            found += [slot for slot, has in self.keys.items() if key in has][-NEWEST:]
        return sorted(found)


def array(keys: set[int]) -> np.ndarray:
    return np.array(sorted(keys), np.uint32)


@pytest.mark.parametrize("seed", range(4))
def test_lookups_are_those_of_a_plain_dictionary(seed: int) -> None:
    random = Random(seed)
    index, model = Index(), Model()
    for _ in range(1_500):
        move = random.random()
        if move < 0.5 and len(model.keys) < 300:
            slot = random.choice([s for s in range(320) if s not in model.keys])
            few = {random.randrange(600) for _ in range(random.randint(1, 30))}
            many = {random.randrange(1 << 32) for _ in range(random.randint(0, 40))}
            model.keys[slot] = few | many | ({7, 1 << 31} if random.random() < 0.5 else set())
            index.add(slot, array(model.keys[slot]))
        elif move < 0.7 and model.keys:
            slot = random.choice(list(model.keys))
            index.remove(slot, array(model.keys.pop(slot)))
        else:
            asked = {random.randrange(600) for _ in range(30)} | {7, 1 << 31}
            for slot in random.sample(sorted(model.keys), min(3, len(model.keys))):
                asked |= set(random.sample(sorted(model.keys[slot]), min(5, len(model.keys[slot]))))
            assert sorted(index.lookup(array(asked)).tolist()) == model.lookup(asked)


def test_every_key_is_found_while_the_table_grows() -> None:
    random = np.random.default_rng(1)
    index = Index()
    added = [random.integers(0, 1 << 32, 32, dtype=np.uint32) for _ in range(6_000)]
    for slot, keys in enumerate(added):
        index.add(slot, keys)
        if slot % 997 == 0:
            for old in range(0, slot + 1, 61):
                assert np.count_nonzero(index.lookup(added[old]) == old) == len(np.unique(added[old]))


def test_what_was_removed_is_not_found_and_its_slot_can_be_used_again() -> None:
    index = Index()
    first, second = array({1, 2, 3}), array({3, 4})
    index.add(0, first)
    index.remove(0, first)
    index.add(0, second)
    assert index.lookup(array({1, 2})).tolist() == []
    assert index.lookup(array({3, 4})).tolist() == [0, 0]

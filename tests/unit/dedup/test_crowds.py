"""Lists of slots, against plain lists."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from pipeline.dedup.crowds import AT_HAND, Crowds


@pytest.mark.parametrize("seed", range(4))
def test_lists_are_what_plain_lists_would_be(seed: int) -> None:
    """Some are longer than a row, some are emptied, and their numbers used again."""
    random = Random(seed)
    crowds = Crowds()
    model: dict[int, list[int]] = {}
    slots = iter(range(1 << 20))
    for _ in range(300):
        if random.random() < 0.3:
            for number in crowds.new(random.randint(1, 30)).tolist():
                assert number not in model
                model[number] = []
        chosen = random.sample(sorted(model), min(len(model), random.randint(0, 9)))
        # No list is empty for long.
        chosen += [number for number, every in model.items() if not every and number not in chosen]
        added = {number: [next(slots) for _ in range(random.choice((1, 2, 7, 40)))] for number in chosen}
        if added:
            counts = [len(few) for few in added.values()]
            crowds.extend(
                np.repeat(np.array(list(added)), counts),
                np.array([slot for few in added.values() for slot in few], np.uint32),
            )
        for number, few in added.items():
            model[number] += few
        for number in random.sample(sorted(model), min(len(model), 12)):
            for slot in random.sample(model[number], min(len(model[number]), random.randint(0, 25))):
                model[number].remove(slot)
                assert crowds.remove(number, slot) == (not model[number])
            if not model[number]:
                del model[number]
        lists = list(model)
        rows, lengths = crowds.newest(np.array(lists, np.int64))
        for number, row, length in zip(lists, rows.tolist(), lengths.tolist(), strict=True):
            assert row[:length] == model[number][::-1][:AT_HAND]
            assert crowds.all(number) == model[number][::-1]
        assert len(crowds) == len(model)
        assert crowds.slots == sum(map(len, model.values()))

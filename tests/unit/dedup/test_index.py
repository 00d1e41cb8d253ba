"""The index, and the lookahead on it, against the simplest thing that could be right: a dictionary of sets."""

from __future__ import annotations

from collections import Counter
from random import Random

import numpy as np
import pytest

from pipeline.dedup import index as index_module
from pipeline.dedup.crowds import AT_HAND
from pipeline.dedup.index import Index, numbered
from pipeline.dedup.keys import keys_of
from pipeline.dedup.lookahead import LOOKED_UP, NEWEST, Lookahead
from pipeline.dedup.sketch import U32, bound_of

SPACE = 1 << 32


def array(keys: set[int]) -> U32:
    return np.array(sorted(keys), np.uint32)


def add(index: Index, texts: dict[int, set[int]]) -> None:
    keys = np.concatenate([array(keys) for keys in texts.values()])
    index.add(keys, np.repeat(np.array(list(texts), np.uint32), [len(keys) for keys in texts.values()]))


def remove(index: Index, slot: int, keys: set[int]) -> None:
    index.remove(array(keys), np.full(len(keys), slot, np.uint32))


def found(index: Index, key: int) -> list[int]:
    """All that a lookup of one key gives, the newest first."""
    _, slots, _, crowds = index.lookup(np.array([key], np.uint32))
    newest = index.newest(key)
    assert sorted(slots.tolist()) == ([] if len(crowds) else sorted(newest))
    rows, lengths = index.crowds.newest(crowds)
    for row, length in zip(rows.tolist(), lengths.tolist(), strict=True):
        assert row[:length] == newest[:AT_HAND]
    return newest


@pytest.mark.parametrize("seed", range(4))
def test_lookups_are_those_of_a_plain_dictionary(seed: int) -> None:
    random = Random(seed)
    index = Index()
    model: dict[int, set[int]] = {}
    for _ in range(600):
        move = random.random()
        if move < 0.4 and len(model) < 300:
            free = [s for s in range(320) if s not in model]
            texts = {}
            for slot in random.sample(free, min(len(free), random.randint(1, 9))):
                few = {random.randrange(600) for _ in range(random.randint(1, 30))}
                many = {random.randrange(SPACE) for _ in range(random.randint(0, 40))}
                texts[slot] = few | many | ({7, 1 << 31} if random.random() < 0.5 else set())
            model |= texts
            add(index, texts)
        elif move < 0.6 and model:
            slot = random.choice(list(model))
            remove(index, slot, model.pop(slot))
        else:
            asked = {random.randrange(600) for _ in range(20)} | {7, 1 << 31}
            for slot in random.sample(sorted(model), min(3, len(model))):
                asked |= set(random.sample(sorted(model[slot]), min(5, len(model[slot]))))
            for key in asked:
                assert found(index, key) == [slot for slot in reversed(model) if key in model[slot]]


@pytest.mark.parametrize("together", [1, 7, 500])
def test_every_key_is_found_while_the_table_grows(together: int) -> None:
    random = np.random.default_rng(1)
    index = Index()
    added = [set(random.integers(0, SPACE, 32, dtype=np.uint32).tolist()) for _ in range(3_000)]
    for start in range(0, len(added), together):
        add(index, {slot: added[slot] for slot in range(start, min(start + together, len(added)))})
        if start % 11 == 0:
            for old in range(0, start + 1, 61):
                keys = array(added[old])
                _, slots, many, _ = index.lookup(keys)
                assert np.count_nonzero(slots == old) + len(many) == len(added[old])
                assert all(old in index.newest(key) for key in keys[many].tolist())


def test_an_index_that_is_built_as_a_whole_finds_what_one_that_grew_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some keys are of many texts, and some buckets are full."""
    monkeypatch.setattr(index_module, "_BUILT", 500)
    random = np.random.default_rng(3)
    crowded = random.integers(0, SPACE, 50).tolist()
    # What these are multiplied by, for their bucket, brings them together.
    together = [n * pow(2654435761, -1, SPACE) % SPACE for n in range(60)]
    texts = [
        set(random.choice(crowded, 3).tolist()) | {together[n % 60]} | set(random.integers(0, SPACE, 28).tolist())
        for n in range(200)
    ]
    slots = random.permutation(len(texts)).astype(np.uint32)
    grown, built = Index(), Index()
    for slot, text in zip(slots.tolist(), texts, strict=True):
        add(grown, {slot: text})
    pieces = []
    for start in range(0, len(texts), 70):
        numbers = [(key, n) for n, text in enumerate(texts) for key in text if start <= n < start + 70]
        pieces.append(numbered(*np.array(numbers, np.uint32).T))
    assert len(list(built.build(pieces, slots))) > 10
    assert len(built) == len(grown)
    keys = {key for text in texts for key in text}
    assert all(built.newest(key) == grown.newest(key) for key in keys)
    for index in (grown, built):
        remove(index, int(slots[0]), texts[0])
    assert all(built.newest(key) == grown.newest(key) for key in keys)


def test_what_was_removed_is_not_found_and_its_slot_can_be_used_again() -> None:
    index = Index()
    add(index, {0: {1, 2, 3}})
    remove(index, 0, {1, 2, 3})
    add(index, {0: {3, 4}})
    assert [found(index, key) for key in (1, 2, 3, 4)] == [[], [], [0], [0]]


def test_keys_are_the_lowest_hashes_and_more_of_a_long_text() -> None:
    random = np.random.default_rng(2)
    texts = [np.unique(random.integers(0, SPACE, n, dtype=np.uint32)) for n in (0, 5, 32, 33, 400, 40_000)]
    texts.append(np.arange(5_000, dtype=np.uint32))
    keys, counts = keys_of(np.concatenate(texts), np.array([len(t) for t in texts]))
    expected = [t[: np.searchsorted(t, bound_of(t, 32, SPACE >> 4, 2048))] for t in texts]
    assert counts.tolist() == [len(e) for e in expected]
    assert keys.tolist() == np.concatenate(expected).tolist()
    assert counts.tolist()[:4] == [0, 5, 32, 32]
    assert counts.tolist()[-1] == 2048
    mixed = [random.permutation(t) for t in texts]
    unsorted, _ = keys_of(np.concatenate(mixed), np.array([len(t) for t in mixed]))
    assert unsorted.tolist() == keys.tolist()
    known_sorted, same = keys_of(np.concatenate(texts), np.array([len(t) for t in texts]), are_sorted=True)
    assert known_sorted.tolist() == keys.tolist()
    assert same.tolist() == counts.tolist()


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_finds_what_its_texts_would_find_one_by_one(seed: int) -> None:
    """Some of the batch are not remembered, some of what was remembered is forgotten on the way."""
    random = Random(seed)
    index = Index()
    model: dict[int, set[int]] = {}

    def text() -> set[int]:
        common = set(random.sample(range(40), random.randint(0, 12)))
        return common | {random.randrange(SPACE) for _ in range(random.randint(0, 25))}

    for slot in range(60):
        model[slot] = text()
    add(index, model)
    for first in range(100, 400, 30):
        batch = [text() for _ in range(30)]
        gone: dict[int, set[int]] = {}
        least = [random.randint(1, 3) for _ in batch]
        ahead = Lookahead(index, [array(keys) for keys in batch], least, lambda slot: slot in model)
        for n, keys in enumerate(batch):
            expected = Counter[int]()
            for key in sorted(keys)[:LOOKED_UP]:
                expected.update([slot for slot in reversed(model) if key in model[slot]][:NEWEST])
            candidates = {ahead.slot(other): count for other, count in ahead.candidates(n).items()}
            assert candidates == {slot: count for slot, count in expected.items() if count >= least[n]}
            if random.random() < 0.8:
                model[first + n] = keys
                ahead.decided(n, first + n)
            if random.random() < 0.5:
                slot = random.choice(list(model))
                gone[slot] = model.pop(slot)
                ahead.removed()
        for slot, keys in gone.items():
            if slot < first:
                remove(index, slot, keys)
        new = {slot: model[slot] for slot in model if slot >= first}
        if new:
            add(index, new)


def test_a_key_is_found_whole_when_the_table_grows_while_it_is_added() -> None:
    """Growing may crowd a key: what is added of it in the same call must not go into the table."""
    random = np.random.default_rng(3)
    index = Index()
    added: dict[int, list[int]] = {}
    for start in range(0, 20_000, 2_000):
        texts = {}
        for slot in range(start, start + 2_000):
            phrases = set((random.zipf(1.2, 8) % 200_000 * 7919 % SPACE).tolist())
            texts[slot] = phrases | set(random.integers(0, SPACE, 24, dtype=np.uint32).tolist())
            for key in texts[slot]:
                added.setdefault(key, []).append(slot)
        add(index, texts)
    assert all(index.newest(key) == slots[::-1] for key, slots in added.items() if len(slots) > 1)

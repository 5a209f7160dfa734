"""The index against brute force on sets that overlap a lot: few signs, many sizes, every threshold."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tilth.operators import candidates, greedy
from tilth.operators.candidates import Measure, Union
from tilth.operators.grams import Vocabulary
from tilth.operators.greedy import keep_greedily
from tilth.operators.similarity import ngrams
from tilth.operators.sketch import Compared

CASES = [
    (kind, threshold, seed)
    for kind in ("jaccard", "containment")
    for threshold in (0.3, 0.5, 0.7, 0.9, 1.0)
    for seed in range(4)
]


def documents(seed):
    """Texts of 1 to 40 signs, many of them pieces of others with something added."""
    rng = random.Random(seed)
    texts = [
        "".join(rng.choices("甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳", k=rng.randint(1, 40))) for _ in range(20)
    ]
    for _ in range(50):
        text = rng.choice(texts)
        start = rng.randrange(len(text))
        piece = text[start : start + rng.randint(1, 30)]
        texts.append(piece + "".join(rng.choices("甲乙丙丁戊己", k=rng.randint(0, 8))))
    return texts


def build(kind, threshold, seed):
    texts = documents(seed)
    measure = Measure(kind, 2, threshold)
    grams = Vocabulary.of([(text,) for text in texts], 2, least=2).encode([(text,) for text in texts])

    compared = Compared.of(grams)

    def alike(x, y):
        return compared.alike(measure, x, compared, y)

    sets = [ngrams(text, 2) for text in texts]
    truth = np.zeros((len(sets), len(sets)))
    for x, one in enumerate(sets):
        for y, other in enumerate(sets):
            shared = len(one & other)
            value = shared / (len(one | other) if kind == "jaccard" else min(len(one), len(other)))
            truth[x, y] = value if value >= threshold else 0
    return measure.entries(grams).groups(), alike, truth


@pytest.mark.parametrize(("small", "chunk"), [(0, 7), (64, 7), (64, 1_000_000)])
@pytest.mark.parametrize(("kind", "threshold", "seed"), CASES)
def test_connect_joins_what_is_linked(kind, threshold, seed, small, chunk, monkeypatch):
    monkeypatch.setattr(candidates, "CHUNK", chunk)
    monkeypatch.setattr(candidates, "SMALL", small)
    groups, alike, truth = build(kind, threshold, seed)
    join, expected = Union(len(truth)), Union(len(truth))
    groups.connect(join, alike)
    for x, y in zip(*np.nonzero(truth), strict=True):
        expected.union(int(x), int(y))
    everything = np.arange(len(truth))
    assert join.roots(everything).tolist() == expected.roots(everything).tolist()


@pytest.mark.parametrize(("most", "pairs"), [(1, 1), (8, 5), (4096, 1_000_000)])
@pytest.mark.parametrize(("kind", "threshold", "seed"), CASES)
def test_greedy_keeps_what_resembles_nothing_kept(kind, threshold, seed, most, pairs, monkeypatch):
    monkeypatch.setattr(greedy, "MOST", most)
    monkeypatch.setattr(greedy, "PAIRS", pairs)
    groups, alike, truth = build(kind, threshold, seed)
    kept, dropped = [], {}
    for x in range(len(truth)):
        best = max(kept, key=lambda y: (truth[x, y], -y), default=x)
        if best != x and truth[x, best]:
            dropped[x] = (best, pytest.approx(truth[x, best]))
        else:
            kept.append(x)
    assert keep_greedily(groups, len(truth), alike, lambda _: lambda x, y: truth[x, y]) == dropped


def test_a_limit_bounds_what_a_large_group_costs(monkeypatch):
    monkeypatch.setattr(candidates, "SMALL", 4)
    size, spent = 200, []
    entries = candidates.Entries.of_any_size(np.zeros(size, dtype=np.int64), np.arange(size))

    def nothing_alike(x, y):
        spent.append(y.size)
        return np.zeros(y.size, dtype=np.bool_)

    entries.groups().connect(Union(size), nothing_alike, limit=3)
    assert 3 * size <= sum(spent) < 4 * size


def test_a_bucket_remembers_only_so_many(monkeypatch):
    monkeypatch.setattr(greedy, "MOST", 1)
    size, asked = 100, []
    entries = candidates.Entries.of_any_size(np.zeros(size, dtype=np.int64), np.arange(size))

    def nothing_alike(x, y):
        asked.append(y.tolist())
        return np.zeros(y.size, dtype=np.bool_)

    assert keep_greedily(entries.groups(), size, nothing_alike, lambda _: lambda x, y: 0.0, bucket=3) == {}
    assert asked[-1] == [0, 1, 2]

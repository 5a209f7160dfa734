"""The index against brute force on sets that overlap a lot: few signs, many sizes, every threshold."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest

from tilth.operators import candidates, greedy
from tilth.operators import screen as screen_module
from tilth.operators.candidates import Measure, Union
from tilth.operators.greedy import Found, Kept, keep_greedily
from tilth.operators.lent import Lent
from tilth.operators.screen import screen
from tilth.operators.similarity import ngrams
from tilth.operators.sketch import Compared
from tilth.operators.vocabulary import encoded

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
    grams = encoded([(text,) for text in texts], 2, least=2)

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
    return measure.entries(grams).groups(), alike, truth, screen(compared, measure, pickled)


def pickled(function, tasks):
    """`map` as other processes do it."""
    return (pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(task))))) for task in tasks)


@pytest.mark.parametrize("screened", [False, True])
@pytest.mark.parametrize(("small", "chunk"), [(0, 7), (64, 7), (64, 1_000_000)])
@pytest.mark.parametrize(("kind", "threshold", "seed"), CASES)
def test_connect_joins_what_is_linked(kind, threshold, seed, small, chunk, screened, monkeypatch):
    monkeypatch.setattr(candidates, "CHUNK", chunk)
    monkeypatch.setattr(candidates, "SMALL", small)
    monkeypatch.setattr(screen_module, "TASK", 50 * chunk)
    monkeypatch.setattr(screen_module, "AT_ONCE", chunk)
    groups, alike, truth, find = build(kind, threshold, seed)
    join, expected = Union(len(truth)), Union(len(truth))
    groups.connect(join, alike, find=find if screened else None)
    for x, y in zip(*np.nonzero(truth), strict=True):
        expected.union(int(x), int(y))
    everything = np.arange(len(truth))
    assert join.roots(everything).tolist() == expected.roots(everything).tolist()


def guesses(kind, alike, truth, seed):
    """Screens that pass all that is similar, and guess right, always yes, always no, or by chance."""
    rng = np.random.default_rng(seed)

    def screen(x, y):
        passed = alike(x, y) | (truth[x, y] > 0)
        chance = rng.random(x.size) < 0.5
        likely = {"right": truth[x, y] > 0, "yes": passed, "no": ~passed, "chance": chance}[kind]
        return passed, passed & likely

    return screen


@pytest.mark.parametrize(
    ("guess", "most", "pairs", "ahead", "patience", "found"),
    [
        ("right", 1, 1, 1, 1, False),
        ("yes", 8, 5, 3, 2, False),
        ("no", 8, 50, 100, 1, True),
        ("chance", 8, 50, 100, 2, False),
        ("chance", 8, 1_000_000, 1_000_000, 1, True),
        ("yes", 4096, 1_000_000, 1_000_000, 1, False),
    ],
)
@pytest.mark.parametrize(("kind", "threshold", "seed"), CASES)
def test_greedy_keeps_what_resembles_nothing_kept(
    kind, threshold, seed, guess, most, pairs, ahead, patience, found, monkeypatch
):
    for name, value in {"MOST": most, "PAIRS": pairs, "AHEAD": ahead, "PATIENCE": patience}.items():
        monkeypatch.setattr(greedy, name, value)
    groups, alike, truth, _ = build(kind, threshold, seed)
    kept, dropped = [], {}
    for x in range(len(truth)):
        best = max(kept, key=lambda y: (truth[x, y], -y), default=x)
        if best != x and truth[x, best]:
            dropped[x] = (best, pytest.approx(truth[x, best]))
        else:
            kept.append(x)
    asked = []
    x, y = np.nonzero(np.tril(alike(*np.indices(truth.shape).reshape(2, -1)).reshape(truth.shape), -1))
    some = Found(x << 32 | y) if found else Kept(groups, len(truth))

    def verify(x, y):
        asked.extend(zip(x.tolist(), y.tolist(), strict=True))
        return truth[x, y]

    assert keep_greedily(some, len(truth), guesses(guess, alike, truth, seed), verify) == dropped
    assert len(asked) == len(set(asked)), "no pair is measured twice"


def test_what_is_probably_similar_is_measured_at_once_and_against_few():
    size, calls = 500, []
    groups = candidates.Entries.of_any_size(np.zeros(size, dtype=np.int64), np.arange(size)).groups()

    def verify(x, y):
        calls.append(x.size)
        return np.ones(x.size)

    found = keep_greedily(
        Kept(groups, size), size, lambda x, y: (np.ones(x.size, bool), np.ones(x.size, bool)), verify
    )
    assert (len(found), calls) == (size - 1, [size - 1])


def test_a_guess_that_is_always_wrong_costs_a_few_rounds_a_block(monkeypatch):
    size, calls = 500, []
    monkeypatch.setattr(greedy, "MOST", 50)
    groups = candidates.Entries.of_any_size(np.zeros(size, dtype=np.int64), np.arange(size)).groups()

    def verify(x, y):
        calls.append(x.size)
        return np.zeros(x.size)

    assert (
        keep_greedily(
            Kept(groups, size), size, lambda x, y: (np.ones(x.size, bool), np.ones(x.size, bool)), verify
        )
        == {}
    )
    assert sum(calls) == size * (size - 1) // 2
    assert len(calls) <= 4 * 11


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
        return np.zeros((2, y.size), dtype=np.bool_)

    assert (
        keep_greedily(
            Kept(entries.groups(), size, bucket=3), size, nothing_alike, lambda x, y: np.zeros(x.size)
        )
        == {}
    )
    assert asked[-1] == [0, 1, 2]


def test_lent_arrays_travel_through_a_file_once():
    lent = Lent(bits=np.arange(6).reshape(2, 3), none=np.zeros(0))
    first, second = (pickle.loads(pickle.dumps(lent)) for _ in range(2))
    assert first is second
    assert first["bits"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert first["none"].size == 0
    assert len(pickle.dumps(lent)) < 300

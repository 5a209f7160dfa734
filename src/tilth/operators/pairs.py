"""How similar many pairs of samples are, measured on their texts: read in order, compared in bulk, by all processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tilth.operators.base import Facts
from tilth.operators.candidates import Values
from tilth.operators.grams import (
    CACHE_CHARACTERS,
    Document,
    Hashes,
    Ints,
    blocks,
    distinct,
    portions,
    runs,
    spans,
)

TASK_CHARACTERS = 1_000_000
"""Characters of the samples that one process compares at a time, about."""

_BITS = 50
_NUMBERED = 1 << (64 - _BITS)
"""Pairs whose number fits above an n-gram's bits."""


Fetch = Callable[[Ints], Sequence[Document]]
"""The documents of some ranks."""


@dataclass(frozen=True)
class Pairs:
    """Pairs of samples, by rank."""

    facts: Facts
    ranking: Ints
    """The row of each rank."""
    documents: Fetch
    n: int
    threshold: float

    def similarity(self, x: Ints, y: Ints) -> Values:
        """The Jaccard index of the n-grams of each document of `x` and the one of `y` beside it.

        Of several parts the one that is least similar counts. 0 below the threshold.
        """
        values = np.zeros(x.size)
        # Who resembles one kept document stands together, so that its text is read and hashed once.
        order = np.lexsort((x, y))
        for cut in portions(self._characters(x[order], y[order]), CACHE_CHARACTERS):
            some = order[cut]
            values[some] = self._of_texts(x[some], y[some])
        return values

    def _of_texts(self, x: Ints, y: Ints) -> Values:
        ranks = distinct(np.concatenate([x, y]))
        documents = self.documents(ranks)
        tasks = []
        for cut in portions(self._characters(x, y), TASK_CHARACTERS):
            one, other = np.searchsorted(ranks, x[cut]), np.searchsorted(ranks, y[cut])
            members = distinct(np.concatenate([one, other]))
            texts = [documents[member] for member in members.tolist()]
            tasks.append((texts, np.searchsorted(members, one), np.searchsorted(members, other)))
        measure = partial(similarities, self.n, self.threshold)
        return np.concatenate([np.zeros(0), *self.facts.share(measure, tasks)])

    def _characters(self, x: Ints, y: Ints) -> Ints:
        """The characters of each pair, those of a run of equal `y` counted once."""
        rows = self.facts.rows["chars"]
        size = rows[self.ranking[x]].astype(np.int64)
        first = runs(y)
        size[first] += rows[self.ranking[y[first]]]
        return size


Task = tuple[Sequence[Document], Ints, Ints]
"""Documents, and pairs of them."""


def similarities(n: int, threshold: float, task: Task) -> Values:
    """See `Pairs.similarity`; for documents at hand. A part is looked at where those before it are similar enough."""
    documents, x, y = task
    least = np.ones(x.size)
    for part in range(len(documents[0]) if documents else 0):
        left = np.flatnonzero(least)
        members = distinct(np.concatenate([x[left], y[left]]))
        sizes, grams = _sets([(documents[member][part],) for member in members.tolist()], n)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        one, other = np.searchsorted(members, x[left]), np.searchsorted(members, y[left])
        for cut in portions(sizes[one] + sizes[other]):
            for first in range(cut.start, cut.stop, _NUMBERED):
                some = slice(first, min(first + _NUMBERED, cut.stop))
                shared = _shared(grams, starts, sizes, one[some], other[some])
                whole = sizes[one[some]] + sizes[other[some]] - shared
                least[left[some]] = np.minimum(least[left[some]], shared / whole)
        least[least < threshold] = 0.0
    return least


def _sets(documents: Sequence[Document], n: int) -> tuple[Ints, Hashes]:
    """How many n-grams each document has, and the n-grams of all, ascending within each."""
    found = [(np.bincount(owner, minlength=count), gram) for count, owner, gram in blocks(documents, n)]
    none = np.zeros(0, dtype=np.int64)
    sizes = np.concatenate([none, *(size for size, _ in found)])
    return sizes, np.concatenate([none.astype(np.uint64), *(gram for _, gram in found)])


def _shared(grams: Hashes, starts: Ints, sizes: Ints, x: Ints, y: Ints) -> Ints:
    """How many n-grams the two documents of each pair share."""
    sides = [
        np.repeat(np.arange(x.size, dtype=np.uint64) << np.uint64(_BITS), sizes[side])
        | grams[spans(starts[side], sizes[side])]
        for side in (x, y)
    ]
    # Both sides ascend: a stable sort merges them.
    both = np.concatenate(sides)
    both.sort(kind="stable")
    own = sizes[x] + sizes[y]
    return np.add.reduceat(both[1:] == both[:-1], np.cumsum(own) - own, dtype=np.int64)

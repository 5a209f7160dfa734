"""Sifts the candidate pairs of an index by their bitmaps, many millions of them, by as many processes as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tilth.operators.base import Share
from tilth.operators.candidates import Counts, Groups, Measure, pieces
from tilth.operators.grams import Ints, spans
from tilth.operators.sketch import Compared

TASK = 4_000_000
"""Pairs and entries of one task: about a tenth of a second."""
BATCH = 16
"""Tasks given out together. A task is largest, 200 MB, where nearly no entry makes a pair."""
AT_ONCE = 1 << 17
"""Pairs looked at together, so that what is fetched for them stays in the cache."""


class _Task(NamedTuple):
    """Some entries of an index, by what can be told of each; it pickles."""

    document: Counts
    after: Ints
    """How many entries after it each one meets."""
    bits: npt.NDArray[np.uint64]
    """The folded bitmaps: the first words of all, then the second, …"""
    smaller: Counts
    larger: Counts
    """The bits in which it may differ from a larger, or a smaller, document is its part and the other's together."""


def screen(
    compared: Compared, measure: Measure, share: Share = map
) -> Callable[[Groups, Ints], Iterator[tuple[Ints, Ints]]]:
    """What finds the pairs that may reach the threshold, for `Groups.connect`.

    Two documents that share n of their k and l known n-grams differ in at most k + l - 2n bits.
    """
    known, sizes = compared.grams.known, compared.grams.sizes
    # The least n that reaches the threshold is a sum over both documents, or of the smaller one alone.
    smaller, larger = (np.ceil(known - 2 * part).astype(np.int32) for part in measure.parts(sizes))

    def find(groups: Groups, after: Ints) -> Iterator[tuple[Ints, Ints]]:
        sized = np.diff(groups.starts)
        number = np.repeat(np.arange(sized.size), sized)
        used = np.flatnonzero(np.bincount(number, after, minlength=sized.size))
        entries = spans(groups.starts[used], sized[used])
        document, after = groups.document[entries].astype(np.int32), after[entries]

        def task(piece: slice) -> _Task:
            end = int((np.arange(piece.start, piece.stop) + after[piece]).max()) + 1
            some = document[piece.start : end]
            return _Task(some, after[piece], compared.sketch.short[:, some], smaller[some], larger[some])

        tasks = map(task, pieces(after + 1, TASK))
        while batch := list(islice(tasks, BATCH)):
            yield from share(_sifted, batch)

    return find


def _sifted(task: _Task) -> tuple[Ints, Ints]:
    """The pairs of documents that bitmaps cannot tell apart."""
    first, second = [], []
    for piece in pieces(task.after, AT_ONCE):
        counts = task.after[piece]
        y = spans(np.arange(piece.start, piece.stop) + 1, counts)
        # 256 differing bits of 256 become none: one pair more to look at.
        differ = np.zeros(y.size, dtype=np.uint8)
        for word in task.bits:
            differ += np.bitwise_count(np.repeat(word[piece], counts) ^ word[y])
        near = np.flatnonzero(differ <= np.repeat(task.smaller[piece], counts) + task.larger[y])
        x = np.repeat(np.arange(piece.start, piece.stop), counts)[near]
        first.append(task.document[x])
        second.append(task.document[y[near]])
    none = np.zeros(0, dtype=np.int32)
    return np.concatenate([none, *first]).astype(np.int64), np.concatenate([none, *second]).astype(np.int64)

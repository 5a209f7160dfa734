"""Sifts the candidate pairs of an index by their bitmaps, many millions of them, by as many processes as there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tilth.operators.base import Share
from tilth.operators.candidates import Groups, Measure, pieces
from tilth.operators.grams import Ints, spans
from tilth.operators.lent import Lent
from tilth.operators.sketch import Compared

TASK = 4_000_000
"""Pairs and entries of one task: about a tenth of a second."""
AT_ONCE = 1 << 17
"""Pairs looked at together, so that what is fetched for them stays in the cache."""


class _Task(NamedTuple):
    """Some entries of an index; it pickles."""

    told: Lent
    """What can be told of each document (`bits`, `smaller`, `larger`), and of each entry (`document`, `after`).

    `bits` are the folded bitmaps: the first words of all, then the second, … `smaller` and `larger` are the bits in
    which it may differ from a larger, or a smaller, document: its part and the other's together. `after` is how many
    entries after it each entry meets.
    """
    first: int
    end: int


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
        bits = compared.sketch.short
        told = Lent(document=document, after=after, bits=bits, smaller=smaller, larger=larger)
        tasks = [_Task(told, piece.start, piece.stop) for piece in pieces(after + 1, TASK)]
        yield from share(_sifted, tasks)

    return find


def _sifted(task: _Task) -> tuple[Ints, Ints]:
    """The pairs of documents that bitmaps cannot tell apart."""
    told, after = task.told, task.told["after"][task.first : task.end]
    end = int((np.arange(task.first, task.end) + after).max()) + 1
    document = told["document"][task.first : end]
    bits, smaller, larger = told["bits"][:, document], told["smaller"][document], told["larger"][document]
    first, second = [], []
    for piece in pieces(after, AT_ONCE):
        counts = after[piece]
        y = spans(np.arange(piece.start, piece.stop) + 1, counts)
        # 256 differing bits of 256 become none: one pair more to look at.
        differ = np.zeros(y.size, dtype=np.uint8)
        for word in bits:
            differ += np.bitwise_count(np.repeat(word[piece], counts) ^ word[y])
        near = np.flatnonzero(differ <= np.repeat(smaller[piece], counts) + larger[y])
        x = np.repeat(np.arange(piece.start, piece.stop), counts)[near]
        first.append(document[x])
        second.append(document[y[near]])
    none = np.zeros(0, dtype=np.int32)
    return np.concatenate([none, *first]).astype(np.int64), np.concatenate([none, *second]).astype(np.int64)

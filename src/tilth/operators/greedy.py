"""Walks documents in order and keeps each that resembles none kept before, many documents at a time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from tilth.operators.candidates import Flags, Groups
from tilth.operators.grams import Ints, distinct, runs, spans

MOST = 4096
"""Documents of one block at most; a block has fewer where they would make too many pairs."""
PAIRS = 1_000_000
"""Candidate pairs of one block at most, unless a single document has more."""
SCREENED = 1 << 16
"""Pairs screened at a time, so that what is fetched for them stays in the cache."""

Screen = Callable[[Ints, Ints], Flags]
"""Whether each document of one array may be similar to the one beside it; never false where it is."""
Verify = Callable[[int, int], float]
"""The similarity of two documents; 0 where it is below the threshold."""
Prepare = Callable[[Ints], Verify]
"""Told which documents of a block will be verified."""


def keep_greedily(
    groups: Groups, documents: int, screen: Screen, prepare: Prepare, bucket: int | None = None
) -> dict[int, tuple[int, float]]:
    """Keep each document that resembles none kept before it; candidates are those that share a key.

    A block of documents meets the kept ones before it and its own earlier ones. All its pairs are found, freed of
    repetitions and screened at once; only those that pass are verified, one by one in order.

    Args:
        groups: documents by key, numbered by rank: 0 is the first choice.
        documents: how many there are.
        screen: see `Screen`.
        prepare: see `Prepare`.
        bucket: how many kept documents to remember for one key; `None` for all.

    Returns:
        For each document that is not kept: the kept one most similar to it (of equals the first), and the similarity.
    """
    index = _Kept(groups, documents, bucket)
    kept = np.ones(documents, dtype=np.bool_)
    dropped: dict[int, tuple[int, float]] = {}
    present = distinct(groups.document)
    at, size = 0, 64
    while at < present.size:
        block = present[at : at + size]
        pairs = index.pairs(block, PAIRS if size > 1 else None)
        if pairs is None:
            size //= 2
            continue
        later, earlier = _screened(*pairs, screen)
        verify = prepare(distinct(np.concatenate([later, earlier])))
        for start, end in pairwise([*runs(later).tolist(), later.size]):
            x = int(later[start])
            best = _best(x, earlier[start:end], kept, verify)
            if best is not None:
                dropped[x] = best
                kept[x] = False
        index.add(block[kept[block]])
        at += block.size
        size = min(size * 2, MOST)
    return dropped


def _best(x: int, others: Ints, kept: Flags, verify: Verify) -> tuple[int, float] | None:
    found: tuple[int, float] | None = None
    for y in others[kept[others]].tolist():
        value = verify(x, y)
        if value > (found[1] if found else 0):
            found = y, value
    return found


def _screened(later: Ints, earlier: Ints, screen: Screen) -> tuple[Ints, Ints]:
    parts = [
        screen(later[first : first + SCREENED], earlier[first : first + SCREENED])
        for first in range(0, later.size, SCREENED)
    ]
    passed = np.concatenate(parts) if parts else np.zeros(0, dtype=np.bool_)
    return later[passed], earlier[passed]


class _Kept:
    """The kept entries of each group, in the places that the group's own entries leave for them."""

    def __init__(self, groups: Groups, documents: int, bucket: int | None) -> None:
        sizes = np.diff(groups.starts)
        self._groups = groups
        self._group = np.repeat(np.arange(sizes.size), sizes)
        self._order = np.argsort(groups.document, kind="stable")
        self._first = np.searchsorted(groups.document[self._order], np.arange(documents + 1))
        self._filled = np.zeros(sizes.size, dtype=np.int64)
        self._slots = np.zeros(groups.document.size, dtype=np.int64)
        self._bucket = bucket or groups.document.size

    def _entries(self, block: Ints) -> tuple[Ints, Ints]:
        """The block's entries by group, those of one group in the order of their documents; and their groups."""
        counts = self._first[block + 1] - self._first[block]
        entries = self._order[spans(self._first[block], counts)]
        entries = entries[np.argsort(self._group[entries], kind="stable")]
        return entries, self._group[entries]

    def pairs(self, block: Ints, limit: int | None) -> tuple[Ints, Ints] | None:
        """The block's documents with kept ones and earlier ones of the block; `None` for more than `limit` pairs."""
        entry, group = self._entries(block)
        count = self._filled[group]
        start, before = _places_in_run(group)
        if limit is not None and count.sum() + before.sum() > limit:
            return None
        later = np.concatenate([np.repeat(entry, count), np.repeat(entry, before)])
        kept = self._slots[spans(self._groups.starts[group], count)]
        earlier = np.concatenate([kept, entry[spans(start, before)]])
        allowed = self._groups.allow(later, earlier)
        document = self._groups.document
        pairs = distinct((document[later[allowed]] << 32) | document[earlier[allowed]])
        return pairs >> 32, pairs & 0xFFFFFFFF

    def add(self, block: Ints) -> None:
        """Remember these in each of their groups that has room."""
        entry, group = self._entries(block)
        _, before = _places_in_run(group)
        place = self._filled[group] + before
        room = place < self._bucket
        self._slots[self._groups.starts[group[room]] + place[room]] = entry[room]
        np.add.at(self._filled, group[room], 1)


def _places_in_run(values: Ints) -> tuple[Ints, Ints]:
    """For each of sorted values where its run of equal ones starts, and how many of them come before it."""
    first = runs(values)
    start = np.repeat(first, np.diff(np.append(first, values.size)))
    return start, np.arange(values.size) - start

"""Which documents could be similar: an index of rare n-grams that misses none, and what is done with its pairs.

Prefix filtering (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007): order all n-grams from rare to common.
Two sets that share enough of their n-grams share one among the rarest few of each, so only those few are indexed and
a common n-gram never pairs everything with everything. No pair that reaches the threshold is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tilth.operators.grams import Grams, Hashes, Ints, distinct, runs, spans

Flags = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
Similar = Callable[[int, Ints], Values]
"""The similarity of one document to some others; 0 where it is below the threshold."""

SMALL = 64
"""Groups up to this size are compared pair by pair, all at once; larger ones shrink as they are joined."""
CHUNK = 1_000_000
"""Pairs held at a time."""


@dataclass(frozen=True)
class Measure:
    """A similarity of n-gram sets with the threshold that matters."""

    kind: Literal["jaccard", "containment"]
    n: int
    threshold: float

    def of(self, overlaps: Ints, size: int, sizes: Ints) -> Values:
        """The similarity from the number of shared n-grams and the two sizes; 0 below the threshold."""
        whole: Ints = size + sizes - overlaps if self.kind == "jaccard" else np.minimum(size, sizes)
        values: Values = overlaps / whole
        values[values < self.threshold] = 0.0
        return values

    def entries(self, grams: Grams) -> Entries:
        """What to index of each document.

        Jaccard index t, smaller set y, larger set x: they share at least t·|x| and at least 2t/(1+t)·|y| n-grams,
        so the rarest one they share is among the first |x| - t·|x| + 1 of x and the first |y| - 2t/(1+t)·|y| + 1
        of y; y's are the strict ones. Containment t of y in x: the rarest one they share is among the first
        |y| - t·|y| + 1 of y, and anywhere in x. N-grams outside the vocabulary are the rarest of all.
        """
        t = self.threshold
        strict = _prefix(grams, 2 * t / (1 + t) if self.kind == "jaccard" else t)
        loose = _prefix(grams, t) if self.kind == "jaccard" else grams.known
        position = np.arange(grams.ranks.size) - np.repeat(grams.starts[:-1], grams.known)
        inside = position < np.repeat(loose, grams.known)
        document = np.repeat(np.arange(len(grams)), grams.known)
        return Entries(
            grams.ranks[inside], document[inside], (position < np.repeat(strict, grams.known))[inside]
        )


def _prefix(grams: Grams, share: float) -> Ints:
    needed = np.maximum(np.ceil(share * grams.sizes - 1e-9), 1).astype(np.int64)
    return np.asarray(np.maximum(grams.known - needed + 1, 0))


@dataclass(frozen=True)
class Entries:
    """An inverted index before sorting.

    Two documents are a candidate pair where they share a key that is strict for at least one of them.
    """

    key: Ints
    document: Ints
    strict: Flags

    def groups(self) -> Groups:
        """The same by key; keys that make no pair are left out."""
        order = np.lexsort((self.document, ~self.strict, self.key))
        key, document, strict = self.key[order], self.document[order], self.strict[order]
        first = runs(key)
        sizes = np.diff(np.append(first, key.size))
        used = (sizes >= 2) & strict[first]
        entries = spans(first[used], sizes[used])
        sizes = sizes[used]
        return Groups(np.concatenate([[0], np.cumsum(sizes)]), document[entries], strict[entries])


@dataclass(frozen=True)
class Groups:
    """Documents that share a key, group after group; within a group the strict ones first."""

    starts: Ints
    document: Ints
    strict: Flags

    def connect(self, join: Union, similar: Similar, limit: int | None = None) -> None:
        """Join all documents that are linked by similar pairs.

        Args:
            join: what is joined.
            similar: see `Similar`.
            limit: comparisons spent on a large group for each of its documents; `None` for all it takes.
        """
        sizes = np.diff(self.starts)
        for group in np.flatnonzero(sizes > SMALL):
            span = slice(self.starts[group], self.starts[group + 1])
            budget = None if limit is None else limit * int(sizes[group])
            _connect_group(self.document[span], self.strict[span], join, similar, budget)
        for x, others in self._pairs(np.flatnonzero(sizes <= SMALL)):
            root = join.root(x)
            apart = others[join.roots(others) != root]
            if apart.size:
                for other in apart[similar(x, apart) > 0].tolist():
                    join.union(x, other)

    def _pairs(self, chosen: Ints) -> Iterator[tuple[int, Ints]]:
        """Each document with its partners, in chunks of groups: a pair may come again in a later chunk."""
        sizes = np.diff(self.starts)[chosen]
        total = np.cumsum(sizes * (sizes - 1) // 2)
        cuts = np.searchsorted(total, np.arange(CHUNK, int(total[-1]) if total.size else 0, CHUNK))
        for part in np.split(chosen, cuts):
            entries = spans(self.starts[part], np.diff(self.starts)[part])
            start = np.repeat(self.starts[part], np.diff(self.starts)[part])
            before = entries - start
            x, y = np.repeat(entries, before), spans(start, before)
            useful = self.strict[x] | self.strict[y]
            pairs = np.stack([self.document[x[useful]], self.document[y[useful]]])
            yield from partners(pairs.max(axis=0), pairs.min(axis=0))

    def greedy(
        self, documents: int, similar: Similar, bucket: int | None = None
    ) -> dict[int, tuple[int, float]]:
        """Walk the documents in order and keep each that resembles none kept before.

        Args:
            documents: how many there are; 0 is the first choice.
            similar: see `Similar`.
            bucket: how many kept documents to remember for one key; `None` for all.

        Returns:
            For each document that is not kept: the kept one most similar to it, and the similarity.
        """
        kept = _Kept(self, documents, bucket)
        dropped: dict[int, tuple[int, float]] = {}
        for x in np.unique(self.document).tolist():
            found = kept.candidates(x)
            values = similar(x, found) if found.size else np.zeros(1)
            best = int(np.argmax(values))
            if values[best] > 0:
                dropped[x] = int(found[best]), float(values[best])
            else:
                kept.add(x)
        return dropped


class _Kept:
    """The kept documents of each group, in the places that the group's own entries leave for them."""

    def __init__(self, groups: Groups, documents: int, bucket: int | None) -> None:
        sizes = np.diff(groups.starts)
        self._group = np.repeat(np.arange(sizes.size), sizes)
        self._strict = groups.strict
        self._order = np.argsort(groups.document, kind="stable")
        self._first = np.searchsorted(groups.document[self._order], np.arange(documents + 1))
        stricts = np.bincount(self._group[groups.strict], minlength=sizes.size)
        self._begin = np.stack([groups.starts[:-1] + stricts, groups.starts[:-1]])
        self._filled = np.zeros_like(self._begin)
        self._slots = np.empty_like(groups.document)
        self._bucket = sizes.max(initial=0) if bucket is None else bucket

    def _entries(self, x: int) -> tuple[Ints, Ints]:
        entries = self._order[self._first[x] : self._first[x + 1]]
        return self._strict[entries].astype(np.int64), self._group[entries]

    def candidates(self, x: int) -> Ints:
        """The kept documents that share a key with `x`, strict for one of the two; ascending."""
        strict, group = self._entries(x)
        loose = group[strict == 1]
        begin = np.concatenate([self._begin[1, group], self._begin[0, loose]])
        count = np.concatenate([self._filled[1, group], self._filled[0, loose]])
        return distinct(self._slots[spans(begin, count)])

    def add(self, x: int) -> None:
        """Remember `x` in each of its groups that has room."""
        strict, group = self._entries(x)
        room = self._filled[strict, group] < self._bucket
        strict, group = strict[room], group[room]
        self._slots[self._begin[strict, group] + self._filled[strict, group]] = x
        self._filled[strict, group] += 1


def partners(x: Ints, y: Ints) -> Iterator[tuple[int, Ints]]:
    """Each distinct x, ascending, with its distinct y."""
    pairs = distinct((x << 32) | y)
    x, y = pairs >> 32, pairs & 0xFFFFFFFF
    cuts = np.flatnonzero(x[1:] != x[:-1]) + 1
    for start, end in zip([0, *cuts.tolist()], [*cuts.tolist(), x.size], strict=True):
        if end > start:
            yield int(x[start]), y[start:end]


def _connect_group(documents: Ints, strict: Flags, join: Union, similar: Similar, budget: int | None) -> None:
    """Join within one large group. What is joined leaves the rest: near-copies by the thousand cost one pass."""
    rest, rest_strict, spent = documents, strict, 0
    while rest_strict.any():
        frontier = [(int(rest[0]), bool(rest_strict[0]))]
        rest, rest_strict = rest[1:], rest_strict[1:]
        while frontier and rest.size:
            x, x_strict = frontier.pop()
            if not (x_strict or rest_strict[0]):
                continue
            same = join.roots(rest) == join.root(x)
            target = np.flatnonzero(~same & (rest_strict | x_strict))
            spent += target.size
            if target.size:
                same[target[similar(x, rest[target]) > 0]] = True
            for other in rest[same].tolist():
                join.union(x, other)
            frontier.extend(zip(rest[same].tolist(), rest_strict[same].tolist(), strict=True))
            rest, rest_strict = rest[~same], rest_strict[~same]
            if budget is not None and spent >= budget:
                return


class Union:
    """Disjoint sets of the numbers 0 … n-1; the smallest member is the root."""

    def __init__(self, size: int) -> None:
        self._parent = np.arange(size)

    def root(self, x: int) -> int:
        """The smallest member of the set of `x`."""
        parent = self._parent
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = int(parent[x])
        return x

    def roots(self, members: Ints) -> Ints:
        """The roots of many."""
        found = self._parent[members]
        while True:
            above = self._parent[found]
            if np.array_equal(above, found):
                self._parent[members] = found
                return found
            found = above

    def union(self, x: int, y: int) -> None:
        """Make one set of the sets of `x` and `y`."""
        low, high = sorted((self.root(x), self.root(y)))
        self._parent[high] = low

    def union_equal(self, members: Ints, values: Hashes) -> None:
        """Join the members that have the same value."""
        order = np.argsort(values, kind="stable")
        members, values = members[order], values[order]
        same = values[1:] == values[:-1]
        for x, y in zip(members[:-1][same].tolist(), members[1:][same].tolist(), strict=True):
            self.union(x, y)

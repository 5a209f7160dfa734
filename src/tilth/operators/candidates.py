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
Alike = Callable[[Ints, Ints], Flags]
"""Whether each document of one array is similar to the one beside it in the other."""

SMALL = 64
"""Larger groups are first looked at for near-copies by the thousand."""
COLLAPSE = 4
"""Comparisons spent on that for each document of a large group."""
CHUNK = 1_000_000
"""Pairs held at a time."""
COMPARED = 1 << 16
"""Pairs compared at a time, so that what is fetched for them stays in the cache."""


@dataclass(frozen=True)
class Measure:
    """A similarity of n-gram sets with the threshold that matters."""

    kind: Literal["jaccard", "containment"]
    n: int
    threshold: float

    def of(self, overlaps: Ints, mine: Ints, sizes: Ints) -> Values:
        """The similarity from the numbers of shared n-grams and the sizes of both; 0 below the threshold."""
        whole: Ints = mine + sizes - overlaps if self.kind == "jaccard" else np.minimum(mine, sizes)
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

    def pairs(self) -> int:
        """How many pairs share a key, each counted as often as it shares one."""
        counts = np.bincount(self.key, minlength=1)
        return int((counts * (counts - 1)).sum()) // 2

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

    def connect(self, join: Union, alike: Alike, limit: int | None = None) -> None:
        """Join all documents that are linked by similar pairs.

        Large groups are first looked at for near-copies by the thousand, which one pass joins. Then all pairs of
        documents that are still apart are compared, each once, however many keys it shares.

        Args:
            join: what is joined.
            alike: see `Alike`.
            limit: comparisons spent on a large group for each of its documents; `None` for all it takes.
        """
        sizes = np.diff(self.starts)
        large = sizes > SMALL
        for group in np.flatnonzero(large):
            span = slice(self.starts[group], self.starts[group + 1])
            budget = (COLLAPSE if limit is None else limit) * int(sizes[group])
            _connect_group(self.document[span], self.strict[span], join, alike, budget)
        for x, y in self._apart(np.flatnonzero(~large if limit is not None else sizes > 0), join):
            for first in range(0, x.size, COMPARED):
                one, other = x[first : first + COMPARED], y[first : first + COMPARED]
                found = alike(one, other)
                for pair in zip(one[found].tolist(), other[found].tolist(), strict=True):
                    join.union(*pair)

    def _apart(self, chosen: Ints, join: Union) -> Iterator[tuple[Ints, Ints]]:
        """Pairs of documents of the chosen groups that are not joined, in chunks: one may come again in a later chunk."""
        sizes = np.diff(self.starts)[chosen]
        total = np.cumsum(sizes * (sizes - 1) // 2)
        cuts = np.searchsorted(total, np.arange(CHUNK, int(total[-1]) if total.size else 0, CHUNK))
        for part in np.split(chosen, np.unique(cuts)):
            sizes = np.diff(self.starts)[part]
            entries = spans(self.starts[part], sizes)
            group = np.repeat(np.arange(part.size), sizes)
            root = join.roots(self.document[entries])
            order = np.lexsort((root, group))
            document, strict = self.document[entries][order], self.strict[entries][order]
            begin = np.repeat(np.cumsum(sizes) - sizes, sizes)
            run = runs((group[order] << 32) | root[order])
            before = np.repeat(run, np.diff(np.append(run, order.size))) - begin
            upto = np.cumsum(before)
            ends = np.searchsorted(upto, np.arange(CHUNK, int(upto[-1]) if upto.size else 0, CHUNK))
            for piece in np.split(np.arange(order.size), np.unique(ends)):
                x, y = np.repeat(piece, before[piece]), spans(begin[piece], before[piece])
                useful = strict[x] | strict[y]
                one, other = document[x[useful]], document[y[useful]]
                pairs = distinct((np.maximum(one, other) << 32) | np.minimum(one, other))
                one, other = pairs >> 32, pairs & 0xFFFFFFFF
                apart = join.roots(one) != join.roots(other)
                yield one[apart], other[apart]


def _connect_group(documents: Ints, strict: Flags, join: Union, alike: Alike, budget: int) -> None:
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
                same[target[alike(np.full(target.size, x), rest[target])]] = True
            for other in rest[same].tolist():
                join.union(x, other)
            frontier.extend(zip(rest[same].tolist(), rest_strict[same].tolist(), strict=True))
            rest, rest_strict = rest[~same], rest_strict[~same]
            if spent >= budget:
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

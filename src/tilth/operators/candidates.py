"""Which documents could be similar: an index of rare n-grams that misses none, and what is done with its pairs.

Prefix filtering (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007): order all n-grams from rare to common.
Two sets that share enough of their n-grams share one among the rarest few of each, so only those few are indexed and
a common n-gram never pairs everything with everything. Positional filtering (Xiao, Wang, Lin, Yu 2008): the later an
n-gram comes in a set, the fewer are left to be shared, and the nearer in size another set must be. No pair that
reaches the threshold is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tilth.operators.grams import Hashes, Ints, distinct, ordered, runs, spans
from tilth.operators.vocabulary import Grams

Flags = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]
Alike = Callable[[Ints, Ints], Flags]
"""Whether each document of one array is similar to the one beside it in the other."""

Find = Callable[["Groups", Ints], Iterator[tuple[Ints, Ints]]]
"""Pairs of documents that may be similar, in chunks, where each entry of the groups meets so many that come after it;
none that is similar may be missing."""

SMALL = 256
"""Larger groups are first looked at for near-copies by the thousand."""
CROWDED = 0.25
"""They are looked for where so large a share of a group is similar to one of it."""
COLLAPSE = 4
"""Comparisons spent on that for each document of a large group."""
CHUNK = 1_000_000
"""Pairs held at a time."""
COMPARED = 1 << 16
"""Pairs compared at a time, so that what is fetched for them stays in the cache."""

_ANY = (1 << 31) - 1
_ROUNDING = 1e-6


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

    def least(self, mine: Ints, sizes: Ints) -> Values:
        """The n-grams that two sets of these sizes must share to reach the threshold, a rounding error less."""
        t = self.threshold
        if self.kind == "jaccard":
            return np.asarray((mine + sizes) * (t / (1 + t)) - _ROUNDING)
        return np.asarray(np.minimum(mine, sizes) * t - _ROUNDING)

    def parts(self, sizes: Ints) -> tuple[Values, Values]:
        """What a smaller and a larger set add to `least`: the sum of one part of each is that of both."""
        t = self.threshold
        least: Values = np.asarray(sizes * (t / (1 + t) if self.kind == "jaccard" else t) - _ROUNDING)
        return least, (least if self.kind == "jaccard" else np.zeros(sizes.size))

    def entries(self, grams: Grams) -> Entries:
        """What to index of each document.

        If an n-gram is the rarest that two sets share, they share no more than the r n-grams from it on in either.
        Jaccard index t of sets x and y asks for t/(1+t)·(|x|+|y|) ≤ r, so |y| is at most r·(1+t)/t - |x|; where that is
        less than t·|x| nobody is similar enough, and the n-gram is left out. Containment t asks for t times the
        smaller size: any y where t·|x| ≤ r, else |y| ≤ r/t. N-grams outside the vocabulary are the rarest of all.
        """
        t = self.threshold
        used = grams.known
        if self.kind == "jaccard":
            used = np.maximum(used + 1 - np.ceil(t * grams.sizes - _ROUNDING).astype(np.int64), 0)
            used = np.minimum(used, grams.known)
        place = spans(grams.starts[:-1], used)
        size = np.repeat(grams.sizes, used)
        left = np.repeat(grams.starts[1:], used) - place
        document = np.repeat(np.arange(len(grams)), used)
        if self.kind == "jaccard":
            most = np.floor(left * (1 + t) / t + _ROUNDING).astype(np.int64) - size
        else:
            most = np.where(
                left >= t * size - _ROUNDING, _ANY, np.floor(left / t + _ROUNDING).astype(np.int64)
            )
        return Entries(grams.ranks[place], document, size.astype(np.int32), most.astype(np.int32))


@dataclass(frozen=True)
class Entries:
    """An inverted index before sorting.

    Two documents are a candidate pair where they share a key that allows each of them the size of the other.
    """

    key: Ints
    document: Ints
    size: Counts
    most: Counts
    """The largest size of a document that can be similar, if they share no rarer key."""

    @classmethod
    def of_any_size(cls, key: Ints, document: Ints) -> Entries:
        """Keys that say nothing of sizes: all that share one are candidates."""
        none = np.zeros(key.size, dtype=np.int32)
        return cls(key, document, none, none)

    def pairs(self) -> int:
        """How many pairs share a key, each counted as often as it shares one."""
        counts = np.bincount(self.key, minlength=1)
        return int((counts * (counts - 1)).sum()) // 2

    def groups(self) -> Groups:
        """The same by key; keys that only one document has are left out."""
        order = ordered(self.key, self.size)
        first = runs(self.key[order])
        sizes = np.diff(np.append(first, order.size))
        used = sizes >= 2
        order = order[spans(first[used], sizes[used])]
        starts = np.concatenate([[0], np.cumsum(sizes[used])])
        return Groups(starts, self.document[order], self.size[order], self.most[order])


@dataclass(frozen=True)
class Groups:
    """Documents that share a key, group after group; within a group the smaller ones first."""

    starts: Ints
    document: Ints
    size: Counts
    most: Counts

    def allow(self, x: Ints, y: Ints) -> Flags:
        """Whether each entry of one array allows the size of the one beside it in the other, and the reverse."""
        return np.asarray((self.size[x] <= self.most[y]) & (self.size[y] <= self.most[x]))

    def connect(self, join: Union, alike: Alike, limit: int | None = None, find: Find | None = None) -> None:
        """Join all documents that are linked by similar pairs.

        Large groups are first looked at for near-copies by the thousand, which one pass joins. Then all pairs of
        documents that are still apart are compared, each once, however many keys it shares.

        Args:
            join: what is joined.
            alike: see `Alike`.
            limit: comparisons spent on a large group for each of its documents; `None` for all it takes.
            find: see `Find`; by default all candidates are found.
        """
        sizes = np.diff(self.starts)
        crowded = sizes > SMALL if limit is not None else self._crowded(sizes > SMALL, alike)
        for group in np.flatnonzero(crowded):
            documents = self.document[self.starts[group] : self.starts[group + 1]]
            budget = (COLLAPSE if limit is None else limit) * int(sizes[group])
            _connect_group(documents, join, alike, budget)
        near = (find or Groups.within)(self, self.after(~crowded))
        for x, y in chain(near, self._apart(crowded, join) if limit is None else ()):
            pairs = distinct((np.maximum(x, y) << 32) | np.minimum(x, y))
            x, y = pairs >> 32, pairs & 0xFFFFFFFF
            apart = join.roots(x) != join.roots(y)
            _join_alike(x[apart], y[apart], join, alike)

    def _crowded(self, large: Flags, alike: Alike) -> Flags:
        """The large groups of which a good share is similar to the document of middle size."""
        chosen, found = np.flatnonzero(large), np.zeros(large.size, dtype=np.bool_)
        starts, sizes = self.starts[chosen], np.diff(self.starts)[chosen]
        middle = np.repeat(self.document[starts + sizes // 2], sizes)
        members = self.document[spans(starts, sizes)]
        cuts = range(0, members.size, COMPARED)
        near = [alike(middle[at : at + COMPARED], members[at : at + COMPARED]) for at in cuts]
        similar = np.concatenate([np.zeros(0, np.bool_), *near])
        counts = np.bincount(np.repeat(np.arange(chosen.size), sizes), similar, minlength=chosen.size)
        found[chosen] = counts >= CROWDED * sizes
        return found

    def after(self, chosen: Flags | None = None) -> Ints:
        """How many of the entries after it each entry allows: the larger ones it comes before; none in other groups."""
        number = np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))
        end = np.searchsorted(number << 31 | self.size, number << 31 | self.most, side="right")
        counts = np.maximum(end - np.arange(number.size) - 1, 0)
        return counts if chosen is None else np.where(chosen[number], counts, 0)

    def within(self, counts: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Candidate pairs, in chunks: each entry with so many of the larger ones after it."""
        for piece in pieces(counts):
            x = np.repeat(np.arange(piece.start, piece.stop), counts[piece])
            y = spans(np.arange(piece.start, piece.stop) + 1, counts[piece])
            allowed = self.size[x] <= self.most[y]
            yield self.document[x[allowed]], self.document[y[allowed]]

    def _apart(self, chosen: Flags, join: Union) -> Iterator[tuple[Ints, Ints]]:
        """Candidate pairs of documents of the chosen groups that are not joined now, in chunks."""
        sizes = np.diff(self.starts)
        for group in np.flatnonzero(chosen):
            entries = np.arange(self.starts[group], self.starts[group + 1])
            root = join.roots(self.document[entries])
            order = np.argsort(root, kind="stable")
            run = runs(root[order])
            before = np.repeat(run, np.diff(np.append(run, order.size)))
            for piece in pieces(before):
                x = np.repeat(np.arange(sizes[group])[piece], before[piece])
                y = spans(np.zeros_like(before[piece]), before[piece])
                one, other = entries[order[x]], entries[order[y]]
                allowed = self.allow(one, other)
                yield self.document[one[allowed]], self.document[other[allowed]]


def pieces(counts: npt.NDArray[np.integer[Any]], size: int | None = None) -> Iterator[slice]:
    """Cuts a row of counts where each piece has about `size` of them, or `CHUNK`; pieces with none are left out."""
    size = size or CHUNK
    upto = np.concatenate([[0], np.cumsum(counts)])
    cuts = np.searchsorted(upto, np.arange(size, int(upto[-1]), size))
    for first, end in pairwise([0, *distinct(cuts).tolist(), counts.size]):
        if upto[end] > upto[first]:
            yield slice(first, end)


def _join_alike(x: Ints, y: Ints, join: Union, alike: Alike) -> None:
    for first in range(0, x.size, COMPARED):
        one, other = x[first : first + COMPARED], y[first : first + COMPARED]
        found = alike(one, other)
        for pair in zip(one[found].tolist(), other[found].tolist(), strict=True):
            join.union(*pair)


def _connect_group(documents: Ints, join: Union, alike: Alike, budget: int) -> None:
    """Join within one large group. What is joined leaves the rest: near-copies by the thousand cost one pass."""
    rest, spent = documents, 0
    while rest.size:
        frontier, rest = [int(rest[0])], rest[1:]
        while frontier and rest.size:
            x = frontier.pop()
            same = join.roots(rest) == join.root(x)
            target = np.flatnonzero(~same)
            spent += target.size
            if target.size:
                same[target[alike(np.full(target.size, x), rest[target])]] = True
            for other in rest[same].tolist():
                join.union(x, other)
            frontier.extend(rest[same].tolist())
            rest = rest[~same]
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

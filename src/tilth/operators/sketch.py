"""Bitmaps that bound how many n-grams two documents share, so that few pairs need counting.

Bitmap filter (Sandes, Teodoro, Melo 2020): each n-gram flips one bit. Two bitmaps differ in at most as many bits as there
are n-grams in one document only, so their exclusive or bounds the overlap from above: no similar pair is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.operators.candidates import Flags, Measure
from tilth.operators.grams import Document, Grams, Ints, blocks

BITS = 1024
"""Bits a document: enough to tell apart unrelated texts of about 1,500 distinct n-grams each at similarity 0.7."""
_COUNTED = 4096
"""Pairs whose n-grams are counted at a time."""
_SLICE = 1024
"""Documents whose bits are counted at a time, which takes 8 MB."""


@dataclass(frozen=True)
class Sketch:
    """A bitmap and the number of n-grams in it for each document."""

    counts: Ints
    bits: npt.NDArray[np.uint64]

    @classmethod
    def of_known(cls, grams: Grams) -> Sketch:
        """The sketches of the n-grams that a vocabulary knows; no other can be shared."""
        owner = np.repeat(np.arange(len(grams)), grams.known)
        return cls(grams.known, _bitmaps(owner, grams.ranks * 0x9E3779B1 >> 16, len(grams)))

    def most(self, x: Ints, other: Sketch, y: Ints) -> Ints:
        """The most n-grams that each document of `x` can share with the one of `y` beside it, which is in `other`."""
        differ = np.bitwise_count(self.bits[x] ^ other.bits[y]).sum(axis=1, dtype=np.int64)
        mine, theirs = self.counts[x], other.counts[y]
        return np.asarray(np.minimum((mine + theirs - differ) // 2, np.minimum(mine, theirs)))


class Bounds:
    """Tells how similar two documents can be at most; each document is hashed when it is first asked about."""

    def __init__(self, documents: Sequence[Document], measure: Measure) -> None:
        self._documents, self._measure = documents, measure
        size = len(documents)
        self._sketch = Sketch(np.zeros(size, np.int64), np.zeros((size, BITS // 64), np.uint64))
        self._known = np.zeros(size, dtype=np.bool_)

    def may_be(self, x: Ints, y: Ints) -> Flags:
        """Whether each document of `x` may reach the threshold with the one of `y` beside it."""
        asked = np.zeros_like(self._known)
        asked[x] = asked[y] = True
        self._learn(np.flatnonzero(asked & ~self._known))
        counts = self._sketch.counts
        return self._measure.of(self._sketch.most(x, self._sketch, y), counts[x], counts[y]) > 0

    def _learn(self, members: Ints) -> None:
        done = 0
        for count, owner, gram in blocks([self._documents[at] for at in members.tolist()], self._measure.n):
            part = members[done : done + count]
            self._sketch.counts[part] = np.bincount(owner, minlength=count)
            self._sketch.bits[part] = _bitmaps(owner, (gram >> np.uint64(20)).astype(np.int64), count)
            done += count
        self._known[members] = True


@dataclass(frozen=True)
class Compared:
    """Documents of one vocabulary, ready to be compared with others of it."""

    grams: Grams
    sketch: Sketch

    @classmethod
    def of(cls, grams: Grams) -> Compared:
        """With the sketch of what the vocabulary knows."""
        return cls(grams, Sketch.of_known(grams))

    def may_be(self, measure: Measure, x: Ints, y: Ints) -> Flags:
        """Whether each document of `x` may reach the threshold with the one of `y` beside it; see `Bounds`."""
        return self._may_be(measure, x, self, y)

    def _may_be(self, measure: Measure, x: Ints, other: Compared, y: Ints) -> Flags:
        """By the sizes, then by the sketches of those that are left."""
        mine, theirs = self.grams.sizes[x], other.grams.sizes[y]
        found: Flags = measure.of(np.minimum(mine, theirs), mine, theirs) > 0
        left = np.flatnonzero(found)
        most = self.sketch.most(x[left], other.sketch, y[left])
        found[left] = measure.of(most, mine[left], theirs[left]) > 0
        return found

    def alike(self, measure: Measure, x: Ints, other: Compared, y: Ints) -> Flags:
        """Whether each document of `x` reaches the threshold with the one of `y` beside it, which is in `other`."""
        mine, theirs = self.grams.sizes[x], other.grams.sizes[y]
        found = self._may_be(measure, x, other, y)
        for at in np.array_split(np.flatnonzero(found), found.sum() // _COUNTED + 1):
            overlaps = self.grams.overlaps(x[at], other.grams, y[at])
            found[at] = measure.of(overlaps, mine[at], theirs[at]) > 0
        return found


def _bitmaps(owner: Ints, values: Ints, documents: int) -> npt.NDArray[np.uint64]:
    """Parity of the values that fall on each bit; `owner` ascends."""
    parts = [np.zeros((0, BITS // 8), dtype=np.uint8)]
    for first in range(0, documents, _SLICE):
        size = min(_SLICE, documents - first)
        begin, end = np.searchsorted(owner, (first, first + size))
        place = (owner[begin:end] - first) * BITS + values[begin:end] % BITS
        parity = (np.bincount(place, minlength=size * BITS) & 1).astype(np.uint8)
        parts.append(np.packbits(parity.reshape(size, BITS), axis=1))
    return np.concatenate(parts).view(np.uint64)

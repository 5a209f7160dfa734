"""Bitmaps that bound how many n-grams two documents share, so that few pairs need counting.

Bitmap filter (Sandes, Teodoro, Melo 2020): each n-gram flips one bit. Two bitmaps differ in at most as many bits as there
are n-grams in one document only, so their exclusive or bounds the overlap from above: no similar pair is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tilth.operators.candidates import Flags, Measure, Values
from tilth.operators.grams import Document, Ints, blocks
from tilth.operators.vocabulary import Grams

BITS = 1024
"""Bits a document at most: enough to tell apart unrelated texts of about 1,500 distinct n-grams each at similarity 0.7."""
_SHORT = 4
"""Words of 64 bits of a folded bitmap, which a bitmap has at least."""
_ROOM = 4
"""Bits for each n-gram of a document of usual size. Short bitmaps of many documents fit the cache together."""
_COUNTED = 4096
"""Pairs whose n-grams are counted at a time."""
_SLICE = 1024
"""Documents whose bits are counted at a time, which takes 8 MB."""


@dataclass(frozen=True)
class Sketch:
    """A bitmap and the number of n-grams in it for each document."""

    counts: Ints
    bits: npt.NDArray[np.uint64]
    short: npt.NDArray[np.uint64]
    """The bitmaps folded, so that each n-gram flips one of few bits: the first words of all, then the second, …"""

    @classmethod
    def of_known(cls, grams: Grams, bits: int) -> Sketch:
        """The sketches of the n-grams that a vocabulary knows; no other can be shared."""
        owner = np.repeat(np.arange(len(grams)), grams.known)
        bitmaps = _bitmaps(owner, grams.ranks * 0x9E3779B1 >> 16, len(grams), bits)
        return cls(grams.known, bitmaps, _folded(bitmaps))

    def may_share(self, least: Values, x: Ints, other: Sketch, y: Ints) -> Flags:
        """Whether each document of `x` may share `least` n-grams with the one of `y` beside it, which is in `other`."""
        mine, theirs = self.counts[x], other.counts[y]
        found: Flags = np.minimum(mine, theirs) >= least
        may_differ = mine + theirs - 2 * least
        near = np.flatnonzero(found)
        one, two = x[near], y[near]
        differ = np.zeros(near.size, dtype=np.uint16)
        for my_word, their_word in zip(self.short, other.short, strict=True):
            differ += np.bitwise_count(my_word[one] ^ their_word[two])
        found[near] = differ <= may_differ[near]
        near = np.flatnonzero(found)
        differ = np.bitwise_count(self.bits[x[near]] ^ other.bits[y[near]]).sum(axis=1, dtype=np.int64)
        found[near] = differ <= may_differ[near]
        return found


class Bounds:
    """Tells how similar two documents can be at most; each document is hashed when it is first asked about."""

    def __init__(self, documents: Sequence[Document], measure: Measure) -> None:
        self._documents, self._measure = documents, measure
        size = len(documents)
        bitmaps, short = np.zeros((size, BITS // 64), np.uint64), np.zeros((_SHORT, size), np.uint64)
        self._sketch = Sketch(np.zeros(size, np.int64), bitmaps, short)
        self._known = np.zeros(size, dtype=np.bool_)

    def may_be(self, x: Ints, y: Ints) -> Flags:
        """Whether each document of `x` may reach the threshold with the one of `y` beside it."""
        asked = np.zeros_like(self._known)
        asked[x] = asked[y] = True
        self._learn(np.flatnonzero(asked & ~self._known))
        counts = self._sketch.counts
        return self._sketch.may_share(self._measure.least(counts[x], counts[y]), x, self._sketch, y)

    def _learn(self, members: Ints) -> None:
        done = 0
        for count, owner, gram in blocks([self._documents[at] for at in members.tolist()], self._measure.n):
            part = members[done : done + count]
            self._sketch.counts[part] = np.bincount(owner, minlength=count)
            bitmaps = _bitmaps(owner, (gram >> np.uint64(20)).astype(np.int64), count, BITS)
            self._sketch.bits[part], self._sketch.short[:, part] = bitmaps, _folded(bitmaps)
            done += count
        self._known[members] = True


@dataclass(frozen=True)
class Compared:
    """Documents of one vocabulary, ready to be compared with others of it."""

    grams: Grams
    sketch: Sketch

    @classmethod
    def of(cls, grams: Grams, beside: Compared | None = None) -> Compared:
        """With the sketch of what the vocabulary knows, as long as that of others they are to be compared with."""
        bits = beside.sketch.bits.shape[1] * 64 if beside else _bits_for(grams.known)
        return cls(grams, Sketch.of_known(grams, bits))

    def may_be(self, measure: Measure, x: Ints, y: Ints) -> Flags:
        """Whether each document of `x` may reach the threshold with the one of `y` beside it; see `Bounds`."""
        return self._may_be(measure, x, self, y)

    def _may_be(self, measure: Measure, x: Ints, other: Compared, y: Ints) -> Flags:
        least = measure.least(self.grams.sizes[x], other.grams.sizes[y])
        return self.sketch.may_share(least, x, other.sketch, y)

    def sift(self, measure: Measure, x: Ints, other: Compared, y: Ints) -> Ints:
        """Which pairs of documents of `x` and of `y` in `other` the short bitmaps cannot tell apart."""
        least = measure.least(self.grams.sizes[x], other.grams.sizes[y])
        may_differ = self.grams.known[x] + other.grams.known[y] - 2 * least
        # 256 differing bits of 256 become none: one pair more to look at.
        differ = np.zeros(y.size, dtype=np.uint8)
        for my_word, their_word in zip(self.sketch.short, other.sketch.short, strict=True):
            differ += np.bitwise_count(my_word[x] ^ their_word[y])
        return np.flatnonzero(differ <= may_differ)

    def alike(self, measure: Measure, x: Ints, other: Compared, y: Ints) -> Flags:
        """Whether each document of `x` reaches the threshold with the one of `y` beside it, which is in `other`."""
        mine, theirs = self.grams.sizes[x], other.grams.sizes[y]
        found = self._may_be(measure, x, other, y)
        for at in np.array_split(np.flatnonzero(found), found.sum() // _COUNTED + 1):
            overlaps = self.grams.overlaps(x[at], other.grams, y[at])
            found[at] = measure.of(overlaps, mine[at], theirs[at]) > 0
        return found


def _folded(bitmaps: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    parts = bitmaps.reshape(len(bitmaps), bitmaps.shape[1] // _SHORT, _SHORT)
    return np.ascontiguousarray(np.bitwise_xor.reduce(parts, axis=1).T)


def _bits_for(counts: Ints) -> int:
    """Bits enough for nine of ten documents, a power of two."""
    at = counts.size * 9 // 10
    usual = int(np.partition(counts, at)[at]) if counts.size else 0
    return min(max(_SHORT * 64, 1 << (_ROOM * usual).bit_length()), BITS)


def _bitmaps(owner: Ints, values: Ints, documents: int, bits: int) -> npt.NDArray[np.uint64]:
    """Parity of the values that fall on each bit; `owner` ascends."""
    parts = [np.zeros((0, bits // 8), dtype=np.uint8)]
    for first in range(0, documents, _SLICE):
        size = min(_SLICE, documents - first)
        begin, end = np.searchsorted(owner, (first, first + size))
        place = (owner[begin:end] - first) * bits + values[begin:end] % bits
        parity = (np.bincount(place, minlength=size * bits) & 1).astype(np.uint8)
        parts.append(np.packbits(parity.reshape(size, bits), axis=1))
    return np.concatenate(parts).view(np.uint64)

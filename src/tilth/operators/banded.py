"""Which samples of a set could be alike, by MinHash signatures: of millions, nearly all that are and few others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tilth.operators.candidates import Flags
from tilth.operators.grams import Ints, distinct
from tilth.operators.greedy import Candidates, Kept, Screen, Verify
from tilth.operators.minhash import (
    BANDS,
    BUCKET,
    ROWS,
    Bands,
    Signatures,
    band_entries,
    composed,
    shared_bands,
)

SIGNATURE = 64
"""Bytes of the signature of a part. In bands of four, each in two bands, they find a pair at similarity 0.7 with
probability 0.9992."""
DEVIATIONS = 5
"""A pair whose signatures agree less than the threshold asks by so many standard deviations is not looked at."""
FEW_PAIRS = BANDS
"""Pairs for each sample that the bands of the first part may promise before the second part is signed as well. Who is
alike shares up to all bands, so it is one pair a sample."""
MEASURED = 2
"""Pairs for each of their samples up to which they are measured at once, without a look at signatures of the answers."""


class Banded:
    """The samples of a set by rank, the first choice first."""

    def __init__(
        self,
        first: Signatures,
        labels: Ints,
        threshold: float,
        sign: Callable[[Ints], Signatures] | None = None,
    ) -> None:
        """`first`: the signature of each sample's first part; `sign` gives that of the second part of some samples."""
        self._first, self._labels, self._sign = first, labels, sign
        expected = threshold * SIGNATURE
        self._least = expected - DEVIATIONS * (expected * (1 - threshold)) ** 0.5
        self._usual = expected + (SIGNATURE - expected) / 256
        self._second = np.zeros((0, SIGNATURE), dtype=np.uint8)
        self._known = np.zeros(len(first), dtype=np.bool_)
        self._screened = False
        """Whether candidates are screened by their second part."""

    def candidates(self) -> tuple[Candidates, Screen]:
        """Candidates that share a band, and what tells that two samples are not alike.

        Every part of two near-duplicates is similar, so bands of the first part find them. Where many samples have
        the same first part, the second is signed as well, and of what bands may be made of that which promises the
        fewest pairs is taken.
        """
        columns = np.ascontiguousarray(self._first.T)
        values = composed(columns, (ROWS,))
        signed = [self._first]
        if self._sign is not None and shared_bands(values) > FEW_PAIRS * len(self._first):
            self._learn(np.arange(len(self._first)))
            self._screened = True
            signed.append(self._second)
            values = _fewest(np.concatenate([columns, self._second.T]))

        def screen(x: Ints, y: Ints) -> tuple[Flags, Flags]:
            same = np.min([_same(part, x, y) for part in signed], axis=0)
            alike = np.asarray((same >= self._least) & (self._labels[x] == self._labels[y]))
            return alike, alike & (same >= self._usual)

        return Kept(band_entries(values).groups(), len(self._first), BUCKET), screen

    def sifted(self, verify: Verify) -> Verify:
        """The same without the pairs whose second parts are not alike by their signatures.

        Where many pairs share a first part, a signature of each second part spares comparing its text with many.
        """

        def verified(x: Ints, y: Ints) -> np.ndarray:
            may_be = np.ones(x.size, dtype=np.bool_)
            if self._sign is not None and not self._screened:
                members = distinct(np.concatenate([x, y]))
                if x.size > MEASURED * members.size:
                    self._learn(members)
                    may_be = _same(self._second, x, y) >= self._least
            values = np.zeros(x.size)
            values[may_be] = verify(x[may_be], y[may_be])
            return values

        return verified

    def _learn(self, members: Ints) -> None:
        new = members[~self._known[members]]
        if not self._second.size:
            self._second = np.zeros_like(self._first)
        if self._sign is not None and new.size:
            self._second[new] = self._sign(new)
            self._known[new] = True


def _fewest(columns: Signatures) -> Bands:
    """Of what bands of two parts may be made of, that which promises the fewest pairs."""
    ways: Sequence[tuple[int, int]] = [(ROWS - second, second) for second in range(ROWS)]
    return composed(columns, min(ways, key=lambda rows: shared_bands(composed(columns, rows))))


def _same(signature: Signatures, x: Ints, y: Ints) -> Ints:
    return np.asarray((signature[x] == signature[y]).sum(axis=1))

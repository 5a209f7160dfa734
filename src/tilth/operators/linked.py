"""Which of many questions leak into one another, directly or through others: all pairs, or in big sets nearly all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from tilth.operators.base import Facts, Look, Read, Share
from tilth.operators.candidates import Alike, Flags, Measure, Union
from tilth.operators.grams import Documents, Hashes, Ints, hashed, shared_out
from tilth.operators.lent import Lent
from tilth.operators.minhash import BUCKET, Bands, band_entries, bands
from tilth.operators.screen import screen
from tilth.operators.similarity import CONTAINMENT, JACCARD, jaccard
from tilth.operators.sketch import Compared
from tilth.operators.vocabulary import PASS_CHARACTERS, Encoder, Grams
from tilth.sample import Sample

EXACT_CHARACTERS = 20_000_000
"""Up to so much text in distinct questions every pair that leaks is found; beyond, near-copies by MinHash bands."""


def connected(facts: Facts, distinct: Ints, read: Read) -> Ints:
    """For each of some questions the number of the first of those it is linked to by leaks.

    Args:
        facts: what was observed, with the length of each question in `chars`.
        distinct: rows with questions of which no two are equal, ascending.
        read: fetches a sample.
    """
    join = Union(distinct.size)
    asked = _Asked(facts, distinct, read)
    if asked.characters <= EXACT_CHARACTERS:
        exact = [JACCARD, CONTAINMENT]
    else:
        exact = [CONTAINMENT]
        _by_bands(asked, join)
    *first, last = (encoder.grams() for encoder in asked.encoded(exact))
    # Of two measures the cheaper one waits for another process, while this one begins with the other.
    contained = facts.beside(_contained, Lent(**last.columns()))
    for grams in first:
        _by_grams(grams, JACCARD, join, facts.share)
    everyone = np.arange(distinct.size)
    join.union_equal(everyone, contained())
    return join.roots(everyone)


@dataclass(frozen=True)
class _Shingles:
    """Looks at the n-grams of questions: for each measure how many each of them has, and these."""

    measures: Sequence[Measure]
    share: int = 0
    of: int = 1

    def __call__(self, samples: Sequence[Sample]) -> list[tuple[Ints, Hashes]]:
        documents = [(sample.question,) for sample in samples]
        found = (hashed(documents, measure.n) for measure in self.measures)
        return [shared_out(len(documents), *each, self.share, self.of) for each in found]


def _banded(samples: Sequence[Sample]) -> Bands:
    """The MinHash bands of questions."""
    return bands([sample.question for sample in samples], JACCARD.n)


@dataclass(frozen=True)
class _Asked:
    """The questions, on the disk."""

    facts: Facts
    rows: Ints
    read: Read

    @property
    def characters(self) -> int:
        """Of all of them."""
        return int(self.facts.rows["chars"][self.rows].sum(dtype=np.int64))

    def encoded(self, measures: Sequence[Measure]) -> list[Encoder]:
        """Their n-grams for each measure, which are read in shares where they are too many to be held at once."""
        encoders = [Encoder(least=2) for _ in measures]
        shares = self.characters // PASS_CHARACTERS + 1
        for share in range(shares):
            found: list[list[tuple[Ints, Hashes]]] = [[] for _ in measures]
            for seen in self._look(_Shingles(measures, share, shares)):
                for blocks, block in zip(found, seen, strict=True):
                    blocks.append(block)
            for encoder, blocks in zip(encoders, found, strict=True):
                encoder.add(blocks)
        return encoders

    def bands(self) -> Bands:
        """The MinHash bands of all."""
        return np.concatenate(list(self._look(_banded)))

    def documents(self) -> Documents:
        """Their texts, read when asked for."""
        places = [self.facts.places[at] for at in self.rows.tolist()]
        return Documents(places, self.read, lambda sample: (sample.question,))

    def _look(self, look: Look) -> Iterator[Any]:
        """What is seen of each block of their samples."""
        among = np.zeros(len(self.facts), dtype=np.bool_)
        among[self.rows] = True
        return self.facts.gather(look, self.read, among)


def _by_bands(asked: _Asked, join: Union) -> None:
    """Join near-copies that share a MinHash band."""
    documents = asked.documents()
    groups = band_entries(asked.bands()).groups()
    documents.warm(np.unique(groups.document))
    groups.connect(join, _by_reading(documents), BUCKET)


def _contained(columns: Lent) -> Ints:
    """For each document the first of those that it is linked to by containment; told the columns of `Grams`."""
    grams = Grams(*(columns[name] for name in ("sizes", "starts", "ranks", "known")))
    join = Union(len(grams))
    _by_grams(grams, CONTAINMENT, join, map)
    return join.roots(np.arange(len(grams)))


def _by_grams(grams: Grams, measure: Measure, join: Union, share: Share) -> None:
    """Join all that one measure finds alike."""
    compared = Compared.of(grams)

    def alike(x: Ints, y: Ints) -> Flags:
        return compared.alike(measure, x, compared, y)

    groups = measure.entries(compared.grams).groups()
    groups.connect(join, alike, find=screen(compared, measure, share))


def _by_reading(documents: Documents) -> Alike:
    @lru_cache(maxsize=100_000)
    def near(x: int, y: int) -> bool:
        return jaccard(documents[x][0], documents[y][0], JACCARD.n) >= JACCARD.threshold

    def alike(x: Ints, y: Ints) -> Flags:
        pairs = zip(np.minimum(x, y).tolist(), np.maximum(x, y).tolist(), strict=True)
        return np.fromiter((near(*pair) for pair in pairs), np.bool_, x.size)

    return alike

"""How alike two texts are, and the one leak rule: when does a question give another one away?

All of it looks at the comparison text. N-grams are sets of code points' n-grams; where either text is too short for
one, two texts are alike (1) if their comparison texts are equal and unlike (0) otherwise; where nothing is left to
compare, the original texts decide.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from tilth.operators.candidates import COMPARED, Entries, Measure, pieces
from tilth.operators.grams import BLOCK, Document, Ints, comparison_text, distinct, ordered, portions, spans
from tilth.operators.sketch import Compared
from tilth.operators.vocabulary import Vocabulary

__all__ = [
    "CONTAINMENT",
    "JACCARD",
    "Leak",
    "LeakIndex",
    "comparison_text",
    "containment",
    "find_leaks",
    "jaccard",
    "leak",
    "ngrams",
]

JACCARD = Measure("jaccard", 3, 0.6)
CONTAINMENT = Measure("containment", 8, 0.7)
"""The leak rule has these two measures; either is enough."""

SIFTED = 1 << 17
"""Pairs sifted at a time, so that what is fetched for them stays in the cache."""

INDEXED = 5_000_000
"""Characters indexed at a time: some 600 MB."""

K = TypeVar("K", bound=Hashable)
P = TypeVar("P", bound=Hashable)


def ngrams(text: str, n: int) -> frozenset[str]:
    """The n-grams of the comparison text; a text too short for one stands for itself as a whole."""
    key = comparison_text(text)
    if len(key) < n:
        return frozenset((key or text,))
    return frozenset(key[i : i + n] for i in range(len(key) - n + 1))


def jaccard(a: str, b: str, n: int = 3) -> float:
    """Shared n-grams divided by all n-grams of two texts, 0 to 1."""
    x, y = ngrams(a, n), ngrams(b, n)
    shared = len(x & y)
    return shared / (len(x) + len(y) - shared)


def containment(a: str, b: str, n: int = 8) -> float:
    """The share of the smaller text's n-grams that the larger text has, 0 to 1; the same both ways."""
    x, y = ngrams(a, n), ngrams(b, n)
    return len(x & y) / min(len(x), len(y))


def leak(a: str, b: str) -> float | None:
    """The similarity of two questions if one gives the other away, else `None`.

    They leak where the Jaccard index of their 3-grams is at least 0.6, or where at least 0.7 of the 8-grams of the
    shorter one stand in the longer one. The similarity is the larger of the two measures.
    """
    near, inside = jaccard(a, b, JACCARD.n), containment(a, b, CONTAINMENT.n)
    if near >= JACCARD.threshold or inside >= CONTAINMENT.threshold:
        return max(near, inside)
    return None


class LeakIndex:
    """Texts that may have leaked, held so that any number of others can be checked against them quickly.

    Every pair that reaches a threshold of the leak rule is found; memory grows with the indexed texts only.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = list(texts)
        documents = [(text,) for text in self._texts]
        self._halves = [_Half(measure, documents) for measure in (JACCARD, CONTAINMENT)]

    def candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Pairs (number of the text, number of the indexed text) that leak up to hash collisions, in that order."""
        for first in range(0, len(texts), BLOCK):
            documents = [(text,) for text in texts[first : first + BLOCK]]
            pairs = [pair for half in self._halves for pair in half.pairs(documents)]
            for x, y in sorted(set(pairs)):
                yield first + x, y

    def query(self, texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
        """Pairs that leak, with their similarity."""
        for x, y in self.candidates(texts):
            similarity = leak(texts[x], self._texts[y])
            if similarity is not None:
                yield x, y, similarity


class _Half:
    """One measure's index: its vocabulary is what the indexed texts hold."""

    def __init__(self, measure: Measure, documents: Sequence[Document]) -> None:
        self._measure = measure
        self._vocabulary, grams = Vocabulary.of(documents, measure.n, least=1)
        self._indexed = Compared.of(grams)
        entries = measure.entries(self._indexed.grams)
        order = ordered(entries.key, entries.size)
        self._document, self._size, self._most = (
            entries.document[order],
            entries.size[order],
            entries.most[order],
        )
        self._sorted = entries.key[order] << 31 | self._size
        counts = np.bincount(entries.key, minlength=self._vocabulary.grams.size)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def pairs(self, documents: Sequence[Document]) -> Iterator[tuple[int, int]]:
        asked = Compared.of(self._vocabulary.encode(documents), beside=self._indexed)
        for x, y in self._near(asked, self._measure.entries(asked.grams)):
            for first in range(0, x.size, COMPARED):
                one, other = x[first : first + COMPARED], y[first : first + COMPARED]
                found = asked.alike(self._measure, one, self._indexed, other)
                yield from zip(one[found].tolist(), other[found].tolist(), strict=True)

    def _near(self, asked: Compared, entries: Entries) -> Iterator[tuple[Ints, Ints]]:
        """Pairs of an asked and an indexed document that may be alike, in chunks: one may come again in a later chunk."""
        first, counts = self._allowed(entries)
        for piece in pieces(counts, SIFTED):
            times, at = counts[piece], spans(first[piece], counts[piece])
            allowed = np.flatnonzero(np.repeat(entries.size[piece], times) <= self._most[at])
            x = np.repeat(entries.document[piece], times)[allowed]
            y = self._document[at[allowed]]
            near = asked.sift(self._measure, x, self._indexed, y)
            pairs = distinct((x[near] << 32) | y[near])
            yield pairs >> 32, pairs & 0xFFFFFFFF

    def _allowed(self, entries: Entries) -> tuple[Ints, Ints]:
        """For each asked entry where those indexed under its key begin, and how many of them are small enough."""
        first, end = self._starts[entries.key], self._starts[entries.key + 1]
        end[self._size[np.minimum(first, self._size.size - 1)] > entries.most] = 0
        some = np.flatnonzero(first < end)
        # Few keys have documents too large beside such that are not: only there the end must be looked for.
        some = some[self._size[end[some] - 1] > entries.most[some]]
        wanted = entries.key[some] << 31 | entries.most[some]
        end[some] = np.searchsorted(self._sorted, wanted, side="right")
        return first, np.maximum(end - first, 0)


class Leak(NamedTuple):
    """A question that gives another one away."""

    key: Hashable
    """Which of the questions asked about."""
    place: Hashable
    """Where the one like it stands."""
    similarity: float


def find_leaks(questions: Sequence[tuple[K, str]], against: Sequence[tuple[P, str]]) -> list[Leak]:
    """Every pair of a question and a text of `against` that leaks, by question, then in the order of `against`.

    Blank texts say nothing and are left out. Memory is flat in the number of questions: so many are indexed at a time.
    """
    asked = [(key, text) for key, text in questions if text.strip()]
    others = [(place, text) for place, text in against if text.strip()]
    texts = [text for _, text in others]
    found: list[Leak] = []
    for cut in portions([len(text) for _, text in asked], INDEXED):
        some = asked[cut]
        index = LeakIndex([text for _, text in some])
        pairs = sorted((y, x, similarity) for x, y, similarity in index.query(texts))
        found += [Leak(some[y][0], others[x][0], similarity) for y, x, similarity in pairs]
    return found

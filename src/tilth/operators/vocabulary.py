"""Documents in terms of the n-grams that several of them hold, the rarest first: what an index is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tilth.operators.grams import BITS, Document, Hashes, Ints, hashed_blocks, runs, spans
from tilth.operators.lookup import Lookup

PASS_CHARACTERS = 30_000_000
"""Characters whose n-grams are counted in one pass: about half a gigabyte at the peak."""
COUNTED = 1 << 18
"""N-grams counted at a time, so that what is made of them stays in the processor's cache."""

_LOW = (1 << 40) - 1


@dataclass(frozen=True)
class Grams:
    """The n-grams of each document that the vocabulary knows, as ranks, the rarest first."""

    sizes: Ints
    """How many n-grams each document has, known or not."""
    starts: Ints
    """Where each document's ranks start; one more than there are documents."""
    ranks: Ints
    known: Ints
    """How many n-grams of each document the vocabulary knows."""

    @classmethod
    def of(cls, sizes: Sequence[Ints], pairs: Sequence[Ints]) -> Grams:
        """From the blocks of some documents: the size of each, and document << 40 | rank in ascending order."""
        none = np.zeros(0, dtype=np.int64)
        size = np.concatenate([none, *sizes])
        counts = (np.bincount(p >> 40, minlength=s.size) for s, p in zip(sizes, pairs, strict=True))
        known = np.concatenate([none, *counts])
        ranks = np.concatenate([none, *pairs])
        ranks &= _LOW
        return cls(size, np.concatenate([[0], np.cumsum(known)]), ranks, known)

    def columns(self) -> dict[str, Ints]:
        """The fields by name."""
        return {"sizes": self.sizes, "starts": self.starts, "ranks": self.ranks, "known": self.known}

    def __len__(self) -> int:
        return self.sizes.size

    def taken(self, documents: Ints) -> Grams:
        """These documents, in this order."""
        known = self.known[documents]
        ranks = self.ranks[spans(self.starts[documents], known)]
        return Grams(self.sizes[documents], np.concatenate([[0], np.cumsum(known)]), ranks, known)

    def row(self, index: int) -> Ints:
        """The ranks of one document, ascending."""
        return self.ranks[self.starts[index] : self.starts[index + 1]]

    def overlaps(self, x: Ints, other: Grams, y: Ints) -> Ints:
        """How many n-grams each document of `x` shares with the one of `y` beside it, which is in `other`.

        Both must be in terms of the same vocabulary.
        """
        mine, theirs = self.known[x], other.known[y]
        pair = np.concatenate([np.repeat(np.arange(x.size), mine), np.repeat(np.arange(y.size), theirs)])
        ranks = np.concatenate(
            [self.ranks[spans(self.starts[x], mine)], other.ranks[spans(other.starts[y], theirs)]]
        )
        values = np.sort((pair << 40) | ranks)
        return np.bincount(values[1:][values[1:] == values[:-1]] >> 40, minlength=x.size)


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams that can make two documents similar, with their ranks: the rarest n-gram has rank 0."""

    n: int
    grams: Hashes
    """Ascending."""
    ranks: Ints

    @classmethod
    def of(cls, documents: Sequence[Document], n: int, least: int) -> tuple[Vocabulary, Grams]:
        """The n-grams that occur in at least `least` of the documents, and these in terms of it.

        Each text is hashed once. Where there is much text it is read once for each share, so that memory stays flat.
        """
        encoder, passes = Encoder(least), _characters(documents) // PASS_CHARACTERS + 1
        for share in range(passes):
            encoder.add(list(hashed_blocks(documents, n, share, passes)))
        return cls(n, *encoder.vocabulary()), encoder.grams()

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self.grams, BITS)

    def encode(self, documents: Sequence[Document]) -> Grams:
        """The documents in terms of this vocabulary."""
        found: list[Ints] = []
        sizes: list[Ints] = []
        for size, gram in hashed_blocks(documents, self.n):
            at, hit = self._lookup.find(gram)
            owner = np.repeat(np.arange(size.size), size)[hit]
            found.append(np.sort(owner << 40 | self.ranks[at[hit]]))
            sizes.append(size)
        return Grams.of(sizes, found)


def occurring(parts: Sequence[Hashes], least: int) -> tuple[Hashes, Ints]:
    """The n-grams that come at least so often, ascending, and how often each comes."""
    found = np.concatenate([np.empty(0, np.uint64), *parts])
    found.sort()
    grams, numbers = [found[:0]], [np.zeros(0, dtype=np.int64)]
    start = 0
    while start < found.size:
        # A piece ends with the last of equal ones.
        last = found[min(start + COUNTED, found.size) - 1]
        piece = found[start : np.searchsorted(found, last, side="right")]
        first = runs(piece)
        number = np.diff(np.append(first, piece.size))
        often = number >= least
        grams.append(piece[first[often]])
        numbers.append(number[often])
        start += piece.size
    return np.concatenate(grams), np.concatenate(numbers)


def by_rarity(number: Ints) -> Ints:
    """The rank of each of some n-grams by how often it comes; of equals the first is the rarer."""
    ranks = np.empty(number.size, dtype=np.int64)
    # Number and position in one value: sorting it is many times faster than finding the order of the numbers.
    ranks[np.sort(number << 40 | np.arange(number.size)) & _LOW] = np.arange(number.size)
    return ranks


class Encoder:
    """Puts the n-grams of documents in terms of those that several of them hold, a share of all n-grams at a time.

    Each document is hashed only once where there is one share.
    """

    def __init__(self, least: int) -> None:
        """`least`: how many documents must hold an n-gram."""
        self._least, self._used = least, 0
        self._sizes: list[Ints] = []
        self._pairs: list[list[Ints]] = []
        self._grams: list[Hashes] = []
        self._numbers: list[Ints] = []

    def add(self, blocks: list[tuple[Ints, Hashes]]) -> None:
        """Take a share of the n-grams of all documents: of each block see `hashed_blocks`. The list is emptied."""
        gram, number = occurring([part for _, part in blocks], self._least)
        lookup = Lookup(gram, BITS)
        if not self._sizes:
            self._sizes, self._pairs = [0 * size for size, _ in blocks], [[] for _ in blocks]
        for index in range(len(blocks) - 1, -1, -1):
            size, part = blocks.pop()
            at, hit = lookup.find(part)
            owner = np.repeat(np.arange(size.size), size)[hit]
            self._pairs[index].append(owner << 40 | (at[hit] + self._used))
            self._sizes[index] = self._sizes[index] + size
        self._used += gram.size
        self._grams.append(gram)
        self._numbers.append(number)

    def vocabulary(self) -> tuple[Hashes, Ints]:
        """What was found, ascending, with the rank of each."""
        order = self._order()
        return np.concatenate(self._grams)[order], by_rarity(np.concatenate(self._numbers)[order])

    def grams(self) -> Grams:
        """The documents in terms of what was found, and forget them."""
        none = np.zeros(0, dtype=np.int64)
        order = self._order()
        ranks = np.empty(order.size, dtype=np.int64)
        ranks[order] = by_rarity(np.concatenate(self._numbers)[order])
        found = []
        for parts in self._pairs:
            pairs = np.concatenate([none, *parts])
            found.append(np.sort(pairs & ~_LOW | ranks[pairs & _LOW]))
            parts.clear()
        return Grams.of(self._sizes, found)

    def _order(self) -> Ints:
        """Each share ascends."""
        return np.argsort(np.concatenate(self._grams)) if len(self._grams) > 1 else np.arange(self._used)


def encoded(documents: Sequence[Document], n: int, least: int) -> Grams:
    """The documents in terms of the n-grams that occur in at least `least` of them."""
    return Vocabulary.of(documents, n, least)[1]


def _characters(documents: Sequence[Document]) -> int:
    """How much text there is; by index, because few documents are kept where reading them is dear."""
    total = 0
    for index in range(len(documents)):
        for text in documents[index]:
            total += len(text)
    return total

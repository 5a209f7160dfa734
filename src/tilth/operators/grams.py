"""Sets of hashed character n-grams of many texts at once, cheap to count and to compare.

A document is a tuple of texts: one for a question, two for a question and its answer; n-grams of different parts
never count as equal. N-grams are 50-bit hashes: a false match needs about 10¹⁵ pairs of n-grams, and whatever is
found here is confirmed on the texts themselves before anybody loses a sample.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import pairwise, starmap
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tilth.operators.regex import regex
from tilth.sample import Sample

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Points = npt.NDArray[np.uint32]
Document = tuple[str, ...]
Number = TypeVar("Number", bound=np.generic)

BLOCK = 4096
"""Documents hashed at a time; their number must fit above the n-gram's bits."""
PORTION = 1 << 17
"""Characters hashed at a time, about: what is made of them stays in the processor's cache, where it costs half."""
PASS_CHARACTERS = 30_000_000
"""Characters whose n-grams are counted in one pass: about half a gigabyte at the peak."""
ONCE_CHARACTERS = 5_000_000
"""Characters up to which all n-grams of a set are held at once, at about 40 bytes each."""
CACHE_CHARACTERS = 50_000_000
"""Characters that `Documents` keeps in memory, 100 to 200 MB."""

_BITS = 50
_SPECIAL = 0xFFFFFFFF
_IDEOGRAPHS = (0x3400, 0x4E00)
_PLAIN_BLOCKS = (
    *((1, 0x2FF), (0x2010, 0x205F), (0x3000, 0x3029), (0x3030, 0x3098), (0x309D, 0x30FF)),
    *((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xFF01, 0xFF5E)),
)
_OTHER = regex(r"[\W_]+")


def comparison_text(text: str) -> str:
    """What two texts are compared by: NFKC, casefolded, letters, digits and hanzi only. Never written."""
    return _OTHER.sub("", unicodedata.normalize("NFKC", text).casefold())


def digest(text: str) -> int:
    """64 bits that stand for a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class Documents(Sequence[Document]):
    """The documents at some places, read when asked for and kept while they fit in memory."""

    def __init__(
        self,
        places: Sequence[str],
        read: Callable[[str], Sample],
        pick: Callable[[Sample], Document],
        budget: int = CACHE_CHARACTERS,
    ) -> None:
        self._places, self._read, self._pick, self._budget = places, read, pick, budget
        self._cache: dict[int, Document] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Document:  # type: ignore[override]  # nobody slices
        found = self._cache.get(index)
        if found is None:
            found = self._pick(self._read(self._places[index]))
            if self._budget > 0:
                self._budget -= sum(map(len, found))
                self._cache[index] = found
        return found

    def warm(self, indices: Ints) -> None:
        """Read these, in this order, while they fit in memory."""
        for index in indices.tolist():
            if self._budget <= 0:
                return
            self[index]


def hashed(documents: Sequence[Document], n: int) -> tuple[Ints, Hashes]:
    """The distinct n-grams of at most `BLOCK` documents: (document, n-gram) pairs in that order.

    A text with fewer than `n` characters to compare is one n-gram: itself.
    """
    parts = [
        _hashed(documents[cut], cut.start, n)
        for cut in portions([sum(map(len, document)) for document in documents])
    ]
    pairs = np.concatenate([np.empty(0, np.uint64), *parts])
    return (pairs >> np.uint64(_BITS)).astype(np.int64), pairs & np.uint64((1 << _BITS) - 1)


def _hashed(documents: Sequence[Document], first: int, n: int) -> Hashes:
    texts = [text for document in documents for text in document]
    owner = np.repeat(np.arange(first, first + len(documents)), [len(document) for document in documents])
    part = np.fromiter((k for document in documents for k in range(len(document))), np.uint64, len(texts))
    source, counts, values = _counted_windows(texts, n)
    if part.any():
        values = values + np.repeat(part[source] * np.uint64(0x9E3779B97F4A7C15), counts)
    values = mix(values)
    values >>= np.uint64(64 - _BITS)
    values |= np.repeat(owner[source].astype(np.uint64) << np.uint64(_BITS), counts)
    return distinct(values)


def portions(sizes: Sequence[int] | Ints, most: int | None = None) -> Iterator[slice]:
    """Cuts a row of things of these sizes where a piece has about `most` in all; without it, `PORTION` characters."""
    most = most or PORTION
    upto = np.cumsum(sizes)
    whole = int(upto[-1]) if upto.size else 0
    cuts = distinct(np.searchsorted(upto, np.arange(most, whole, most)))
    return starmap(slice, pairwise([0, *cuts[cuts > 0].tolist(), len(sizes)]))


def flat(texts: Sequence[str], n: int) -> tuple[Hashes, Hashes]:
    """Hashes of all n-grams of each text, one text after the other, and where each text's hashes start.

    The starts have one entry more than there are texts. An n-gram may come twice.
    """
    source, counts, values = _counted_windows(texts, n)
    if (source[1:] < source[:-1]).any():
        order = np.argsort(source)
        values = values[spans((np.cumsum(counts) - counts)[order], counts[order])]
        counts = counts[order]
    return mix(values), np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)


def windows(texts: Sequence[str], n: int) -> tuple[Ints, Hashes]:
    """The text and the value of each window of `n` code points of the texts' comparison texts.

    A text with fewer than `n` has one window: itself. Values are to be mixed before they are used as hashes.
    """
    source, counts, values = _counted_windows(texts, n)
    return np.repeat(source, counts), values


def _counted_windows(texts: Sequence[str], n: int) -> tuple[Ints, Ints, Hashes]:
    """The texts in some order, how many windows each has, and the values of all windows in that order."""
    points, lengths, source = _comparison_points(texts)
    values = points[: max(points.size - n + 1, 0)].astype(np.uint64)
    for offset in range(1, n):
        values *= np.uint64(0xD6E8FEB86659FD93)
        values += points[offset : offset + values.size]
    # A window that begins among the last n - 1 points of a text reaches into the next.
    inside = np.ones(points.size, dtype=np.bool_)
    ends = np.cumsum(lengths)
    for back in range(1, n):
        inside[ends[lengths >= back] - back] = False
    values = values[inside[: values.size]]
    long = lengths >= n
    if long.all():
        return source, lengths - n + 1, values
    short = source[~long]
    own = [digest(comparison_text(texts[at]) or texts[at]) for at in short.tolist()]
    counts = np.concatenate([lengths[long] - n + 1, np.ones(short.size, dtype=np.int64)])
    found = np.concatenate([values, np.array(own, dtype=np.uint64)])
    return np.concatenate([source[long], short]), counts, found


def _comparison_points(texts: Sequence[str]) -> tuple[Points, Ints, Ints]:
    """The code points of the comparison texts, how many each has, and which text each is.

    Nearly all texts are made of characters that are folded one by one, by a table; the others come last.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    folded = np.take(_fold(), _code_points("".join(texts)), mode="clip")
    order = np.arange(len(texts))
    rest: list[str] = []
    if folded.size and folded.max() == _SPECIAL:
        special = np.flatnonzero(folded == _SPECIAL)
        odd = np.zeros(len(texts), dtype=np.bool_)
        odd[np.searchsorted(np.cumsum(lengths), special, side="right")] = True
        folded = folded[np.repeat(~odd, lengths)]
        rest = [comparison_text(texts[at]) for at in np.flatnonzero(odd).tolist()]
        order = np.concatenate([order[~odd], order[odd]])
        lengths = lengths[~odd]
    kept = folded != 0
    left_out = np.concatenate([[0], np.searchsorted(np.flatnonzero(~kept), np.cumsum(lengths))])
    counts = lengths - np.diff(left_out)
    more = np.fromiter(map(len, rest), np.int64, len(rest))
    points = np.concatenate([folded[kept], _code_points("".join(rest))])
    return points, np.concatenate([counts, more]), order


def comparison_digests(texts: Sequence[str]) -> list[int]:
    """64 bits for each text, equal where the comparison texts are, or the texts where nothing is left to compare."""
    points, lengths, order = _comparison_points(texts)
    ends = (np.cumsum(lengths) * points.itemsize).tolist()
    data, found, start = points.tobytes(), [0] * len(texts), 0
    for at, end in zip(order.tolist(), ends, strict=True):
        key = data[start:end]
        found[at] = int.from_bytes(blake2b(key, digest_size=8).digest(), "big") if key else digest(texts[at])
        start = end
    return found


def _code_points(text: str) -> Points:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


@cache
def _fold() -> Points:
    """What each character becomes in a comparison text: a code point, 0 for nothing, `_SPECIAL` where it depends.

    Characters of these blocks neither combine with a neighbour nor change under one.
    """
    table = np.full(0x10000, _SPECIAL, dtype="<u4")
    for first, last in _PLAIN_BLOCKS:
        codes = range(first, last + 1)
        if first in _IDEOGRAPHS and "".join(map(chr, codes)).isalnum():
            # Unified ideographs, nine in ten of all, stand for themselves.
            table[first : last + 1] = codes
            continue
        for code in codes:
            folded = comparison_text(chr(code))
            if len(folded) < 2:
                table[code] = ord(folded) if folded else 0
    return table


def distinct(values: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The values sorted, each once. For millions of integers several times faster than `np.unique`, which hashes."""
    values = np.sort(values)
    return values[runs(values)]


def firsts(values: npt.NDArray[np.generic]) -> Ints:
    """Where each of the values comes first, in the order of the values."""
    order = np.argsort(values, kind="stable")
    return order[runs(values[order])]


def runs(values: npt.NDArray[Number]) -> Ints:
    """Where each run of equal values starts."""
    return np.flatnonzero(np.concatenate([np.ones(min(1, values.size), np.bool_), values[1:] != values[:-1]]))


def mix(values: Hashes) -> Hashes:
    """The finalizer of splitmix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit."""
    values = values ^ (values >> np.uint64(30))
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def blocks(documents: Sequence[Document], n: int) -> Iterator[tuple[int, Ints, Hashes]]:
    """`hashed` for any number of documents: (number of documents, document within the block, n-gram)."""
    for first in range(0, len(documents), BLOCK):
        block = [documents[index] for index in range(first, min(first + BLOCK, len(documents)))]
        yield (len(block), *hashed(block, n))


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

    def __len__(self) -> int:
        return self.sizes.size

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


def spans(starts: Ints, counts: Ints) -> Ints:
    """The indices start, start + 1, … for each start, `counts` of them, one after the other."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(ends[-1] if ends.size else 0)


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams that can make two documents similar, with their ranks: the rarest n-gram has rank 0."""

    n: int
    grams: Hashes
    """Ascending."""
    ranks: Ints

    @classmethod
    def of(cls, documents: Sequence[Document], n: int, least: int) -> Vocabulary:
        """The n-grams that occur in at least `least` of the documents.

        Memory stays flat: where there is much text it is read again, a share of the n-grams each time.
        """
        characters = sum(len(text) for document in documents for text in document)
        passes = np.uint64(characters // PASS_CHARACTERS + 1)
        grams, counts = [], []
        for share in range(int(passes)):
            parts = [g[g % passes == share] for _, _, g in blocks(documents, n)]
            found = np.sort(np.concatenate([np.empty(0, np.uint64), *parts]))
            first = runs(found)
            number = np.diff(np.append(first, found.size))
            grams.append(found[first[number >= least]])
            counts.append(number[number >= least])
        merged, number = np.concatenate(grams), np.concatenate(counts)
        ranks = np.empty(merged.size, dtype=np.int64)
        ranks[np.lexsort((merged, number))] = np.arange(merged.size)
        order = np.argsort(merged)
        return cls(n, merged[order], ranks[order])

    def encode(self, documents: Sequence[Document]) -> Grams:
        """The documents in terms of this vocabulary."""
        sizes, known, ranks = [], [], []
        for count, owner, gram in blocks(documents, self.n):
            sizes.append(np.bincount(owner, minlength=count))
            at = np.minimum(np.searchsorted(self.grams, gram), max(self.grams.size - 1, 0))
            hit = self.grams[at] == gram if self.grams.size else np.zeros(gram.size, dtype=np.bool_)
            pairs = np.sort((owner[hit] << 40) | self.ranks[at[hit]]) if hit.any() else owner[:0]
            known.append(np.bincount(pairs >> 40, minlength=count))
            ranks.append(pairs & ((1 << 40) - 1))
        none = np.zeros(0, dtype=np.int64)
        counts = np.concatenate([none, *known])
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Grams(np.concatenate([none, *sizes]), starts, np.concatenate([none, *ranks]), counts)


def encoded(documents: Sequence[Document], n: int, least: int) -> Grams:
    """The documents in terms of the n-grams that occur in at least `least` of them; the same as by a `Vocabulary`.

    Each text is hashed once. Where there is much text it is read twice instead, so that memory stays flat.
    """
    characters = 0
    for index in range(len(documents)):
        characters += sum(map(len, documents[index]))
    if characters > ONCE_CHARACTERS:
        return Vocabulary.of(documents, n, least).encode(documents)
    found = [(np.bincount(owner, minlength=count), gram) for count, owner, gram in blocks(documents, n)]
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *(size for size, _ in found)])
    gram = np.concatenate([np.zeros(0, dtype=np.uint64), *(part for _, part in found)])
    order = np.argsort(gram)
    first = runs(gram[order])
    number = np.diff(np.append(first, gram.size))
    shared = np.flatnonzero(number >= least)
    rank = np.full(first.size, -1)
    rank[shared[np.argsort(number[shared], kind="stable")]] = np.arange(shared.size)
    ranks = np.empty(gram.size, dtype=np.int64)
    ranks[order] = np.repeat(rank, number)
    owner = np.repeat(np.arange(len(documents)), sizes)
    hit = ranks >= 0
    pairs = np.sort((owner[hit] << 40) | ranks[hit])
    known = np.bincount(pairs >> 40, minlength=len(documents)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(known)]).astype(np.int64)
    return Grams(sizes, starts, pairs & ((1 << 40) - 1), known)

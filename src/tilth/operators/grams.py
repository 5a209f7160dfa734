"""Sets of hashed character n-grams of many texts at once, cheap to count and to compare.

A document is a tuple of texts: one for a question, two for a question and its answer; n-grams of different parts
never count as equal. N-grams are 50-bit hashes: a false match needs about 10¹⁵ pairs of n-grams, and whatever is
found here is confirmed on the texts themselves before anybody loses a sample.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import blake2b
from itertools import chain, pairwise, starmap
from typing import Any, TypeVar

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
CACHE_CHARACTERS = 50_000_000
"""Characters that `Documents` keeps in memory, 100 to 200 MB."""

BITS = 50
"""Bits of a hashed n-gram."""
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
    if set(map(len, documents)) == {1}:
        sizes = [len(text) for (text,) in documents]
    else:
        sizes = [sum(map(len, document)) for document in documents]
    parts = [_hashed(documents[cut], cut.start, n) for cut in portions(sizes)]
    pairs = np.concatenate([np.empty(0, np.uint64), *parts])
    return (pairs >> np.uint64(BITS)).astype(np.int64), pairs & np.uint64((1 << BITS) - 1)


def _hashed(documents: Sequence[Document], first: int, n: int) -> Hashes:
    texts = list(chain.from_iterable(documents))
    owner = np.arange(first, first + len(documents))
    source, counts, values = _counted_windows(texts, n)
    if len(texts) != len(documents) or set(map(len, documents)) != {1}:
        owner = np.repeat(owner, list(map(len, documents)))
        part = np.fromiter(
            chain.from_iterable(range(len(document)) for document in documents), np.uint64, len(texts)
        )
        values = values + np.repeat(part[source] * np.uint64(0x9E3779B97F4A7C15), counts)
    values = mix(values)
    values >>= np.uint64(64 - BITS)
    values |= np.repeat(owner[source].astype(np.uint64) << np.uint64(BITS), counts)
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


def ordered(values: Ints, then: npt.NDArray[np.integer[Any]]) -> Ints:
    """The order that sorts by some values and among equals by others, none of them negative; it is stable.

    Values and position in one number, where they fit, are sorted ten times as fast as their order is found.
    """
    room = [int(part.max(initial=0)).bit_length() for part in (values, then)]
    bits = int(values.size).bit_length()
    if sum(room) + bits > 63:
        return np.lexsort((then, values))
    packed = values << (room[1] + bits)
    packed |= then.astype(np.int64) << bits
    packed |= np.arange(values.size)
    packed.sort()
    packed &= (1 << bits) - 1
    return packed


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


def hashed_blocks(
    documents: Sequence[Document], n: int, share: int = 0, of: int = 1
) -> Iterator[tuple[Ints, Hashes]]:
    """How many distinct n-grams each document of a block has, and these, one document after the other.

    Args:
        documents: any number of them.
        n: characters of an n-gram.
        share: which share of all n-grams is wanted.
        of: how many shares there are.
    """
    for count, owner, gram in blocks(documents, n):
        yield shared_out(count, owner, gram, share, of)


def shared_out(count: int, owner: Ints, gram: Hashes, share: int, of: int) -> tuple[Ints, Hashes]:
    """One share of the n-grams of so many documents: how many each has, and these."""
    if of > 1:
        wanted = gram % np.uint64(of) == share
        owner, gram = owner[wanted], gram[wanted]
    return np.bincount(owner, minlength=count), gram


def spans(starts: Ints, counts: Ints) -> Ints:
    """The indices start, start + 1, … for each start, `counts` of them, one after the other."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(ends[-1] if ends.size else 0)

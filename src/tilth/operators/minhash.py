"""MinHash signatures in bands: fixed-width facts that find similar documents among millions (Broder 1997)."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from tilth.operators.candidates import Entries
from tilth.operators.grams import flat, portions, runs, spans

BANDS, ROWS = 32, 4
"""A pair with Jaccard index 0.7 shares a band with probability 0.9998, one with 0.6 with 0.988."""
BUCKET = 64
"""Kept documents remembered for one band value, so that a bucket of thousands costs no more than one of 64."""
MINHASH_VERSION: int = getattr(RMinHash, "ALGORITHM_VERSION", 0)
"""Signatures of different versions cannot be compared: it is part of the version of every operator that uses them."""

_SEED = 1

Bands = npt.NDArray[np.uint32]
Signatures = npt.NDArray[np.uint8]


def signatures(texts: Sequence[str], n: int, size: int) -> Signatures:
    """The lowest byte of each minimum of the texts' n-gram sets, shape (texts, size).

    Two texts agree in a byte with the probability of their Jaccard index, or by chance in one of 256 others (b-bit
    minwise hashing: Li and König 2010).
    """
    parts = [_minima(texts[cut], n, size) for cut in portions(list(map(len, texts)))]
    return np.concatenate([np.empty((0, size), dtype=np.uint8), *(part.astype(np.uint8) for part in parts)])


def bands(texts: Sequence[str], n: int) -> Bands:
    """Band values of the texts' n-gram sets, shape (texts, BANDS); equal ones make a candidate pair."""
    parts = [_bands(texts[cut], n) for cut in portions(list(map(len, texts)))]
    return np.concatenate([np.empty((0, BANDS), dtype=np.uint32), *parts])


def _minima(texts: Sequence[str], n: int, size: int) -> npt.NDArray[np.uint32]:
    gram, starts = flat(texts, n)
    rows = RMinHash.digest_matrix_from_flat_token_hashes(gram, starts, size, _SEED).to_rows()
    # Twice as fast as an array of the numbers.
    pack = Struct(f"={size}I").pack
    return np.frombuffer(b"".join([pack(*row) for row in rows]), np.uint32).reshape(len(texts), size)


def _bands(texts: Sequence[str], n: int) -> Bands:
    rows = _minima(texts, n, BANDS * ROWS).astype(np.uint64).reshape(len(texts), BANDS, ROWS)
    value = np.zeros((len(texts), BANDS), dtype=np.uint64)
    for column in range(ROWS):
        value = (value ^ rows[:, :, column]) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    return (value >> np.uint64(32)).astype(np.uint32)


def composed(columns: Signatures, rows: Sequence[int]) -> Bands:
    """Bands put together from the parts of signatures: of each of the `len(rows)` equal parts so many rows a band.

    `columns` has the first bytes of all signatures, then the second, …

    A part has fewer rows than all bands ask for, so each row serves in several bands, in another company each time.
    """
    size = len(columns) // len(rows)
    value = np.zeros((BANDS, columns.shape[1]), dtype=np.uint32)
    rng = np.random.default_rng(_SEED)
    for part, count in enumerate(rows):
        order = np.concatenate([rng.permutation(size) for _ in range(BANDS * count // size + 1)])
        for at, column in enumerate(order[: count * BANDS].tolist()):
            band = value[at % BANDS]
            band <<= np.uint32(8)
            band |= columns[part * size + column]
    return value.T


def shared_bands(values: Bands) -> int:
    """How many pairs share a band value, each counted as often as it shares one."""
    found = 0
    for band in range(BANDS):
        ends = np.append(runs(np.sort(values[:, band])), len(values))
        counts = np.diff(ends)
        found += int((counts * (counts - 1)).sum()) // 2
    return found


def band_entries(values: Bands) -> Entries:
    """The inverted index of band values; a value that occurs once makes no pair and is left out."""
    keys, documents, used = [], [], 0
    everyone = np.arange(len(values), dtype=np.uint64)
    for band in range(BANDS):
        # Value and document in one number: sorting it is several times faster than finding the order of the values.
        pairs = np.sort(values[:, band].astype(np.uint64) << np.uint64(32) | everyone)
        first = runs(pairs >> np.uint64(32))
        sizes = np.diff(np.append(first, pairs.size))
        shared = sizes >= 2
        members = pairs[spans(first[shared], sizes[shared])] & np.uint64(0xFFFFFFFF)
        documents.append(members.astype(np.int64))
        keys.append(np.repeat(np.arange(used, used + np.count_nonzero(shared)), sizes[shared]))
        used += int(np.count_nonzero(shared))
    return Entries.of_any_size(np.concatenate(keys), np.concatenate(documents))

"""MinHash signatures in bands: fixed-width facts that find similar documents among millions (Broder 1997)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rensa import RMinHash

from tilth.operators.candidates import Entries
from tilth.operators.grams import BLOCK, Document, hashed

BANDS, ROWS = 32, 4
"""A pair with Jaccard index 0.7 shares a band with probability 0.9998, one with 0.6 with 0.988."""
BUCKET = 64
"""Kept documents remembered for one band value, so that a bucket of thousands costs no more than one of 64."""
MINHASH_VERSION: int = getattr(RMinHash, "ALGORITHM_VERSION", 0)
"""Signatures of different versions cannot be compared: it is part of the version of every operator that uses them."""

_SEED = 1

Bands = npt.NDArray[np.uint32]


def bands(documents: Sequence[Document], n: int) -> Bands:
    """Band values of the documents' n-gram sets, shape (documents, BANDS); equal ones make a candidate pair."""
    parts = [_bands(documents[first : first + BLOCK], n) for first in range(0, len(documents), BLOCK)]
    return np.concatenate([np.empty((0, BANDS), dtype=np.uint32), *parts])


def _bands(documents: Sequence[Document], n: int) -> Bands:
    owner, gram = hashed(documents, n)
    offsets = np.searchsorted(owner, np.arange(len(documents) + 1)).astype(np.uint64)
    digests = RMinHash.digest_matrix_from_flat_token_hashes(gram, offsets, BANDS * ROWS, _SEED)
    rows = np.array(digests.to_rows(), dtype=np.uint64).reshape(len(documents), BANDS, ROWS)
    value = np.zeros((len(documents), BANDS), dtype=np.uint64)
    for column in range(ROWS):
        value = (value ^ rows[:, :, column]) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    return (value >> np.uint64(32)).astype(np.uint32)


def band_entries(values: Bands) -> Entries:
    """The inverted index of band values; a value that occurs once makes no pair and is left out."""
    keys, documents = [], []
    for band in range(BANDS):
        _, inverse, counts = np.unique(values[:, band], return_inverse=True, return_counts=True)
        shared = np.flatnonzero(counts[inverse] >= 2)
        keys.append(inverse[shared] + band * len(values))
        documents.append(shared)
    key = np.concatenate(keys).astype(np.int64)
    return Entries(key, np.concatenate(documents), np.ones(key.size, dtype=np.bool_))

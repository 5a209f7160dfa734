"""Cheap features of a text: its units (hanzi and words), their pairs, and a hashed vector of both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from tilth.operators.grams import mix
from tilth.operators.regex import regex

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff"
HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"

_UNIT = regex(rf"[{HAN}{KANA}]|[^\W_{HAN}{KANA}]+")

_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))

DIMENSIONS = 256
"""Length of a hashed vector: 256 signed bytes keep a million samples within 256 MB."""


def units(text: str) -> list[str]:
    """What a text is made of: each hanzi or kana by itself, every other run of letters or digits as one word."""
    return _UNIT.findall(text)


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """2 for a hanzi or kana, 1 for what words are made of, 0 for the rest; 3 stands for all beyond the table."""
    kinds = np.fromiter(map(str.isalnum, map(chr, range(0x10000))), np.uint8, 0x10000)
    for pattern in (HAN, KANA):
        for run in re.finditer("(.)(?:-(.))?", pattern):
            kinds[ord(run[1]) : ord(run[2] or run[1]) + 1] = 2
    kinds[-1] = 3
    return kinds


def repeats_units(texts: Sequence[str], n: int) -> list[bool]:
    """Whether `n` units in a row come twice in each text, as `units` counts them; never false where they do.

    Units are hashed as differences of one running polynomial hash (Karp and Rabin 1987), whose powers have inverses.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    joined = "\0".join([*texts, ""]).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(joined, dtype="<u4")
    kinds = _kinds()[np.minimum(points, 0xFFFF)]
    owner = np.repeat(np.arange(len(texts)), lengths)
    single, word = kinds == 2, kinds == 1
    before = np.concatenate([[False], word[:-1]])
    first = np.flatnonzero(single | (word & ~before))
    last = np.flatnonzero(single | (word & ~np.concatenate([word[1:], [False]])))
    powers, inverse = _powers(_BASE, points.size), _powers(_INVERSE, points.size)
    running = np.concatenate([[np.uint64(0)], np.cumsum(powers * (points + np.uint64(1)), dtype=np.uint64)])
    values = mix((running[last + 1] - running[first]) * inverse[first])
    held = owner[first]
    width = 1
    while width < n:
        step = min(width, n - width)
        values = values[: values.size - step] * np.uint64(pow(int(_BASE), step, 1 << 64)) + values[step:]
        width += step
    whole = held[: values.size] == held[held.size - values.size :]
    keys = np.sort(
        (held[: values.size][whole].astype(np.uint64) << np.uint64(44)) | (values[whole] >> np.uint64(20))
    )
    found = np.zeros(len(texts), dtype=np.bool_)
    found[(keys[1:][keys[1:] == keys[:-1]] >> np.uint64(44)).astype(np.int64)] = True
    found[owner[kinds == 3]] = True
    answer: list[bool] = found.tolist()
    return answer


@lru_cache(maxsize=4)
def _powers_upto(base: int, size: int) -> npt.NDArray[np.uint64]:
    return np.cumprod(np.full(size, base, dtype=np.uint64)[:size])


def _powers(base: np.uint64, size: int) -> npt.NDArray[np.uint64]:
    rounded = 1 << max(size - 1, 1).bit_length()
    return _powers_upto(int(base), rounded)[:size]


def grams(text: str) -> Counter[str]:
    """How often each unit and each pair of neighbouring units occurs, in lower case."""
    parts = units(text.lower())
    counts = Counter(parts)
    counts.update(f"{left} {right}" for left, right in pairwise(parts))
    return counts


def vector(text: str) -> np.ndarray:
    """The grams of a text hashed into 256 signed bytes; the longest entry of a text without letters is 0.

    Signed feature hashing (Weinberger et al. 2009, arXiv 0902.2206), scaled so that the largest entry is 127.
    """
    sums = np.zeros(DIMENSIONS, np.float32)
    for gram, count in grams(text).items():
        digest = crc32(gram.encode("utf-8", "surrogatepass"))
        sums[digest % DIMENSIONS] += count if digest & 0x8000_0000 else -count
    largest = float(np.abs(sums).max())
    if largest:
        sums *= 127 / largest
    return np.rint(sums).astype(np.int8)

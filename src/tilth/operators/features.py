"""Cheap features of a text: its units (hanzi and words), their pairs, and a hashed vector of both."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from zlib import crc32

import numpy as np

from tilth.operators.regex import regex

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fd-\u30ff"
HANGUL = "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"

_UNIT = regex(rf"[{HAN}{KANA}]|[^\W_{HAN}{KANA}]+")

DIMENSIONS = 256
"""Length of a hashed vector: 256 signed bytes keep a million samples within 256 MB."""


def units(text: str) -> list[str]:
    """What a text is made of: each hanzi or kana by itself, every other run of letters or digits as one word."""
    return _UNIT.findall(text)


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

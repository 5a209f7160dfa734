"""Finds among many texts those that may say again what they said before, without taking any of them apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from tilth.operators.features import HAN, KANA, units
from tilth.operators.texts import BEYOND, Classes, Flags, Ints, Texts, places, table

Hashes = npt.NDArray[np.uint32]

NGRAM = 8
"""Units in a row that must come again to count."""
LINES = 4
"""Lines of code in a row that must come again to count: a bracket, a call or a pattern of names comes again in any code."""

_WORD, _SINGLE = 1, 2
SIGN, SLASH, TILDE, DOT, W = 4, 8, 16, 32, 64
_FIRST, _LAST, _SIZE, _NEXT = map(np.uint32, (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F))
_SHARE = 0.0001
"""What rounding may add to a share."""


@cache
def _kinds() -> Classes:
    """What words are made of, hanzi and kana that are units by themselves, and the signs of what is no prose."""
    made = table({SIGN: "`$\\\\", SLASH: "/", TILDE: "~", DOT: ".", W: "wW"})
    made |= np.fromiter(map(str.isalnum, map(chr, range(BEYOND + 1))), np.uint8, BEYOND + 1)
    for run in re.finditer("(.)(?:-(.))?", HAN + KANA):
        if ord(run[1]) < BEYOND:
            singles = made[ord(run[1]) : ord(run[2] or run[1]) + 1]
            singles &= ~np.uint8(_WORD)
            singles |= np.uint8(_SINGLE)
    return made


@lru_cache(maxsize=4096)
def _kind(code: int) -> int:
    """The same for a character beyond the table."""
    found = units(chr(code))
    return 0 if not found else _SINGLE if len(units(chr(code) * 2)) == 2 else _WORD


def kinds_of(texts: Texts) -> Classes:
    """What each character is to a unit, and `SIGN`, `SLASH`, `TILDE`, `DOT` and `W` for the signs of what is no prose."""
    kinds = texts.classes(_kinds())
    beyond = places(texts.points == BEYOND)
    if beyond.size:
        kinds[beyond] = [_kind(code) for code in texts.codes[beyond].tolist()]
    return kinds


def repeating(texts: Texts, kinds: Classes, share: float) -> Flags:
    """Whether more than a share of each text may lie in n-grams of units seen earlier in it; never false where it does.

    A unit is known by its first character, its last and its length, so that what is alike may be taken for the same.
    An n-gram is a sum of its units times the powers of a number (Karp and Rabin 1987).
    """
    single, word = kinds & _SINGLE, kinds & _WORD
    # A NUL stands at both ends, so that every word has something before and behind it.
    first = places(single[1:-1] | (word[1:-1] & ~word[:-2])) + 1
    last = places(single[1:-1] | (word[1:-1] & ~word[2:])) + 1
    sizes = last - first + 1
    values = (
        texts.codes.take(first) * _FIRST + texts.codes.take(last) * _LAST + sizes.astype(np.uint32) * _SIZE
    )
    counts = np.diff(np.searchsorted(first, texts.starts), append=first.size)
    held = np.repeat(np.arange(len(texts.contents), dtype=np.uint32), counts)
    shorter = _grams(values, LINES)
    suspects = np.zeros(len(texts.contents), dtype=np.bool_)
    suspects[_saying_twice(held, _grams(shorter, NGRAM // LINES, LINES))] = True
    if suspects.any():
        suspects &= _shares(held, shorter, sizes, suspects) + _SHARE > share
    return suspects


def _grams(values: Hashes, n: int, step: int = 1) -> Hashes:
    """A number for each `n` values that stand `step` apart; `n` is a power of two."""
    while n > 1:
        values = values[:-step] * np.uint32(pow(int(_NEXT), step, 1 << 32)) + values[step:]
        n, step = n // 2, step * 2
    return values


def _saying_twice(held: Hashes, values: Hashes) -> Hashes:
    """The texts in which a value comes twice, and a few others."""
    # The text stands before what is left of the value, so that one order of short numbers says both.
    bits = 32 - int(held[-1]).bit_length() if held.size else 0
    keys = np.sort(held[: values.size] << bits | values >> (32 - bits))
    twice: Hashes = keys[1:][keys[1:] == keys[:-1]] >> bits
    return twice


def _shares(held: Hashes, values: Hashes, sizes: Ints, suspects: Flags) -> npt.NDArray[np.float64]:
    """The share of each suspect's characters in windows of `LINES` units that came before.

    No text says more again: a longer n-gram is made of such windows, and so are that many lines, which hold a unit each.
    """
    chosen = np.flatnonzero(suspects.take(held))
    held, sizes = held[chosen], sizes[chosen]
    at = np.flatnonzero(chosen < values.size)
    keys = held[at].astype(np.uint64) << np.uint64(32) | values[chosen[at]]
    order = np.argsort(keys, kind="stable")
    repeated = at[order[1:][keys[order[1:]] == keys[order[:-1]]]]
    edges = np.bincount(repeated, minlength=held.size + LINES)
    edges[LINES:] -= np.bincount(repeated, minlength=held.size)[: held.size]
    covered = np.cumsum(edges)[: held.size] > 0
    said = np.bincount(held, weights=sizes, minlength=suspects.size)
    return np.bincount(held, weights=sizes * covered, minlength=suspects.size) / np.maximum(said, 1)


def repeats(texts: Sequence[str], share: float) -> list[bool]:
    """`repeating` of some texts by themselves."""
    rows = Texts(texts, np.arange(len(texts)), len(texts))
    found: list[bool] = repeating(rows, kinds_of(rows), share).tolist()
    return found

"""How much of what a search finds is chance: the same search with decoys, and the level at which enough is right.

The idea is that of target and decoy search in proteomics (Elias and Gygi, 2007): a decoy has the same chance to be
found by accident and none to be found with reason.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from functools import lru_cache

from tilth.operators.words_zh import by_count, lookalikes

DECOYS = 3
"""How many sets of decoys are tried."""
FLOOR, _CEILING = -5.0, 12.0
"""Nats from the usual threshold, between which the level of a set is looked for."""
_STEP = 0.5
_WEIGHT = 5.0
"""How many findings the expectation counts for."""
_EXPECTED = ((4.0, 0.03), (0.0, 0.15), (FLOOR, 0.5))
"""The share of chance that is expected from a level upward before the set has spoken."""
_APART = 17
"""Places between a hanzi and the one whose lookalikes are its decoys, by how often they are used."""


def decoys(n: int) -> Callable[[str], Mapping[str, float]]:
    """The n-th decoys of a hanzi: the lookalikes of another that is used about as often."""

    @lru_cache(maxsize=8192)
    def of(hanzi: str) -> Mapping[str, float]:
        order, rank = by_count()
        other = order[(rank[hanzi] + _APART * (n + 1)) % len(order)]
        real = lookalikes(hanzi)
        return {each: cost for each, cost in lookalikes(other).items() if each not in real and each != hanzi}

    return of


class Tally:
    """The levels of what was found, by length of the word, with reason or by decoys."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._found: dict[bool, dict[int, list[float]]] = {
            decoy: {size: [] for size in sizes} for decoy in (False, True)
        }

    def add(self, size: int, level: float, *, decoy: bool) -> None:
        """Count one finding."""
        self._found[decoy][size].append(level)

    def level(self, size: int, precision: float) -> float:
        """The lowest level from which on an estimated share of `precision` is right; infinite where there is none."""
        real, chance = (sorted(self._found[decoy][size]) for decoy in (False, True))
        lowest = float("inf")
        level = _CEILING
        while level >= FLOOR:
            found = len(real) - bisect_left(real, level)
            decoyed = (len(chance) - bisect_left(chance, level)) / DECOYS
            wrong = (decoyed + _WEIGHT * _expected(level)) / (found + _WEIGHT)
            if wrong <= 1 - precision:
                lowest = level
            level -= _STEP
        return lowest


def _expected(level: float) -> float:
    return next(share for least, share in _EXPECTED if level >= least)

"""How many characters and words of each script a text has."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tilth.operators.features import HAN, HANGUL, KANA
from tilth.operators.regex import regex
from tilth.operators.texts import BEYOND, Classes

_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff"
_CYRILLIC = "\u0400-\u052f"
_NEITHER = "\u00aa-\u00bf\u00d7\u00f7\u0370-\u03ff"
"""Letters of no script that is counted: signs among the Latin letters, and Greek, which formulas are written in."""
_RANGE = regex("(.)(?:-(.))?")
_HANZI, _KANA, _HANGUL, _RUSSIAN, _PLAIN, _ACCENTED, _FOREIGN, _WHITE = range(1, 9)


class Scripts(NamedTuple):
    """Counts of one text: characters of the first four and of `accented`, runs of letters of the others."""

    hanzi: int
    kana: int
    hangul: int
    white: int
    accented: int
    """Latin letters with an accent, which the words of `latin` are made of too."""
    cyrillic: int
    latin: int
    foreign: int
    """Words in any other script."""


def scripts(text: str) -> Scripts:
    """Count the scripts of a text."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    kinds = _table().take(np.minimum(codes, BEYOND))
    beyond = np.flatnonzero(codes > BEYOND)
    if beyond.size:
        kinds[beyond] = [_kind(chr(code)) for code in codes[beyond].tolist()]
    sums = np.bincount(kinds, minlength=_WHITE + 1).tolist()
    latin = (kinds == _PLAIN) | (kinds == _ACCENTED) if sums[_ACCENTED] else kinds == _PLAIN
    return Scripts(
        hanzi=sums[_HANZI],
        kana=sums[_KANA],
        hangul=sums[_HANGUL],
        white=sums[_WHITE],
        accented=sums[_ACCENTED],
        cyrillic=_runs(kinds == _RUSSIAN) if sums[_RUSSIAN] else 0,
        latin=_runs(latin) if sums[_PLAIN] or sums[_ACCENTED] else 0,
        foreign=_runs(kinds == _FOREIGN) if sums[_FOREIGN] else 0,
    )


def _runs(marks: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(marks[1:] & ~marks[:-1])) + int(marks[0])


@cache
def _table() -> Classes:
    made = np.zeros(BEYOND + 1, dtype=np.uint8)
    for code in range(BEYOND + 1):
        character = chr(code)
        if character.isspace():
            made[code] = _WHITE
        elif character.isalnum() and not character.isdecimal():
            made[code] = _FOREIGN
    for kind, ranges in (
        *((0, _NEITHER), (_ACCENTED, _LATIN), (_PLAIN, "A-Za-z"), (_RUSSIAN, _CYRILLIC)),
        *((_HANZI, HAN), (_KANA, KANA), (_HANGUL, HANGUL)),
    ):
        for first, last in _ranges(ranges):
            made[first : min(last, BEYOND) + 1] = kind
    return made


def _ranges(ranges: str) -> Iterator[tuple[int, int]]:
    for match in _RANGE.finditer(ranges):
        yield ord(match[1]), ord(match[2] or match[1])


@lru_cache(maxsize=4096)
def _kind(character: str) -> int:
    """What a character beyond the table is."""
    if any(first <= ord(character) <= last for first, last in _ranges(HAN)):
        return _HANZI
    return _FOREIGN if character.isalnum() and not character.isdecimal() else 0

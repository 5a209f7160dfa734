"""How much of a text says again what it said before: words in prose, whole lines in code that stands among it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from tilth.operators import protect
from tilth.operators.features import HAN, units
from tilth.operators.regex import regex
from tilth.operators.repeats import (
    DOT,
    LINES,
    NGRAM,
    SIGN,
    SLASH,
    TILDE,
    W,
    kinds_of,
    repeating,
)
from tilth.operators.texts import Flags, Texts, places

BLOCK = 3
"""Lines in a row that look like code and make a block where no fence says so."""

LONGEST = 500
"""Characters from which a line is taken for prose."""

_HANZI = regex(f"[{HAN}]")
_CODE = regex(
    r"""
    [{}\[(;]\s*$                                              # ends as only code does
  | ^\s*[\])}]+[;,)]*\s*$                                     # closes something
  | ^\s*(?:(?:var|let|const|final|int|auto)\s+)?[\w.$\[\]'"*]+\s*(?:[-+*/|&]|:|<)?=\s*\S     # gives a value to a name
  | ^\s*(?:await\s+|return\s+|new\s+)?[A-Za-z_$][\w.$]*\([^)]*\)\s*(?:\#.*|//.*)?$           # calls
  | ^\s*(?:def|class|function|import|from|return|public|private|protected|static|package|using|namespace|struct|func|fn)\b.*[\w(){};:*'">]$
  | ^\s*(?:if|elif|else|for|while|try|except|finally|with|switch|case)\b.*[:{]\s*$
  | ^\s*(?:\#include|\#define|//|/\*|\*/|</?[A-Za-z][^<>]*>)
  | ^\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|GROUP\ BY|ORDER\ BY)\b
    """,
    re.VERBOSE,
)


def repetition_of(text: str, ngram: int = NGRAM) -> float:
    """The share of letters and digits that say again what the same text said before, from 0 to 1.

    In prose that is what lies in an n-gram of units seen earlier; in lines that look like code and no fence says so, what
    lies in four lines in a row seen earlier. Code in fences or between backticks, formulas and addresses do not count.
    """
    kept = prose(text)
    parts = units(kept)
    said = sum(map(len, parts))
    single = said == len(parts)
    # A shorter n-gram that comes only once is enough and costs less.
    if _all_differ("".join(parts) if single else parts, min(ngram, LINES)):
        return 0.0
    spell = "".join if single else _speller(len(parts))
    spelt = spell(parts)
    words: set[Sequence[str]] = set()
    pieces = list(_pieces(kept))
    if len(pieces) == 1 and not pieces[0][1]:
        return round(_again(spelt, map(len, parts), ngram, words) / said, 4)
    if _all_differ(spelt, ngram):
        return 0.0
    lines: set[Sequence[str]] = set()
    spell_line = _speller(len(parts))
    repeated = 0
    for piece, is_code in pieces:
        if is_code:
            repeated += _lines_again(piece.splitlines(), ngram, spell_line, lines)
        else:
            inside = units(piece)
            repeated += _again(spell(inside), map(len, inside), ngram, words)
    return round(repeated / said, 4)


def prose(text: str) -> str:
    """The text with a space for each part that is marked as code, a formula or an address."""
    for span in reversed(protect.spans(text)):
        text = f"{text[: span.start]} {text[span.end :]}"
    return text


def may_repeat(texts: Texts, settings: Mapping[str, Any]) -> Flags:
    """Whether the answer of each sample may say more than the share `max` again, or the sample was measured."""
    kinds = kinds_of(texts)
    answers = texts.said_by("assistant")
    here, there, then = kinds[:-2], kinds[1:-1], kinds[2:]
    marked = here & SIGN | here & there & (SLASH | TILDE) | (here & there & W) >> 1 & then & DOT
    # What is no prose must be taken out first, and several answers count as one text.
    apart = texts.holding(places(marked)) | (np.bincount(texts.owners[answers], minlength=texts.size) > 1)
    found = np.zeros(texts.size, dtype=np.bool_)
    plain = answers & ~apart[texts.owners]
    found[texts.owners[plain]] = repeating(texts, kinds, settings["max"])[plain]
    rest = np.flatnonzero(apart).tolist()
    if rest:
        joined = Texts([prose(texts.samples[at].answer) for at in rest], np.arange(len(rest)), len(rest))
        found[rest] = repeating(joined, kinds_of(joined), settings["max"])
    measured = ["repetition" in sample.signals for sample in texts.samples]
    return found | np.array(measured, dtype=np.bool_)


class _Letters(dict[str, str]):
    """One character for each different part, in the order in which they come."""

    def __missing__(self, part: str) -> str:
        letter = self[part] = chr(len(self))
        return letter


_Spell = Callable[[Iterable[str]], Sequence[str]]


def _speller(most: int) -> _Spell:
    """What writes parts with one character each, so that n-grams are slices: cut and compared in a third of the time."""
    if most > sys.maxunicode:
        return tuple
    letters = _Letters()
    return lambda parts: "".join(map(letters.__getitem__, parts))


def _all_differ(parts: Sequence[str], ngram: int) -> bool:
    """Whether no n-gram of parts comes twice."""
    count = len(parts) - ngram + 1
    if isinstance(parts, str):
        grams: set[Any] = {parts[start : start + ngram] for start in range(count)}
    else:
        grams = set(zip(*(parts[start:] for start in range(ngram)), strict=False))
    return len(grams) == max(count, 0)


def _again(spelt: Sequence[str], weights: Iterable[int], width: int, seen: set[Sequence[str]]) -> int:
    """The weight of what lies in `width` parts in a row that were seen before; what was not is noted."""
    before = [0, *accumulate(weights)]
    repeated = covered = 0
    for start in range(len(spelt) - width + 1):
        gram = spelt[start : start + width]
        if gram in seen:
            repeated += before[start + width] - before[start if start > covered else covered]
            covered = start + width
        else:
            seen.add(gram)
    return repeated


def _lines_again(block: Iterable[str], ngram: int, spell: _Spell, seen: set[Sequence[str]]) -> int:
    """The weight of the lines of code that come again; four that hold less than an n-gram say too little."""
    lines = [(line.strip(), units(line)) for line in block]
    lines = [(line, parts) for line, parts in lines if parts]
    widths = [sum(len(parts) for _, parts in lines[at : at + LINES]) for at in range(len(lines))]
    # A line that only lies in such windows is made unlike all others.
    names = [
        line if max(widths[max(0, at - LINES + 1) : at + 1]) >= ngram else f"{line}\0{len(seen)}\0{at}"
        for at, (line, _) in enumerate(lines)
    ]
    return _again(spell(names), [sum(map(len, parts)) for _, parts in lines], LINES, seen)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each prose or a block of lines that look like code."""
    lines = text.splitlines(keepends=True)
    if len(lines) < BLOCK:
        yield text, False
        return
    looks = [_looks_like_code(line) for line in lines]
    start = at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and (looks[end] or not lines[end].strip()):
            end += 1
        if sum(looks[at:end]) >= BLOCK:
            yield "".join(lines[start:at]), False
            yield "".join(lines[at:end]), True
            start = end
        at = max(end, at + 1)
    yield "".join(lines[start:]), False


def _looks_like_code(line: str) -> bool:
    bare = line.strip()
    return (
        0 < len(bare) < LONGEST
        and len(_HANZI.findall(bare)) * 4 <= len(bare)
        and _CODE.search(line.rstrip()) is not None
    )

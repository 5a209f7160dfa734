"""How much of a text says again what it said before: words in prose, whole lines in code that stands among it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tilth.operators import protect
from tilth.operators.features import HAN, units
from tilth.operators.regex import regex

LINES = 4
"""Lines of code in a row that must come again to count: a bracket, a call or a pattern of names comes again in any code."""
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


def repetition_of(text: str, ngram: int = 8) -> float:
    """The share of letters and digits that say again what the same text said before, from 0 to 1.

    In prose that is what lies in an n-gram of units seen earlier; in lines that look like code and no fence says so, what
    lies in four lines in a row seen earlier. Code in fences or between backticks, formulas and addresses do not count.
    """
    kept = prose(text)
    parts = units(kept)
    if _all_differ(parts, min(ngram, LINES)) or _all_differ(parts, ngram):
        return 0.0
    words: set[tuple[str, ...]] = set()
    lines: set[tuple[str, ...]] = set()
    repeated = 0
    for piece, is_code in _pieces(kept):
        if is_code:
            repeated += _lines_again(piece.splitlines(), ngram, lines)
        else:
            inside = units(piece)
            repeated += _again(inside, list(map(len, inside)), ngram, words)
    return round(repeated / max(sum(map(len, parts)), 1), 4)


def prose(text: str) -> str:
    """The text with a space for each part that is marked as code, a formula or an address."""
    for span in reversed(protect.spans(text)):
        text = f"{text[: span.start]} {text[span.end :]}"
    return text


def _all_differ(parts: list[str], ngram: int) -> bool:
    """Whether no n-gram of units comes twice; a shorter n-gram that does not is enough and costs less."""
    grams = list(zip(*(parts[start:] for start in range(ngram)), strict=False))
    return len(set(grams)) == len(grams)


def _again(parts: Sequence[str], weights: Sequence[int], width: int, seen: set[tuple[str, ...]]) -> int:
    """The weight of what lies in `width` parts in a row that were seen before; what was not is noted."""
    repeated = covered = 0
    for start in range(len(parts) - width + 1):
        gram = tuple(parts[start : start + width])
        if gram in seen:
            repeated += sum(weights[max(start, covered) : start + width])
            covered = start + width
        else:
            seen.add(gram)
    return repeated


def _lines_again(block: Iterable[str], ngram: int, seen: set[tuple[str, ...]]) -> int:
    """The weight of the lines of code that come again; four that hold less than an n-gram say too little."""
    lines = [(line.strip(), units(line)) for line in block]
    lines = [(line, parts) for line, parts in lines if parts]
    widths = [sum(len(parts) for _, parts in lines[at : at + LINES]) for at in range(len(lines))]
    # A line that only lies in such windows is made unlike all others.
    names = [
        line if max(widths[max(0, at - LINES + 1) : at + 1]) >= ngram else f"{line}\0{len(seen)}\0{at}"
        for at, (line, _) in enumerate(lines)
    ]
    return _again(names, [sum(map(len, parts)) for _, parts in lines], LINES, seen)


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each prose or a block of lines that look like code."""
    lines = text.splitlines(keepends=True)
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

"""Character diffs that a person can read: short coincidences are not shown as kept, long sameness is folded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import NamedTuple

SHORT = 2
"""Equal runs up to this many characters between two changes are shown as changed: they are coincidence."""
CONTEXT = 24
"""Equal characters shown on either side of a change."""


FINE = 100_000
"""Pairs of characters between what two texts begin and end with; beyond, runs of letters and digits stay whole."""
_WORD = re.compile("[A-Za-z0-9０-９Ａ-Ｚａ-ｚ]+|[\\s\\S]")
LONG = 20_000
"""Characters of both texts up to which they are compared one by one; the cost grows with the square."""


class Piece(NamedTuple):
    """A stretch of a diff."""

    kind: str
    """`same`, `gone`, `new` or `fold`."""
    text: str


def diff(before: str, after: str, fold: bool = True) -> list[Piece]:
    """What changed between two texts, character by character.

    Args:
        before: the text as it was.
        after: the text as it is.
        fold: replace long unchanged stretches by a `fold` piece whose text is the number of characters.
    """
    if before == after:
        return [Piece("same", before)]
    if len(before) + len(after) > LONG:
        coarse = _ends(before, after)
        return _folded(coarse) if fold else coarse
    pieces: list[Piece] = []
    gone = new = ""
    blocks = list(_opcodes(before, after))
    for index, (kind, a, b, c, d) in enumerate(blocks):
        inner = 0 < index < len(blocks) - 1
        if kind == "equal" and not (inner and b - a <= SHORT and before[a:b].strip()):
            pieces += _changed(gone, new)
            gone = new = ""
            pieces.append(Piece("same", before[a:b]))
        else:
            gone += before[a:b]
            new += after[c:d]
    pieces += _changed(gone, new)
    return _folded(pieces) if fold else pieces


def _opcodes(before: str, after: str) -> Iterator[tuple[str, int, int, int, int]]:
    """What `SequenceMatcher` says; what both texts begin and end with is not searched, which most of a text is."""
    head, tail = _same_ends(before, after)
    end, other = len(before) - tail, len(after) - tail
    if head:
        yield "equal", 0, head, 0, head
    ours, mine = _tokens(before[head:end], after[head:other])
    at, to = [*accumulate(map(len, ours), initial=head)], [*accumulate(map(len, mine), initial=head)]
    for kind, a, b, c, d in SequenceMatcher(None, ours, mine, autojunk=False).get_opcodes():
        yield kind, at[a], at[b], to[c], to[d]
    if tail:
        yield "equal", end, len(before), other, len(after)


def _tokens(before: str, after: str) -> tuple[Sequence[str], Sequence[str]]:
    """What is compared: characters, or in long changes words, whose number is a fifth and its square a twentieth."""
    if len(before) * len(after) <= FINE:
        return before, after
    return _WORD.findall(before), _WORD.findall(after)


def _same_ends(before: str, after: str) -> tuple[int, int]:
    head = _shared(before, after)
    rest = min(len(before), len(after)) - head
    return head, _shared(before[::-1][:rest], after[::-1][:rest])


def _ends(before: str, after: str) -> list[Piece]:
    """A coarse diff: what both texts begin and end with, and all between as one change."""
    head, tail = _same_ends(before, after)
    middle = _changed(before[head : len(before) - tail], after[head : len(after) - tail])
    ends = [Piece("same", before[:head])], [Piece("same", before[len(before) - tail :])]
    return [piece for piece in (*ends[0], *middle, *ends[1]) if piece.text]


def _shared(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )


def _changed(gone: str, new: str) -> list[Piece]:
    return [Piece(kind, text) for kind, text in (("gone", gone), ("new", new)) if text]


def _folded(pieces: list[Piece]) -> list[Piece]:
    found: list[Piece] = []
    for index, piece in enumerate(pieces):
        head = CONTEXT if index > 0 else 0
        tail = CONTEXT if index < len(pieces) - 1 else 0
        hidden = len(piece.text) - head - tail
        if piece.kind != "same" or hidden <= CONTEXT:
            found.append(piece)
            continue
        shown = [
            Piece("same", piece.text[:head]),
            Piece("fold", str(hidden)),
            Piece("same", piece.text[len(piece.text) - tail :]),
        ]
        found += [p for p in shown if p.text]
    return found

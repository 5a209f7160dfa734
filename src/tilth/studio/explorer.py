"""The explorer: which samples a page shows, and what else could be chosen."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.sample import SIDES
from tilth.studio.index import DOORS, Index, Row, fold

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

PAGE = 50
"""Samples on a page."""
LONGEST = 200
"""Characters of a search that are read."""
SHOWN = 160
"""Characters of a text in the list."""
LEAD = 40
"""Characters shown before the first hit, where the hit stands far back."""


def routes(studio: Studio) -> list[Route]:
    """`/samples`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        wish = Wish.of(request.query_params)
        number = request.query_params.get("page", "1")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
        more: dict[str, Any] = {
            "found": find(studio.index, wish, page),
            "wish": wish.as_dict(),
            "excerpt": partial(excerpt, query=wish.q),
            "note": studio.index.note,
        }
        return studio.page(request, "studio_samples.html", **more)

    return [Route("/samples", page)]


@dataclass(frozen=True)
class Wish:
    """What the address asks for; empty fields ask for nothing."""

    door: str = ""
    step: str = ""
    """The step that sent a sample away, or proposed a change."""
    reason: str = ""
    split: str = ""
    q: str = ""
    """Words that must all stand in the sample, its place or its reason."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wish:
        """The wish of an address; what it does not know it ignores."""
        asked = {name: query.get(name, "").strip() for name in cls.__dataclass_fields__}
        return cls(**{**asked, "q": asked["q"][:LONGEST]})

    @property
    def words(self) -> list[str]:
        """The words of the search, folded."""
        return fold(self.q).split()

    def as_dict(self) -> dict[str, str]:
        """The fields by name, as the address carries them."""
        return asdict(self)


class Choice(NamedTuple):
    """A value of a facet."""

    value: str
    samples: int
    """How many would be shown if it were chosen, all other wishes kept."""


class Piece(NamedTuple):
    """A stretch of text in the list."""

    text: str
    hit: bool
    """Whether the search found it."""


@dataclass(frozen=True)
class Found:
    """One page of what was found."""

    rows: Sequence[Row]
    total: int
    page: int
    """From 1."""
    pages: int
    first: int
    """Number of the first sample shown, from 1; 0 where there is none."""
    facets: Mapping[str, Sequence[Choice]]


FACETS = ("door", "split", "step", "reason")


def find(index: Index, wish: Wish, page: int = 1) -> Found:
    """The samples that fulfil every wish, one page of them, and the facets to go on with."""
    words = wish.words
    asked = {name: getattr(wish, name) for name in FACETS if getattr(wish, name)}
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    found = []
    for row in index.rows:
        if not all(word in row.haystack for word in words):
            continue
        missed = [name for name, value in asked.items() if value not in _values(row, name)]
        if not missed:
            found.append(row)
        # A facet counts the samples that only its own wish keeps away, or none does.
        if len(missed) < 2:
            for name in missed or FACETS:
                counts[name].update(_values(row, name))
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(page, 1), pages)
    start = (page - 1) * PAGE
    facets = {name: _choices(counts[name], asked.get(name)) for name in FACETS}
    return Found(found[start : start + PAGE], len(found), page, pages, start + 1 if found else 0, facets)


def _values(row: Row, facet: str) -> tuple[str, ...]:
    if facet == "step":
        return tuple(dict.fromkeys(filter(None, (row.step, *row.proposed))))
    value: str = getattr(row, facet)
    return (value,) if value else ()


def _choices(counts: Counter[str], chosen: str | None) -> list[Choice]:
    """Doors and sides in their own order; steps and reasons with the chosen one first, then by frequency."""
    known = (*DOORS, *SIDES)
    order = {name: n for n, name in enumerate(known)}

    def rank(item: tuple[str, int]) -> tuple[int, bool, int, str]:
        value, samples = item
        return order.get(value, len(known)), value not in known and value != chosen, -samples, value

    return [Choice(*item) for item in sorted(counts.items(), key=rank)]


def excerpt(text: str, query: str) -> list[Piece]:
    """The part of a text that a list shows: from its beginning, or from shortly before the first hit."""
    words = sorted(query.split(), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None
    hit = pattern.search(text) if pattern else None
    start = hit.start() - LEAD if hit and hit.start() > SHOWN - LEAD else 0
    shown = text[start : start + SHOWN]
    pieces = _cut(shown, pattern)
    head = [Piece("…", False)] if start else []
    tail = [Piece("…", False)] if start + SHOWN < len(text) else []
    return [*head, *pieces, *tail]


def _cut(text: str, pattern: re.Pattern[str] | None) -> list[Piece]:
    pieces, end = [], 0
    for hit in pattern.finditer(text) if pattern else ():
        pieces += [Piece(text[end : hit.start()], False), Piece(hit.group(), True)]
        end = hit.end()
    pieces.append(Piece(text[end:], False))
    return [piece for piece in pieces if piece.text]

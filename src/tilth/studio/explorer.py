"""The explorer: which samples a page shows, and what else could be chosen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tilth.sample import SIDES
from tilth.store.catalog import Catalog, Entry
from tilth.studio.index import DOORS, FIXED

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
BINS = 24
"""Bars of a signal's distribution."""
OPENED = ("door", "split", "step", "reason", "language")
"""Facets that stand open; others open with a click."""
OWN = ("q", "page", "lang", "place", "token")
"""Names in an address that are no facet."""


def routes(studio: Studio) -> list[Route]:
    """`/samples`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        index = studio.index
        wish = Wish.of(request.query_params, index)
        number = request.query_params.get("page", "1")
        page = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
        more: dict[str, Any] = {
            "found": (found := find(index, wish, page)),
            "wish": wish,
            "queue": queue_of(wish, found),
            "excerpt": partial(excerpt, query=wish.q),
            "note": index.about["note"],
            "size": index.size,
            "bars": partial(bars, studio.href(request), wish),
            "OPEN": OPENED,
        }
        return studio.page(request, "studio_samples.html", **more)

    return [Route("/samples", page)]


@dataclass(frozen=True)
class Wish:
    """What the address asks for."""

    q: str = ""
    """Words that must all stand in the sample, its place or its reason."""
    facets: Mapping[str, str] = field(default_factory=dict)
    """Facet → the value asked for."""
    ranges: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    """Number → lowest and highest value asked for."""

    @classmethod
    def of(cls, query: Mapping[str, str], index: Catalog) -> Wish:
        """The wish of an address; what this run does not know is ignored."""
        facets, ranges = {}, {}
        for name, value in query.items():
            text = value.strip()
            if name in OWN or not text:
                continue
            if name in index.numbers:
                ranges[name] = _range(text)
            elif name in index.facets or name in FIXED:
                facets[name] = text
        for name in index.numbers:
            ends = _end(query.get(f"{name}.min", "")), _end(query.get(f"{name}.max", ""))
            if ends != (None, None):
                ranges[name] = ends
        wanted = {name: ends for name, ends in ranges.items() if ends != (None, None)}
        return cls(query.get("q", "").strip()[:LONGEST], facets, wanted)

    def address(self, **changes: str) -> dict[str, str]:
        """The names and values that ask for this; an empty value takes a wish back."""
        spans = {name: f"{_shown(low)}..{_shown(high)}" for name, (low, high) in self.ranges.items()}
        return {
            name: value for name, value in {"q": self.q, **self.facets, **spans, **changes}.items() if value
        }


def _range(text: str) -> tuple[float | None, float | None]:
    """`10..200`, `10..` or `..200`; a single number is both ends."""
    low, dots, high = text.partition("..")
    return (_end(low), _end(high)) if dots else (_end(low), _end(low))


def _end(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _shown(end: float | None) -> str:
    return "" if end is None else f"{end:g}" if abs(end) < 1e6 else f"{end:.0f}"


class Choice(NamedTuple):
    """A value of a facet."""

    value: str
    samples: int
    """How many would be shown if it were chosen, all other wishes kept."""


class Spread(NamedTuple):
    """How a number is distributed among what the other wishes leave."""

    bins: tuple[int, ...]
    low: float
    median: float
    high: float
    edges: tuple[float, ...]
    """Where each bin begins; the last is where the last one ends."""


class Piece(NamedTuple):
    """A stretch of text in the list."""

    text: str
    hit: bool
    """Whether the search found it."""


@dataclass(frozen=True)
class Found:
    """One page of what was found."""

    rows: Sequence[Entry]
    total: int
    page: int
    """From 1."""
    pages: int
    first: int
    """Number of the first sample shown, from 1; 0 where there is none."""
    facets: Mapping[str, Sequence[Choice]]
    spreads: Mapping[str, Spread]


def find(index: Catalog, wish: Wish, page: int = 1) -> Found:
    """The samples that fulfil every wish, one page of them, and the facets to go on with."""
    masks = wishes(index, wish)
    mask = _all(masks)
    numbers = np.arange(index.size) if mask is None else np.flatnonzero(mask)
    pages = max(1, -(-len(numbers) // PAGE))
    page = min(max(page, 1), pages)
    start = (page - 1) * PAGE
    facets = {}
    for name, facet in index.facets.items():
        # A facet counts the samples that its own wish alone keeps away, or none does.
        counts = facet.counts(_all({k: m for k, m in masks.items() if k != name}))
        facets[name] = _choices(counts, wish.facets.get(name))
    spreads = {}
    for name, values in index.numbers.items():
        mask = _all({k: m for k, m in masks.items() if k != name})
        spread = spread_of(values if mask is None else values[mask])
        if spread is not None:
            spreads[name] = spread
    rows = index.entries(numbers[start : start + PAGE])
    return Found(rows, len(numbers), page, pages, start + 1 if len(numbers) else 0, facets, spreads)


def queue_of(wish: Wish, found: Found) -> dict[str, str]:
    """The address of the review queue with these samples and no others; empty where there is none."""
    chosen = dict(wish.facets)
    if not found.total or not chosen or wish.q or wish.ranges:
        return {}
    if list(chosen) == ["proposed"]:
        return {"queue": "proposals", "step": chosen["proposed"]}
    doors = [choice.value for choice in found.facets["door"] if choice.samples]
    door = chosen.pop("door", doors[0] if len(doors) == 1 else "")
    carried = {"held": {"step", "reason"}, "kept": {"split"}}.get(door)
    return {"queue": door, **chosen} if carried is not None and chosen.keys() <= carried else {}


def wishes(index: Catalog, wish: Wish) -> dict[str, np.ndarray]:
    """For each wish which rows fulfil it."""
    masks: dict[str, np.ndarray] = {}
    if wish.q:
        found = index.search(wish.q)
        masks["q"] = _mask(index.size, np.empty(0, dtype=np.int64) if found is None else found)
    for name, value in wish.facets.items():
        facet = index.facets.get(name)
        masks[name] = _mask(index.size, np.empty(0, dtype=np.int64) if facet is None else facet.having(value))
    for name, (low, high) in wish.ranges.items():
        values = index.numbers[name]
        # Comparing with NaN is false: a sample without the number fulfils no range.
        masks[name] = (values >= (-np.inf if low is None else low)) & (
            values <= (np.inf if high is None else high)
        )
    return masks


def _mask(size: int, rows: np.ndarray) -> np.ndarray:
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask


def _all(masks: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The rows that are in every mask; `None` stands for all."""
    return np.logical_and.reduce(list(masks.values())) if masks else None


def spread_of(values: np.ndarray) -> Spread | None:
    """The distribution of some numbers, up to their 99th percentile; the last bin holds the rest."""
    real = values[np.isfinite(values)]
    if not len(real) or real.min() == real.max():
        return None
    # Two places of the order are all that is needed; sorting everything would take ten times as long.
    middle, late = len(real) // 2, min(len(real) - 1, int(len(real) * 0.99))
    ordered = np.partition(real, (middle, late))
    low, top = float(real.min()), float(ordered[late])
    if bool((real == np.floor(real)).all()):
        width = max(1.0, np.ceil((top - low + 1) / BINS))
        bins = int((top - low) // width) + 1
    else:
        bins = BINS
        width = (top - low) / bins or 1.0
    edges = low + width * np.arange(bins + 1)
    inner = np.clip(((real - low) / width).astype(np.int64), 0, bins - 1)
    counts = tuple(int(n) for n in np.bincount(inner, minlength=bins))
    return Spread(counts, low, float(ordered[middle]), float(real.max()), tuple(map(float, edges)))


def bars(href: Callable[..., str], wish: Wish, name: str, spread: Spread) -> Callable[..., str]:
    """For a bar's number the address of the samples behind it, or its range in words."""

    def to(bar: int, words: bool = False) -> str:
        low, high = spread.edges[bar], spread.edges[bar + 1]
        last = bar == len(spread.bins) - 1
        if all(edge == int(edge) for edge in spread.edges):
            high -= 1
        span = f"{_shown(low)}..{'' if last else _shown(high)}"
        return span if words else href("/samples", **wish.address(**{name: span}))

    return to


def _choices(counts: Mapping[str, int], chosen: str | None) -> list[Choice]:
    """Doors and sides in their own order; others with the chosen one first, then by frequency."""
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

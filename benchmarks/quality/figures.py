"""What a benchmark says: figures with their targets, and lists for a person to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

ENOUGH = 100
"""Proposals that a precision must rest on."""


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    got: str
    target: str = ""
    holds: bool | None = None
    """`None` where there is no target, or too little to judge by."""
    note: str = ""


class Part(NamedTuple):
    """All that one benchmark found."""

    title: str
    figures: Sequence[Figure]
    lists: Mapping[str, Sequence[str]] = {}
    """Cases that a person should look at, by heading. Printed, never written to the docs."""


def share(hit: int, total: int) -> str:
    """`0.9900 (99/100)`."""
    return f"{hit / total:.4f} ({hit:,}/{total:,})" if total else "no case"


def at_least(target: float, what: str, hit: int, total: int, note: str = "") -> Figure:
    """A share that must be reached; without a single case it is missed."""
    wanted = "all" if target == 1 else f"≥ {target:g}"
    return Figure(what, share(hit, total), wanted, bool(total) and hit >= target * total, note)


def at_most(target: float, what: str, hit: int, total: int, note: str = "") -> Figure:
    """A share that must not be exceeded; without a single case it is missed."""
    allowed = f"≤ {target:g}" if target else "none"
    return Figure(what, share(hit, total), allowed, bool(total) and hit <= target * total, note)


def because(figure: Figure, why: str) -> Figure:
    """The figure, with the reason where it misses its target."""
    return figure._replace(note=why) if figure.holds is False else figure


def reported(what: str, hit: int, total: int, note: str = "") -> Figure:
    """A share without a target."""
    return Figure(what, share(hit, total), note=note)


def enough_for(target: float, what: str, right: int, proposed: int, wanted: int) -> Figure:
    """A precision over at least `ENOUGH` proposals, the recall beside it; with fewer the point stays open."""
    got = f"{share(right, proposed)}, recall {share(right, wanted)}"
    if proposed < ENOUGH:
        note = f"too few to say: {ENOUGH} proposals are needed"
        return Figure(what, got, f"≥ {target:g}", None, note)
    return Figure(what, got, f"≥ {target:g}", right >= target * proposed)


def area_under_curve(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that a positive case scores above a negative one, ties counted half (Mann and Whitney 1947)."""
    scored = sorted([(value, 1) for value in positive] + [(value, 0) for value in negative])
    ranks, at = 0.0, 0
    while at < len(scored):
        end = at
        while end < len(scored) and scored[end][0] == scored[at][0]:
            end += 1
        ranks += (at + 1 + end) / 2 * sum(label for _, label in scored[at:end])
        at = end
    size = len(positive)
    return (ranks - size * (size + 1) / 2) / (size * len(negative))

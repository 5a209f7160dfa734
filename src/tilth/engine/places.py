"""Places, taken apart and put in source order."""

from __future__ import annotations

import re
from collections.abc import Callable

from tilth.sources.base import Shard

_PLACE = re.compile(r"^(?P<name>.*):(?P<n>\d+)(?P<made>(?:/[\w.@-]+#\d+)*)$", re.DOTALL)


def split_place(place: str) -> tuple[str, int, str]:
    """A place as (file, n, what was made from it): `a.jsonl:7/augment.rules#0` → `a.jsonl`, 7, `/augment.rules#0`.

    Raises:
        ValueError: this is no place.
    """
    match = _PLACE.match(place)
    if match is None:
        raise ValueError(f"{place} is no place")
    return match["name"], int(match["n"]), match["made"]


def source_order(shard: Shard) -> Callable[[str], tuple[int, int, list[tuple[str, int]]]]:
    """What to sort places of a shard by to have them in the order of its parts."""
    ranks: dict[str, int] = {}
    for part in shard.parts:
        ranks.setdefault(part.name, len(ranks))

    def order(place: str) -> tuple[int, int, list[tuple[str, int]]]:
        name, _, end = place.rpartition(":")
        if name in ranks and end.isdecimal():
            return ranks[name], int(end), []
        name, n, made = split_place(place)
        steps = [(step, int(k)) for step, k in (part.rsplit("#", 1) for part in made.split("/") if part)]
        return ranks.get(name, 0), n, steps

    return order

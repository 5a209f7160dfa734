"""Plants every kind of defect into clean COIG-CQIA rows and says what a run must make of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from random import Random
from typing import Any

from tests.end_to_end.plants import Plant, Record, encode, kept
from tests.end_to_end.plants_added import ADDED
from tests.end_to_end.plants_repaired import REPAIRED

STAYING = 10
"""Clean rows that are never planted in, so that others can be copies of them."""


def plant(rows: Sequence[Record], seed: int, per_kind: int) -> tuple[bytes, list[dict[str, Any]]]:
    """The bytes of a JSONL file with `per_kind` defects of every kind, and one expectation for each of them.

    Raises:
        ValueError: no row can carry a kind of defect.
    """
    rng = Random(seed)
    lines: list[tuple[bytes, str, Plant | None]] = [(encode(row), "", None) for row in rows]
    order = rng.sample(range(1, len(rows)), len(rows) - 1)
    staying, pool = [rows[index] for index in order[:STAYING]], order[STAYING:]
    for kind, repair in [*REPAIRED.items()] * per_kind:
        tries = ((at, repair(rows[at], rng, rng.choice(staying))) for at in pool)
        at, made = next(((at, made) for at, made in tries if made), (0, None))
        if made is None:
            raise ValueError(f"no row is left that can carry {kind}")
        pool.remove(at)
        lines[at] = (made.line, kind, made)
    for kind, add in [*ADDED.items()] * per_kind:
        tried = (add(row, rng, row) for row in rng.sample(staying, STAYING))
        made = next(made for made in tried if made)
        lines.insert(rng.randint(1, len(lines)), (made.line, kind, made))
    first = rows[0]
    lines[0] = (b"\xef\xbb\xbf" + lines[0][0], "bom", kept(first))
    planted = [
        {"line": n, "kind": kind, **{key: value for key, value in asdict(made).items() if key != "line"}}
        for n, (_, kind, made) in enumerate(lines, 1)
        if made
    ]
    return b"".join(line + b"\n" for line, _, _ in lines), planted

"""Splits: nothing that belongs together crosses, growing data moves nobody, ratios are kept."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.quality.cases import Pair, better, grams, key, near_copy
from benchmarks.quality.figures import Figure, Part, at_most

from tilth.engine import run
from tilth.store.files import read_jsonl

RATIOS = {"train": 0.7, "validation": 0.1, "test": 0.2}
GROWTH = (0.01, 0.1, 1.0)
_RECIPE = """
name: split
data:
  from: rows.jsonl
  format: tilth
  steps:
    - split.grouped: {{train: {train}, validation: {validation}, test: {test}, seed: 42}}
  to: tilth
"""


class _Result(NamedTuple):
    """Sides by the row's own number, and what the report lists as moved."""

    sides: dict[int, str]
    moved: set[int]
    counts: dict[str, int]


def measure(data: Path, quick: bool = False) -> Part:
    """A first split of 1,000 rows, then of more and more; `quick` begins with 300."""
    rng = random.Random(42)
    size = 300 if quick else 1000
    pairs = better(data)
    rng.shuffle(pairs)
    titles = json.loads((data / "ruozhiba_tieba" / "ruozhiba-title-good.json").read_text("utf-8"))
    fresh = pairs[size:] + [(row["title"], "") for row in titles]
    with TemporaryDirectory() as folder:
        return _measure(Path(folder), _first(pairs[:size], rng), fresh, rng)


def _measure(folder: Path, rows: list[dict[str, Any]], fresh: list[Pair], rng: random.Random) -> Part:
    before = _split(folder, rows)
    figures = _cross(rows, before.sides, f"{len(rows):,} rows")
    figures.append(_ratios(rows, before, f"{len(rows):,} rows"))
    lists: dict[str, list[str]] = {}
    for share in GROWTH:
        rows = rows + _more(rows, fresh, max(1, round(share * len(rows))), rng)
        after = _split(folder, rows)
        grown, lines = _grown(rows, before, after, f"after {share:.0%} more")
        when = f"after {share:.0%} more"
        figures += [*_cross(rows, after.sides, when), *grown, _ratios(rows, after, when)]
        lists[f"moved after {share:.0%} more"] = lines
        before = after
    return Part("Split", figures, lists)


def _row(n: int, question: str, answer: str, family: str = "") -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    messages += [{"role": "assistant", "content": answer}] if answer else []
    made = {"family": family} if family else {}
    return {"messages": messages, "meta": {"n": n}, **made}


def _first(pairs: list[Pair], rng: random.Random) -> list[dict[str, Any]]:
    """The rows, every tenth with two children of one family that say something else, every tenth with a near-copy."""
    rows: list[dict[str, Any]] = []
    for n, (question, answer) in enumerate(pairs):
        family = f"{n + 1:016x}" if n % 10 == 0 else ""
        rows.append(_row(len(rows), question, answer, family))
        if family:
            rows += [
                _row(len(rows) + k, rng.choice(pairs)[1], rng.choice(pairs)[0], family) for k in range(2)
            ]
        if n % 10 == 5:
            rows.append(_row(len(rows), near_copy(question, question, 0.62, rng), answer))
    rng.shuffle(rows)
    return rows


def _more(
    rows: list[dict[str, Any]], fresh: list[Pair], count: int, rng: random.Random
) -> list[dict[str, Any]]:
    """New rows, one in five of them near an old one, one in fifty holding two old questions."""
    made = []
    for n in range(len(rows), len(rows) + count):
        old = [rng.choice(rows)["messages"][0]["content"] for _ in range(2)]
        question, answer = fresh[n % len(fresh)] if n < len(fresh) else rng.choice(fresh)
        if n % 5 == 0:
            question = near_copy(old[0], old[0], 0.62, rng)
        elif n % 50 == 1:
            question = "".join(old)
        made.append(_row(n, question, answer))
    return made


def _split(folder: Path, rows: Sequence[dict[str, Any]]) -> _Result:
    """One run of the recipe; a second one in the same folder knows the sides of the first."""
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "recipe.yaml").write_text(_RECIPE.format(**RATIOS), encoding="utf-8")
    result = run(folder / "recipe.yaml", folder / "run", workers=1)
    sides, numbers = {}, {}
    index = list(read_jsonl(folder / "run" / "data" / "index.jsonl"))
    for line in index:
        n = rows[int(line["place"].rpartition(":")[2]) - 1]["meta"]["n"]
        sides[n], numbers[line["id"]] = line["split"], n
    report = json.loads((folder / "run" / "report" / "data.json").read_text("utf-8"))
    return _Result(sides, {numbers[move["id"]] for move in report["moved"]}, dict(result["splits"]))


def _links(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Pairs of rows that belong together, by counting shared n-grams and not by the product's code."""
    questions = {row["meta"]["n"]: row["messages"][0]["content"] for row in rows}
    families: dict[str, int] = {}
    for row in rows:
        if "family" in row:
            yield families.setdefault(row["family"], row["meta"]["n"]), row["meta"]["n"]
    same: dict[str, int] = {}
    for n, text in questions.items():
        yield same.setdefault(key(text), n), n
    yield from _alike(questions, 3, lambda shared, x, y: shared / (x + y - shared) >= 0.6)
    yield from _alike(questions, 8, lambda shared, x, y: shared / min(x, y) >= 0.7)


def _alike(texts: dict[int, str], size: int, holds: Any) -> Iterator[tuple[int, int]]:
    sets = {n: grams(text, size) for n, text in texts.items()}
    places: dict[str, list[int]] = defaultdict(list)
    for n, found in sets.items():
        shared = Counter(other for gram in found for other in places[gram])
        yield from (
            (other, n) for other, count in shared.items() if holds(count, len(found), len(sets[other]))
        )
        for gram in found:
            places[gram].append(n)


def _groups(rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """For each row the smallest number in its group."""
    first = {row["meta"]["n"]: row["meta"]["n"] for row in rows}

    def root(n: int) -> int:
        while first[n] != n:
            first[n] = first[first[n]]
            n = first[n]
        return n

    for one, other in _links(rows):
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return {n: root(n) for n in first}


def _cross(rows: Sequence[dict[str, Any]], sides: dict[int, str], when: str) -> list[Figure]:
    links = {tuple(sorted(pair)) for pair in _links(rows) if pair[0] != pair[1]}
    crossing = sum(sides[one] != sides[other] for one, other in links)
    return [at_most(0, f"linked pairs on two sides, {when}", crossing, len(links))]


def _ratios(rows: Sequence[dict[str, Any]], result: _Result, when: str) -> Figure:
    largest = max(Counter(_groups(rows).values()).values())
    away = {side: result.counts.get(side, 0) - share * len(rows) for side, share in RATIOS.items()}
    worst = max(map(abs, away.values()))
    got = ", ".join(f"{side} {off:+.1f}" for side, off in away.items())
    return Figure(
        f"rows more or fewer than the request, {when}",
        got,
        f"within one group ({largest})",
        worst <= max(largest, 1),
    )


def _grown(
    rows: Sequence[dict[str, Any]], before: _Result, after: _Result, when: str
) -> tuple[list[Figure], list[str]]:
    """Rows that moved: only where groups of two sides have become one, to the most protected side, and listed."""
    groups = _groups(rows)
    old_sides: dict[int, set[str]] = defaultdict(set)
    for n, side in before.sides.items():
        old_sides[groups[n]].add(side)
    moved = [n for n, side in before.sides.items() if after.sides[n] != side]
    protected = ("test", "validation", "train")
    wrong = [n for n in moved if after.sides[n] != next(s for s in protected if s in old_sides[groups[n]])]
    unlisted = set(moved) ^ after.moved
    lines = [
        f"row {n}: {before.sides[n]} → {after.sides[n]}, {sorted(old_sides[groups[n]])} met" for n in moved
    ]
    return [
        at_most(
            0,
            f"rows moved without a merge or to a less protected side, {when}",
            len(wrong),
            len(before.sides),
        ),
        at_most(
            0,
            f"moves that the report lists wrongly or not, {when}",
            len(unlisted),
            len(before.sides),
            f"{len(moved)} rows moved with a merged group",
        ),
    ], lines

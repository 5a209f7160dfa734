"""What the speed benchmark says: tables for the terminal and for the docs."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median
from typing import Any

from benchmarks.speed.measure import Usage
from benchmarks.today import today

from tilth import __version__
from tilth.operators.near import EXACT_SAMPLES

FLOOR, ONE, TWO = "floor", "tilth, 1 process", "tilth, 2 processes"
AGAIN = "tilth, 1 process, after a change of the last set step"
CPU_TARGET, WALL_TARGET, MEMORY_TARGET, AGAIN_TARGET = 8.0, 1.7, 1500.0, 0.2
"""DESIGN §8: CPU as a ratio to the floor, wall of one process to two, MB for a million samples, and a rerun's share."""
COLUMNS = ("", "wall s", "wall / floor", "CPU s", "CPU / floor", "peak MB", "peak / floor")
TOP = 3
BESIDE = "## Beside Data-Juicer"
_BESIDE = re.compile(rf"^{BESIDE}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


@dataclass
class Result:
    """Everything that was measured."""

    rows: int
    bytes: int
    rounds: int
    usages: dict[str, list[Usage]] = field(default_factory=dict)
    """What was run → what it cost in each round."""
    load: float = 0.0
    """The system's load average when it ended; 0 where the system keeps none."""
    runs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """Processes → `run.json` of each round."""

    def add(self, name: str, usage: Usage) -> None:
        """Note one round of one contestant."""
        self.usages.setdefault(name, []).append(usage)

    def middle(self, name: str) -> Usage:
        """The median of each figure."""
        return Usage(*map(median, zip(*self.usages[name], strict=True)))

    @property
    def seconds(self) -> dict[str, float]:
        """Step → seconds in the runs with one process, in the order of the recipe."""
        found: dict[str, list[float]] = {}
        for run in self.runs[1]:
            for step in run["steps"]:
                found.setdefault(step["name"], []).append(step["seconds"])
        return {name: median(values) for name, values in found.items()}


def tables(result: Result) -> str:
    """Costs, targets and steps, in Markdown."""
    return "\n\n".join([_costs(result), _targets(result), _steps(result)])


def _costs(result: Result) -> str:
    floor = result.middle(FLOOR)
    rows = []
    for name in result.usages:
        cells = [name]
        for part, least, digits in zip(result.middle(name), floor, (2, 2, 0), strict=True):
            cells += [f"{part:.{digits}f}", f"{part / least:.1f}×"]
        rows.append(cells)
    return table(COLUMNS, rows)


def _targets(result: Result) -> str:
    floor, one, two = map(result.middle, (FLOOR, ONE, TWO))
    cpu, wall, peak = one.cpu / floor.cpu, one.wall / two.wall, max(one.peak, two.peak)
    again = result.middle(AGAIN).cpu / one.cpu
    memory = f"open: {result.rows:,} rows here" if peak <= MEMORY_TARGET else "**missed**"
    rows = [
        ("CPU of one process, against the floor", f"{cpu:.1f}×", f"≤ {CPU_TARGET:g}×, then toward 3×", state(cpu <= CPU_TARGET)),
        ("wall of one process, against two", f"{wall:.2f}×", f"≥ {WALL_TARGET:g}×", state(wall >= WALL_TARGET)),
        ("CPU after another `seed` in the last set step, against all of it", f"{again:.0%}", f"≤ {AGAIN_TARGET:.0%}", state(again <= AGAIN_TARGET)),
        ("peak memory of the largest process", f"{peak:.0f} MB", "≤ 1,500 MB for 1,000,000 samples", memory),
    ]  # fmt: skip
    return table(("target", "measured", "wanted", ""), rows)


def state(holds: bool) -> str:
    """Whether a target is reached."""
    return "holds" if holds else "**missed**"


def _steps(result: Result) -> str:
    wall = result.middle(ONE).wall
    seconds = result.seconds
    parts = {**seconds, "in no step": wall - sum(seconds.values())}
    rows = [(name, f"{value:.2f}", f"{value / wall:.0%}") for name, value in parts.items()]
    return table(("step, 1 process", "seconds", "of wall"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its first column to the left."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(result: Result) -> str:
    """The page of the docs."""
    counts, steps = result.runs[1][0]["counts"], {step["name"]: step for step in result.runs[1][0]["steps"]}
    near = steps["dedup.near"]["taken"]
    way = "the n-gram index" if near <= EXACT_SAMPLES else "MinHash bands"
    versions = ", ".join(f"{name} {version(name)}" for name in ("msgspec", "numpy", "rensa"))
    top = sorted(result.seconds, key=lambda name: -result.seconds[name])[:TOP]
    share = sum(result.seconds[name] for name in top) / result.middle(ONE).wall
    return f"""# Speed of preparation

Written by `python -m benchmarks.speed --rows {result.rows} --rounds {result.rounds} --write` on {today()}: Tilth {__version__}, Python \
{platform.python_version()}, {versions}, {os.cpu_count()} cores. Only the ratios carry over to another machine.

The job: {result.rows:,} lines ({result.bytes / 1e6:.0f} MB) of seeded word salad in the COIG-CQIA shape, with exact and near duplicates, \
HTML, advertising, personal data, full-width letters and broken lines; cleaning, length, repetition, both duplicate steps, a \
leak-proof split and the other doors' files (`benchmarks/speed/recipe.yaml`). The **floor** reads, parses, builds messages and \
writes, and does nothing else. All took turns {result.rounds} times; each figure is the median. CPU is user and system time of all \
processes; the peak is that of the largest process, because the system keeps no sum. The load was {result.load:.0f} at the end: where it
is above the number of cores, others took turns too, the wall seconds say little and the CPU seconds are too high. With few rows the floor takes less than half a
second, and on a busy machine that figure is uncertain by a third, and every ratio to it with it.

{_costs(result)}

Of {counts["taken"]:,} rows {counts["kept"]:,} were kept, {counts["dropped"]:,} dropped and {counts["quarantined"]:,} quarantined; \
{counts["blank"]} line was blank. `dedup.near` looked at {near:,} samples and found its candidates through {way} \
(the index serves up to {EXACT_SAMPLES:,}, larger sets take the bands). The full job has 300,000 lines.

## Targets

{_targets(result)}

The other targets need a model or a trainer beside Tilth and are not measured here; another tool is at the end.

## Where the time goes

{_steps(result)}

{", ".join(f"`{name}`" for name in top)} take {share:.0%} of the time. The seconds are those of \
`run.json`: elapsed time of one process, which is its CPU time on a quiet machine and more on a busy one. What stands in no \
step is starting, checkpoints, joining and numbering, the proof against leaks and the report.

## Why targets are missed

* **CPU.** The floor spends 15 to 20 microseconds on a row. Of what Tilth spends more, the six steps on single samples take about a \
quarter ([step by step](steps.md)); reading with ids and places, what set steps observe, and checkpoints another; deciding in \
`dedup.near` and `split.grouped` a fifth; writing with index and doors and the proof against leaks the rest. None of it stands out: \
a prototype without lineage, verified duplicates, proof and report took 11 times its floor. Starting takes 0.7 seconds, which a small set feels.
* **Two processes.** Reading, steps on samples and writing are shared, the process that leads works too, and the proof is made \
while files are written. Serial are starting, the walk in `dedup.near`, the index of `split.grouped`, the verdicts of both, joining \
the parts and the report. Two processes also share one memory: each step takes up to a fifth longer than alone.
* **After a change of the last set step** nothing is read, cleaned, compared or rendered again: sides are given, what was rendered is \
routed to them, and the proof against leaks is made again from nothing, because a proof that believed the split would be none. It \
takes half of that time here.

Unrelated English texts share many 3-grams, and those of word salad more than prose. `dedup.near` and the split have many pairs \
to look at among the English rows; bitmaps spare counting nearly all of them, but their number still grows faster than the rows: \
the ratios hold for this number of rows and no other.
"""


def with_section(page: str, text: str) -> str:
    """The page with the section beside Data-Juicer in the place of an earlier one, at its end."""
    return f"{_BESIDE.sub('', page).rstrip()}\n\n{text}".rstrip() + "\n"


def section_of(page: str) -> str:
    """The section beside Data-Juicer as it stands in a page; empty where it has none."""
    found = _BESIDE.search(page)
    return found.group().strip() if found else ""

"""Runs the floor and Tilth in turns, prints what they cost side by side, and writes the page in the docs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.speed.data import write_rows
from benchmarks.speed.measure import ROOT, measured
from benchmarks.speed.page import AGAIN, Result, page, section_of, tables, with_section

from tilth.store.files import read_json

RECIPE = Path(__file__).with_name("recipe.yaml")
PAGE = ROOT / "docs" / "benchmarks" / "speed.md"
SEED = 20261123
ROWS = 300_000
FEWEST = 100
"""Below, the one line that is no UTF-8 is more than `max_quarantined` allows."""
WORKERS = (1, 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page if asked to; 1 where a command fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"lines of the job; default {ROWS}")
    parser.add_argument("--rounds", type=int, default=3, help="times that each is run; default 3")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/speed.md")
    options = parser.parse_args(arguments)
    if options.rows < FEWEST or options.rounds < 1:
        parser.error(f"expected at least {FEWEST} rows and 1 round.")
    try:
        with TemporaryDirectory() as folder:
            result = compare(Path(folder), options.rows, options.rounds)
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr}", file=sys.stderr)
        return 1
    print(tables(result))
    if options.write:
        beside = section_of(PAGE.read_text(encoding="utf-8"))
        PAGE.write_text(with_section(page(result), beside), encoding="utf-8")
    return 0


def compare(folder: Path, rows: int, rounds: int) -> Result:
    """Make the rows and let each take its turn in every round, so that a busy machine troubles all alike."""
    source = folder / "rows.jsonl"
    write_rows(source, rows, SEED)
    changed = folder / "changed.yaml"
    changed.write_text(RECIPE.read_text(encoding="utf-8").replace("seed: 42", "seed: 43"), encoding="utf-8")
    result = Result(rows, source.stat().st_size, rounds)
    floor = [sys.executable, "-m", "benchmarks.speed.floor", str(source), str(folder / "floor.jsonl")]
    for turn in range(rounds):
        result.add("floor", measured(floor))
        for workers in WORKERS:
            out = folder / f"run-{turn}-{workers}"
            result.add(
                f"tilth, {workers} process{'es' * (workers > 1)}",
                measured(tilth_command(source, out, workers)),
            )
            result.runs.setdefault(workers, []).append(read_json(out / "run.json"))
        out = folder / f"run-{turn}-{WORKERS[0]}"
        result.add(AGAIN, measured(tilth_command(source, out, WORKERS[0], changed)))
    result.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return result


def tilth_command(source: Path, out: Path, workers: int, recipe: Path = RECIPE) -> list[str]:
    """`tilth run` of the job."""
    command = [sys.executable, "-m", "tilth.cli.app", "run", str(recipe), "--set", f"data.from={source}"]
    return [*command, "--out", str(out), "--workers", str(workers)]

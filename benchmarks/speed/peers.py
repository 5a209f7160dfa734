"""`python -m benchmarks.speed.peers --juicer PYTHON`: the same rows through Data-Juicer and through Tilth, in turns."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.speed.data import lines
from benchmarks.speed.measure import Usage, measured
from benchmarks.speed.page import BESIDE, state, table, with_section
from benchmarks.speed.run import PAGE, SEED, tilth_command
from benchmarks.today import today

from tilth import __version__

ROWS = (240, 2000, 20000)
TARGET = 20.0
"""DESIGN §8: CPU of Data-Juicer as a multiple of ours."""
STEPS: tuple[tuple[str, dict[str, object]], ...] = (
    ("clean_html_mapper", {}),
    ("replace_content_mapper", {"pattern": "扫码关注公众号|点赞收藏转发|更多精彩内容请关注我们|长按识别二维码|转载请注明出处", "repl": ""}),
    ("whitespace_normalization_mapper", {}),
    ("fix_unicode_mapper", {"normalization": "NFKC"}),
    ("text_length_filter", {"min_len": 8, "max_len": 8000}),
    ("character_repetition_filter", {"rep_len": 10, "max_ratio": 0.5}),
    ("document_deduplicator", {}),
    ("document_minhash_deduplicator", {"tokenization": "character", "window_size": 3, "jaccard_threshold": 0.7, "num_permutations": 128}),
)  # fmt: skip
"""The steps of `recipe.yaml` that Data-Juicer has, in the same order, with its character windows for Chinese."""


class Compared(NamedTuple):
    """One size of job, each tool's rounds."""

    rows: int
    readable: int
    ours: list[Usage]
    theirs: list[Usage]
    kept: tuple[int, int]
    """Rows that Tilth and Data-Juicer kept."""

    def middle(self, part: str) -> tuple[float, float]:
        """The medians of one figure: ours, theirs."""
        ours, theirs = (median(getattr(usage, part) for usage in them) for them in (self.ours, self.theirs))
        return ours, theirs


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the section of the page if asked to; 1 where a command fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.peers", description=__doc__)
    parser.add_argument(
        "--juicer", type=Path, required=True, help="Python of an environment with Data-Juicer"
    )
    parser.add_argument("--rows", type=int, action="append", help="lines of a job; default 240, 2000, 20000")
    parser.add_argument("--rounds", type=int, default=2, help="times that each is run; default 2")
    parser.add_argument("--write", action="store_true", help="write the section in docs/benchmarks/speed.md")
    options = parser.parse_args(arguments)
    try:
        with TemporaryDirectory() as folder:
            sizes = enumerate(options.rows or ROWS)
            found = [
                compare(Path(folder) / str(n), rows, options.rounds, options.juicer) for n, rows in sizes
            ]
    except subprocess.CalledProcessError as error:
        print(f"{error}\n{error.stderr}", file=sys.stderr)
        return 1
    text = section(found, options.rounds, versions(options.juicer))
    print(text)
    if options.write:
        PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


def compare(folder: Path, rows: int, rounds: int, python: Path) -> Compared:
    """Let both take their turn in every round.

    Each first runs once uncounted: Data-Juicer installs what it wants, and Python compiles what both are written in.
    """
    folder.mkdir()
    source = folder / "rows.jsonl"
    readable = write_readable(source, rows)
    ours: list[Usage] = []
    theirs: list[Usage] = []
    juice(folder / "first", source, python)
    measured(tilth_command(source, folder / "ours-first", 1))
    for turn in range(rounds):
        theirs.append(juice(folder / f"theirs-{turn}", source, python))
        ours.append(measured(tilth_command(source, folder / f"ours-{turn}", 1)))
    kept = json.loads((folder / "ours-0" / "run.json").read_text(encoding="utf-8"))["counts"]["kept"]
    with (folder / "theirs-0" / "out.jsonl").open("rb") as out:
        return Compared(rows, readable, ours, theirs, (kept, sum(1 for _ in out)))


def write_readable(path: Path, rows: int) -> int:
    """The job's rows without the broken ones, at which Data-Juicer's reader stops; returns how many."""
    count = 0
    with path.open("wb") as handle:
        for line in lines(rows, SEED):
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record["output"], str):
                handle.write(line + b"\n")
                count += 1
    return count


def juice(folder: Path, source: Path, python: Path) -> Usage:
    """One run of Data-Juicer with one process and nothing left from an earlier one."""
    folder.mkdir()
    config = {
        "project_name": "speed",
        "dataset_path": str(source),
        "export_path": str(folder / "out.jsonl"),
        "work_dir": str(folder),
        "np": 1,
        "use_cache": False,
        "open_monitor": False,
        "open_tracer": False,
        "text_keys": "output",
        "process": [{name: {**settings, "text_key": "output"}} for name, settings in STEPS],
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")  # JSON is YAML
    homes = {"DATA_JUICER_CACHE_HOME": str(folder / "cache"), "HF_HOME": str(folder / "hub")}
    quiet = {"RAY_USAGE_STATS_ENABLED": "0", "HF_HUB_OFFLINE": "1"}
    path_of = f"{python.parent.absolute()}{os.pathsep}{os.environ.get('PATH', '')}"
    settings = [f"{key}={value}" for key, value in {**homes, **quiet, "PATH": path_of}.items()]
    command = ["env", "-u", "PYTHONPATH", *settings, str(python.parent.absolute() / "dj-process")]
    return measured([*command, "--config", str(path)])


def versions(python: Path) -> dict[str, str]:
    """What the other environment has."""
    code = "import json, platform, importlib.metadata as m; print(json.dumps({'Data-Juicer': m.version('py-data-juicer'), 'Python': platform.python_version(), 'datasets': m.version('datasets')}))"
    command = [str(python.absolute()), "-c", code]
    found: dict[str, str] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def reached(job: Compared) -> float:
    """How many times our CPU the other tool takes."""
    ours, theirs = job.middle("cpu")
    return theirs / ours


def section(found: Sequence[Compared], rounds: int, others: dict[str, str]) -> str:
    """The section of the page."""
    head = ("rows", "CPU s, Tilth", "CPU s, Data-Juicer", "CPU ratio", "wall ratio", "peak ratio", "kept, Tilth", "kept, Data-Juicer")  # fmt: skip
    rows = []
    for job in found:
        (ours, theirs), wall, peak = (job.middle(part) for part in ("cpu", "wall", "peak"))
        ratios = [f"**{theirs / ours:.1f}×**", f"{wall[1] / wall[0]:.1f}×", f"{peak[1] / peak[0]:.1f}×"]
        rows.append([f"{job.readable:,}", f"{ours:.2f}", f"{theirs:.2f}", *ratios, *map(str, job.kept)])
    named = ", ".join(f"{name} {version}" for name, version in others.items())
    load = f"{os.getloadavg()[0]:.0f}" if hasattr(os, "getloadavg") else "unknown"
    return f"""{BESIDE}

Written by `make bench-peers` on {today()}: Tilth {__version__} beside {named}, one process each, in turns {rounds} times, medians; the load \
was {load} at the end. A ratio says how many times Tilth's figure Data-Juicer's is; \
wanted in CPU are {TARGET:g}× or more: {state(reached(found[-1]) >= TARGET)} at {found[-1].readable:,} rows.

{table(head, rows)}

Data-Juicer gets the steps that it has: {", ".join(f"`{name}`" for name, _ in STEPS)} (`benchmarks/speed/peers.py`). It has less to \
do: only the answer, where Tilth cleans and compares question and answer, writes the other doors with their reasons, divides without \
leaks, proves it and reports. Broken lines are taken out before, because its reader stops at them. The first run of each, in which \
it installs or compiles, is not counted. The two do not keep the same rows: the boundary of a filter, and what is a near-duplicate, is \
each tool's own."""


if __name__ == "__main__":
    raise SystemExit(main())

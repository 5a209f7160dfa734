"""Runs the quality benchmarks, prints their figures and lists, and writes the table in the docs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.quality import (
    decontamination,
    dedup,
    harm,
    html,
    normalization,
    pii,
    relevance,
    spelling,
    split,
)
from benchmarks.quality.figures import Part
from benchmarks.today import today

from tilth import __version__

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "quality.md"

PARTS: dict[str, Callable[..., Part]] = {
    "dedup": dedup.measure,
    "spelling": spelling.measure,
    "normalization": normalization.measure,
    "pii": pii.measure,
    "html": html.measure,
    "harm": harm.measure,
    "decontamination": decontamination.measure,
    "split": split.measure,
    "relevance": relevance.measure,
}
_STATE = {True: "holds", False: "**missed**", None: "open"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the named benchmarks, all by default; 1 where a figure misses its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks/quality.md (all benchmarks)"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in PARTS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; expected some of {', '.join(PARTS)}.")
    if options.write and options.names:
        parser.error("--write writes the page of all benchmarks; name none.")
    folder = os.environ.get("TILTH_REAL_DATA")
    if not folder:
        parser.error("set TILTH_REAL_DATA to the folder of the real sets.")
    parts = []
    for name in options.names or PARTS:
        start = time.perf_counter()
        parts.append(PARTS[name](Path(folder)))
        _show(parts[-1])
        print(f"{name}: {time.perf_counter() - start:.0f} s\n", file=sys.stderr)
    if options.write:
        PAGE.write_text(page(parts), encoding="utf-8")
    return int(any(figure.holds is False for part in parts for figure in part.figures))


def _show(part: Part) -> None:
    print(f"{part.title}\n")
    for figure in part.figures:
        state = _STATE[figure.holds] if figure.target else ""
        print(f"  {figure.what}: {figure.got} {figure.target} {state}".rstrip())
        if figure.note:
            print(f"      {figure.note}")
    for heading, lines in part.lists.items():
        print(f"\n  {heading}: {len(lines)}")
        for line in lines:
            print(f"    {line}")
    print()


def page(parts: Sequence[Part]) -> str:
    """The page of the docs: one table for each benchmark."""
    names = ("numpy", "rensa", "opencc", "jieba", "pypinyin")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    lines = [
        "# Quality on labelled real data",
        "",
        f"Written by `TILTH_REAL_DATA=FOLDER python -m benchmarks.quality --write` on {today()}: Tilth {__version__}, "
        f"Python {platform.python_version()}, {versions}. The sets are not part of the project, and no step is tuned to "
        "them, though SIGHAN and LEMON were scored while `denoise.wrong_characters` was tried "
        "(`docs/design/wrong-characters.md`); a target that is missed stays in the table.",
        "",
    ]
    for part in parts:
        lines += [f"## {part.title}", "", "| what | measured | target | | why |", "|---|---|---|---|---|"]
        for figure in part.figures:
            state = _STATE[figure.holds] if figure.target else ""
            cells = (figure.what, figure.got, figure.target, state, figure.note)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)

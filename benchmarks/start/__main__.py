"""`python -m benchmarks.start`: processor time of commands that have little to do, beside what they cannot do without.

`tilth --help` stands beside an application of 20 commands, each with an argument and an option, written with the same
library. `tilth run` of 240 rows with the shipped recipe `ruozhiba` stands beside importing the libraries that it uses.
All take turns, and medians count; a first turn, in which Python and the templates are compiled, is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.speed.data import write_rows
from benchmarks.speed.measure import measured
from benchmarks.today import today

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "start.md"
TARGET = 1.5
ROWS = 240
COMMAND = '''
@app.command()
def verb{n}(what: str, out: str = "out") -> None:
    """Do the thing with number {n}."""
'''
BARE = (
    "import typer\napp = typer.Typer(add_completion=False)\n"
    + "".join(COMMAND.format(n=n) for n in range(20))
    + "\napp()\n"
)
LIBRARIES = ("typer", "pydantic", "msgspec", "numpy", "yaml", "jinja2", "rensa")


def main() -> None:
    """Measure, print, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "bare.py").write_text(BARE, encoding="utf-8")
        data = rows(place)
        costs = seconds(place, data, asked.rounds)
    text = page(costs, data.name, asked.rounds)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")


def rows(place: Path) -> Path:
    """The tutorial's rows where `TILTH_REAL_DATA` names a folder that has them, else as many generated ones."""
    real = Path(os.environ.get("TILTH_REAL_DATA", "")) / "tutorial_camp2" / "ruozhiba_raw.jsonl"
    if real.is_file():
        return real
    write_rows(place / "generated.jsonl", ROWS, 7)
    return place / "generated.jsonl"


def seconds(place: Path, data: Path, rounds: int) -> dict[str, float]:
    """CPU seconds of each command: medians of rounds in which all take turns."""
    tilth = ("-m", "tilth.cli.app")
    run = (
        *tilth,
        "run",
        "ruozhiba",
        "--set",
        f"data.from={data}",
        "--set",
        "data.max_quarantined=1",
    )
    commands = {
        "python": ("-c", "pass"),
        "bare": (str(place / "bare.py"), "--help"),
        "help": (*tilth, "--help"),
        "version": (*tilth, "--version"),
        "libraries": ("-c", f"import {', '.join(LIBRARIES)}"),
        "run": run,
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, words in commands.items():
            # Each run writes a folder of its own: one that is there would be resumed.
            out = ("--out", str(place / f"run-{turn}")) if name == "run" else ()
            found[name].append(measured([sys.executable, *words, *out]).cpu)
    return {name: median(each[1:]) for name, each in found.items()}


def page(costs: dict[str, float], data: str, rounds: int) -> str:
    """The page in Markdown."""
    ratio = costs["help"] / costs["bare"]
    versions = ", ".join(f"{name} {version(name)}" for name in ("typer", "pydantic", "numpy", "jinja2"))
    rows = [
        ("`python -c pass`", costs["python"], ""),
        ("a bare application of 20 commands, `--help`", costs["bare"], ""),
        ("`tilth --help`", costs["help"], f"{ratio:.2f}× the bare application, wanted ≤ {TARGET}×: {'holds' if ratio <= TARGET else '**missed**'}"),
        ("`tilth --version`", costs["version"], f"{costs['version'] / costs['bare']:.2f}× the bare application's help"),
        (f"importing {', '.join(LIBRARIES)}", costs["libraries"], ""),
        (f"`tilth run ruozhiba` of {ROWS} rows (`{data}`), whole", costs["run"], f"{costs['run'] / costs['libraries']:.2f}× importing the libraries"),
    ]  # fmt: skip
    return "\n".join(
        [
            "# Start of the commands",
            "",
            " ".join((__doc__ or "").split(": ", 1)[1].split()).replace("processor", "Processor", 1),
            "",
            f"Written by `python -m benchmarks.start --rounds {rounds} --write` on {today()}: Tilth {version('tilth')}, "
            f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores; the load was {os.getloadavg()[0]:.0f} at the end. Only the "
            "ratios carry over to another machine.",
            "",
            "| command | CPU s | |",
            "| --- | ---: | --- |",
            *(f"| {name} | {cost:.3f} | {said} |" for name, cost, said in rows),
            "",
        ]
    )


if __name__ == "__main__":
    main()

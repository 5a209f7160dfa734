"""`python -m benchmarks.speed.steps [--rows N] [--rounds N] [--write]`: what each step on single samples costs a row.

Every operator walks the generated rows alone, in chunks as the engine gives them, with its default settings; beside it
stands the floor on the same rows: parse, build messages, write. Of each chunk the fastest of several rounds counts, so
that what else the machine does is left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, NamedTuple, TypeVar

import msgspec
from benchmarks.speed.data import Row, records
from benchmarks.speed.measure import ROOT
from benchmarks.speed.page import table
from benchmarks.speed.run import SEED
from benchmarks.today import today

from tilth import __version__
from tilth.engine.chain import Chain
from tilth.engine.shard import CHUNK
from tilth.operators.base import OPERATORS
from tilth.recipe.plan import Step
from tilth.sample import Message, Sample

PAGE = ROOT / "docs" / "benchmarks" / "steps.md"
ROWS = 20_000
MOST = 5.0
"""Times the floor from which a step is called dear."""
COLUMNS = ("step", "µs a row", "of the floor", "changed", "dropped")
SIGNAL = "relevance"
T = TypeVar("T")


class Cost(NamedTuple):
    """What one operator took and did."""

    name: str
    seconds: float
    changed: int
    dropped: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the page where asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.steps", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"rows; default {ROWS}")
    parser.add_argument("--rounds", type=int, default=5, help="times that each chunk is walked; default 5")
    parser.add_argument("--only", nargs="*", default=[], metavar="OPERATOR", help="some operators only")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks/steps.md")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        floor, costs = compare(Path(folder), options.rows, options.rounds, options.only)
    text = page(floor, costs, options.rows, options.rounds)
    print(text)
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return 0


def compare(folder: Path, rows: int, rounds: int, only: Sequence[str] = ()) -> tuple[float, list[Cost]]:
    """Seconds of the floor, and the cost of each operator, the dearest first."""
    made = list(islice(records(random.Random(SEED)), rows))
    lines = [msgspec.json.encode(row) for row in made]
    samples = [sample(at, row) for at, row in enumerate(made)]
    names = [name for name in OPERATORS.names() if OPERATORS.get(name).kind == "sample"]
    steps = [step(name, folder) for name in names if not only or name in only]
    floor = sum(fastest(partial(convert, part), rounds) for part in chunks(lines))
    costs = [walk(one, samples, rounds) for one in steps]
    return floor, sorted(costs, key=lambda cost: -cost.seconds)


def sample(at: int, row: Row) -> Sample:
    """A row as the job reads it, and as if it had been measured."""
    turns = (Message("user", row["instruction"]), Message("assistant", row["output"]))
    return Sample(f"{at:016x}", f"rows.jsonl:{at + 1}", turns, signals={SIGNAL: 1.0})


def step(name: str, folder: Path) -> Step:
    """An operator with its defaults, and a small value for each setting that has none."""
    words = folder / "words.tsv"
    words.write_text("Pytorch\tPyTorch\nJavascript\tJavaScript\n", encoding="utf-8")
    asked: dict[str, dict[str, Any]] = {
        "filter.by_signal": {"signal": SIGNAL, "min": 0.5},
        "filter.relevance": {"min": 0.5},
        "measure.toxicity_terms": {"terms": str(words)},
        "normalize.glossary": {"file": str(words)},
    }
    return Step(name, name, OPERATORS.get(name).settings(**asked.get(name, {})).model_dump())


def chunks(rows: Sequence[T]) -> Iterator[list[T]]:
    """The rows as the engine divides them."""
    for first in range(0, len(rows), CHUNK):
        yield list(rows[first : first + CHUNK])


def convert(lines: Sequence[bytes]) -> None:
    """The floor: parse, build messages, write."""
    out = BytesIO()
    for line in lines:
        row = msgspec.json.decode(line)
        turns = [
            {"role": "user", "content": row["instruction"]},
            {"role": "assistant", "content": row["output"]},
        ]
        out.write(msgspec.json.encode({"messages": turns}) + b"\n")


def walk(one: Step, samples: Sequence[Sample], rounds: int) -> Cost:
    """All samples through one operator."""
    seconds, changed, dropped = 0.0, 0, 0
    # What is compiled and read once in a process is no cost of a row.
    Chain([one], {}).run(list(samples[:CHUNK]))
    for part in chunks(samples):
        seconds += fastest(lambda part=part: Chain([one], {}).run(part), rounds)  # type: ignore[misc]  # bound at once
        chain = Chain([one], {})
        chain.run(part)
        changed += chain.tallies[0].changed + chain.tallies[0].proposed
        dropped += sum(chain.tallies[0].reasons.values())
    return Cost(one.name, seconds, changed, dropped)


def fastest(work: Callable[[], Any], rounds: int) -> float:
    """CPU seconds of the fastest round."""
    found = []
    for _ in range(rounds):
        start = process_time()
        work()
        found.append(process_time() - start)
    return min(found)


def page(floor: float, costs: Sequence[Cost], rows: int, rounds: int) -> str:
    """The page of the docs."""
    cells = [
        (
            f"`{cost.name}`",
            f"{cost.seconds / rows * 1e6:.1f}",
            f"{cost.seconds / floor:.2f}×",
            f"{cost.changed:,}",
            f"{cost.dropped:,}",
        )
        for cost in costs
    ]
    dear = [f"`{cost.name}`" for cost in costs if cost.seconds > MOST * floor]
    return f"""# What each step costs

Written by `python -m benchmarks.speed.steps --rows {rows} --rounds {rounds} --write` on {today()}: Tilth {__version__}, Python \
{platform.python_version()}, {os.cpu_count()} cores. Only the ratios carry over to another machine.

{rows:,} of the rows that [the speed of preparation](speed.md) is measured with go through each operator on single samples, alone and with its \
default settings, in chunks of {CHUNK} as a run gives them. The floor parses the same rows, builds messages and writes them: \
{floor / rows * 1e6:.1f} µs a row. Of each chunk the fastest of {rounds} rounds counts. A change that is only proposed counts as changed; \
steps that ask a model or a person and steps that look at the whole set are not here.

{table(COLUMNS, cells)}

{f"More than {MOST:g} times the floor: {', '.join(dear)}." if dear else f"None takes more than {MOST:g} times the floor."} \
A step that writes a signal on every sample builds every sample anew; a step that changes or drops a few looks at all texts of a chunk at once \
and is handed only what may need it.
"""


if __name__ == "__main__":
    raise SystemExit(main())

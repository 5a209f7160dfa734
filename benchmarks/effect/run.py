"""`make bench-effect`: the effect of fine-tuning on the example and on the tutorial's real 240 rows."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.effect.study import Effect, study
from benchmarks.today import today

from tilth import __version__

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "benchmarks" / "effect.md"
HEAD = """# Does the training do anything?

`make bench-effect` trains the tiny base model twice on the same questions: with their own answers, and with the answers
shuffled among them; base, seed and steps are the same. Both are asked for the loss on the expected answers of the test
side, which neither has seen. Loss in nats a token; intervals are 95 %, from 10,000 resamples of whole questions.

The first half asks whether held-out loss falls. Much of that is style: how answers of this data sound, which the shuffled
answers teach as well. The second half asks what is left of it: whether the *right* answers teach more than any answers.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effect", description=__doc__)
    parser.add_argument("names", nargs="*", default=[], help="example, real")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--date", default=today(), help="day on the page; today by default")
    given = parser.parse_args()
    found = {}
    for name in given.names or ["example", "real"]:
        job = recipe_of(name)
        if job is None:
            print(f"{name}: TILTH_REAL_DATA is not set, left out", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            found[name] = study(*job, Path(folder))
        print("\n".join(lines(name, found[name])), flush=True)
    if given.write:
        PAGE.write_text(page(found, given.date), encoding="utf-8")
    return 0


def recipe_of(name: str) -> tuple[str, list[str]] | None:
    """The recipe and its overrides; `None` where the data is not here."""
    if name == "example":
        return str(ROOT / "examples" / "brain-teasers" / "recipe.yaml"), []
    data = os.environ.get("TILTH_REAL_DATA")
    return ("ruozhiba", [f"data.from={data}/tutorial_camp2/ruozhiba_raw.jsonl"]) if data else None


def lines(name: str, effect: Effect) -> list[str]:
    true, shuffled = effect.true, effect.shuffled
    low, high = effect.interval
    said = "wholly above zero" if low > 0 else "wholly below zero" if high < 0 else "holds zero"
    return [
        f"| {name} | {effect.train} | {len(true.rows)} | {effect.steps} "
        f"| {true.before:.3f} → {true.after:.3f} | {_interval(true.interval)} "
        f"| {shuffled.before:.3f} → {shuffled.after:.3f} | {_interval(shuffled.interval)} "
        f"| {effect.difference:+.3f} | {_interval((low, high))}, {said} |"
    ]


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:+.3f} … {bounds[1]:+.3f}"


def page(found: dict[str, Effect], date: str) -> str:
    heads = [
        "data", "training rows", "questions", "steps", "loss, own answers", "change", "loss, shuffled answers",
        "change", "shuffled − true", "interval",
    ]  # fmt: skip
    tools = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "peft"))
    table = [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(line for name, effect in found.items() for line in lines(name, effect)),
    ]
    return f"{HEAD}\nTilth {__version__}, {tools}, one CPU thread, {date}.\n\n" + "\n".join(table) + "\n"

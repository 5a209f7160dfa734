"""`python -m benchmarks.tokens`: CPU time of `tilth tokens`' counting as a ratio to the bare tokenizer's.

Both read the same conversations with the same tokenizer and count the same ids. The bare tokenizer gets the rendered
texts; ours renders them, finds the mask, checks that nothing is lost, and counts. Rounds alternate. On a machine with other
work CPU seconds differ from round to round, so two ratios stand there: that of the best rounds, and the median of the rounds'.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.today import today

from tilth import __version__
from tilth.engine.library import read
from tilth.models.loader import load_template, load_tokenizer
from tilth.recipe.schema import Train
from tilth.sample import Message, Sample
from tilth.training.tokens import count_with

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "tokens.md"
EXAMPLE = Path(__file__).parents[2] / "examples" / "brain-teasers" / "clean.jsonl"
TARGET = 1.5


def conversations(data: Path, rows: int) -> list[Sample]:
    """So many different conversations: the file's, over and over, each with its number in front."""
    found = itertools.cycle(read(data))
    return [
        sample.replace(messages=(Message("user", f"{k}. {sample.messages[0].content}"), *sample.messages[1:]))
        for k, sample in zip(range(rows), found, strict=False)
        if len(sample.messages) > 1
    ]


def made_tokenizer(samples: list[Sample], place: Path) -> Path:
    """A byte-level tokenizer of the texts, for machines without a model at hand."""
    from tilth.training.tiny import save_tokenizer, train_tokenizer

    save_tokenizer(train_tokenizer([m.content for s in samples[:2000] for m in s.messages]), place)
    return place


def cost(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process, and the result."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def measure(model: Path, samples: list[Sample], rounds: int) -> tuple[list[float], list[float], int]:
    """CPU seconds of the bare tokenizer and of ours in each round, and the tokens both count."""
    template, tokenizer = load_template(model), load_tokenizer(model)
    texts = [template.render(sample.messages) for sample in samples]
    settings = Train(base_model=str(model))
    bare: list[float] = []
    ours: list[float] = []
    tokens = 0
    for _ in range(rounds):
        seconds, counted = cost(
            lambda: sum(len(e.ids) for e in tokenizer.encode_batch(texts, add_special_tokens=False))
        )
        bare.append(seconds)
        seconds, found = cost(lambda: count_with(template, tokenizer, samples, settings))
        ours.append(seconds)
        tokens = found.totals["tokens"]
        assert tokens == counted
    return bare, ours, tokens


def main() -> None:
    """Measure, print, and write the page where asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=EXAMPLE)
    parser.add_argument("--model", type=Path, nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    samples = conversations(options.data, options.rows)
    lines = [
        "| tokenizer | samples | tokens | bare tokens/s | ours tokens/s | ours / bare, best | median |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        made = made_tokenizer(samples, Path(folder))
        for model in options.model or [made]:
            bare, ours, tokens = measure(model, samples, options.rounds)
            name = "made from the data" if model == made else model.name
            best = f"{tokens / min(bare):,.0f} | {tokens / min(ours):,.0f} | {min(ours) / min(bare):.2f}"
            speeds = f"{best} | {median(o / b for o, b in zip(ours, bare, strict=True)):.2f}"
            lines.append(f"| {name} | {len(samples):,} | {tokens:,} | {speeds} |")
            print(lines[-1], flush=True)
    table = "\n".join(lines)
    print(table)
    if options.write:
        about = f"Tilth {__version__}, tokenizers {version('tokenizers')}, {today()}, one thread, CPU seconds, {options.rounds} rounds; the load was {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores at the end."
        text = f"# Counting tokens\n\n{' '.join((__doc__ or '').split(': ', 1)[1].split())}\n\nTarget: at most {TARGET} × the bare tokenizer's time.\n\n{table}\n\n{about}\n"
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

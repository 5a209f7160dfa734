"""Benchmark items planted in real training data: equal, near and inside a longer text."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from pathlib import Path

from benchmarks.quality.cases import (
    Pair,
    better,
    cqia,
    decide,
    grams,
    instructions,
    key,
    near_copy,
    numbered,
    similarity,
)
from benchmarks.quality.figures import Part, at_least, reported

from tilth.operators.benchmarks import read_questions
from tilth.operators.decontaminate import SHORT, Against
from tilth.sample import Drop

KINDS = ("equal", "near", "inside a question", "inside an answer")
LOWEST = 0.6
"""The similarity from which the step promises to see a near-copy."""


def measure(data: Path, quick: bool = False) -> Part:
    """The items of GSM8K and CMMLU as their files are; `quick` plants a tenth of them."""
    rng = random.Random(20260923)
    files = [data / "bench_gsm8k" / "test.jsonl", *sorted((data / "bench_cmmlu").glob("*.csv"))]
    base = (
        better(data) + cqia(data, "zhihu") + instructions(data / "sft_llamafactory" / "alpaca_zh_demo.json")
    )
    texts = [text for file in files for text in _items(file)]
    items = list(dict.fromkeys(texts))
    base += [(text, "") for text in _training_questions(data)]
    kinds, rows = _plant(items[:: 10 if quick else 1], base, rng)
    verdicts = decide(Against(tuple(map(str, files)), action="drop"), numbered(rows))
    found = [n for n, verdict in verdicts.items() if isinstance(verdict, Drop)]
    alarms = [n for n in found if kinds[n] == ""]
    as_read = [text for file in files for _, text in read_questions(str(file))]
    same = sum((Counter(as_read) & Counter(map(str.strip, texts))).values())
    figures = [at_least(1, f"items read from the {len(files)} files as they are", same, len(texts))]
    figures += [
        at_least(
            0.99,
            f"planted items found: {kind}",
            sum(kinds[n] == kind for n in found),
            kinds.count(kind),
        )
        for kind in KINDS
    ]
    figures += [
        at_least(0.98, "found rows that hold a planted item", len(found) - len(alarms), len(found)),
        reported("rows without a planted item that were found", len(alarms), kinds.count("")),
    ]
    lines = [f"{verdicts[n].evidence}: {rows[n][0][:80]!r}" for n in alarms]  # type: ignore[union-attr]  # drops
    missed = [f"{kind}: {rows[n][0][:120]!r}" for n, kind in enumerate(kinds) if kind and n not in verdicts]
    return Part("Decontamination", figures, {"found without being planted": lines, "missed": missed})


def _items(path: Path) -> list[str]:
    """The questions of a benchmark file, read here and not by the product's code."""
    with path.open(encoding="utf-8-sig", newline="") as handle:
        if path.suffix == ".csv":
            return [row["Question"] for row in csv.DictReader(handle)]
        return [json.loads(line)["question"] for line in handle]


def _training_questions(data: Path) -> list[str]:
    """Questions of GSM8K's own training side: the same kind of task, no item of the benchmark."""
    file = data / "sft_xtuner_tests" / "gsm8k_train_example_data.jsonl"
    return [json.loads(line)["prompt"][0]["content"] for line in file.read_text("utf-8").splitlines()]


def _plant(items: list[str], base: list[Pair], rng: random.Random) -> tuple[list[str], list[Pair]]:
    """In random order the base rows and, for each item, a row that holds it and one that only resembles it.

    The kind is empty for rows that hold no item.
    """
    rows = [("", pair) for pair in base]
    for n, item in enumerate(items):
        kind = KINDS[n % len(KINDS)] if len(key(item)) >= SHORT else "equal"
        rows.append((kind, _planted(kind, item, base, rng)))
        other = rng.choice(items)
        text = _resembling(item, other, rng.choice(base)[0])
        if not _holds(text, item) and not _holds(text, other):
            rows.append(("", (text, rng.choice(base)[1])))
    rng.shuffle(rows)
    return [kind for kind, _ in rows], [pair for _, pair in rows]


def _resembling(item: str, other: str, question: str) -> str:
    """What the step promises to leave: a short item inside a longer question, or halves of two items."""
    if len(key(item)) < SHORT:
        return f"{question}\n{item}\n{question}"
    return item[: len(item) // 2] + other[len(other) // 2 :]


def _holds(text: str, item: str) -> bool:
    """Whether a text counts as holding an item, by the step's description and not by its code."""
    if len(key(item)) < SHORT:
        return key(text) == key(item)
    eights = grams(item, 8)
    return similarity(text, item) >= LOWEST or len(eights & grams(text, 8)) >= 0.7 * len(eights)


def _planted(kind: str, item: str, base: list[Pair], rng: random.Random) -> Pair:
    question, answer = rng.choice(base)
    if kind == "equal":
        return item, answer
    if kind == "near":
        return near_copy(item, item, LOWEST, rng), answer
    if kind == "inside a question":
        return f"{question}\n{item}\n{rng.choice(base)[0]}", answer
    return question, f"{answer}{item}{rng.choice(base)[1]}"

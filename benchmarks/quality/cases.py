"""What the benchmarks share: reading the sets, making samples and near-copies, asking a set operator."""

from __future__ import annotations

import csv
import json
import random
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tilth.operators.base import Facts
from tilth.sample import Message, Sample, Verdict

Pair = tuple[str, str]
"""A question and its answer, or two questions."""

CQIA = {
    "chengyu": "chinese_traditional_chengyu",
    "xhs": "xhs_xhs",
    "segmentfault": "segmentfault_segmentfault_upvote5_clean",
    "zhihu": "zhihu_zhihu_score8.0-8.5_clean_v3",
}


def instructions(path: Path) -> list[Pair]:
    """Question and answer of each record of an instruction set, JSON or JSONL."""
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    return [("\n".join(filter(None, (row["instruction"], row.get("input")))), row["output"]) for row in rows]


def better(data: Path) -> list[Pair]:
    """The 1,475 answered trick questions."""
    return instructions(data / "ruozhiba_better" / "ruozhiba_qa.json")


def cqia(data: Path, name: str) -> list[Pair]:
    """One slice of COIG-CQIA."""
    return instructions(data / "cqia" / f"{CQIA[name]}.jsonl")


def sentence_pairs(data: Path, name: str) -> Iterator[tuple[str, str, str]]:
    """Two sentences and their label, of LCQMC, PAWS or BUSTM."""
    folder = data / "pairs_csts"
    if name == "bustm":
        for line in (
            (data / "pairs_bustm" / "datasets_bustm_train_few_all.json").read_text("utf-8").splitlines()
        ):
            row = json.loads(line)
            yield row["sentence1"], row["sentence2"], row["label"]
        return
    file = folder / ("LCQMC_dev.txt" if name == "lcqmc" else "PAWS-X_dev_2k.tsv")
    with file.open(encoding="utf-8-sig", newline="") as handle:
        rows = csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE)
        for row in rows if name == "lcqmc" else list(rows)[1:]:
            yield row[-3], row[-2], row[-1]


def sample(n: int, question: str, answer: str = "", **more: Any) -> Sample:
    """A sample with its own id and place."""
    messages = [Message("user", question)] + ([Message("assistant", answer)] if answer else [])
    return Sample(f"{n + 1:016x}", f"rows.jsonl:{n + 1}", tuple(messages), **more)


def numbered(pairs: Sequence[Pair]) -> list[Sample]:
    """The pairs as samples, in order."""
    return [sample(n, question, answer) for n, (question, answer) in enumerate(pairs)]


def decide(operator: Any, samples: Sequence[Sample]) -> dict[int, Verdict]:
    """What a set operator says, by the number of the sample."""
    if hasattr(operator, "observe_many"):
        rows = operator.observe_many(samples)
    else:
        rows = np.array([operator.observe(each) for each in samples], dtype=operator.fact)
    at = {each.place: n for n, each in enumerate(samples)}
    facts = Facts(rows, [each.place for each in samples])
    return {at[place]: verdict for place, verdict in operator.decide(facts, lambda place: samples[at[place]])}


def key(text: str) -> str:
    """Letters, digits and hanzi, by the definition of the comparison text and not by the product's code."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if char.isalnum())


def grams(text: str, n: int) -> frozenset[str]:
    """The n-grams of the key of a text."""
    dense = key(text)
    return frozenset(dense[at : at + n] for at in range(len(dense) - n + 1))


def similarity(a: str, b: str, n: int = 3) -> float:
    """The Jaccard index of two texts' n-grams; 0 where one has none."""
    x, y = grams(a, n), grams(b, n)
    return len(x & y) / len(x | y) if x and y else 0.0


def near_copy(text: str, alphabet: str, lowest: float, rng: random.Random) -> str:
    """A text with characters changed, taken out and put in, down to a similarity drawn between `lowest` and 0.95."""
    aim = rng.uniform(lowest, 0.95)
    copy, misses = text, 0
    while misses < 20:
        at, kind = rng.randrange(len(copy)), rng.randrange(3)
        put = "" if kind == 0 else rng.choice(alphabet)
        tried = copy[:at] + put + copy[at + (kind != 2) :]
        if similarity(text, tried) >= aim:
            copy = tried
        else:
            misses += 1
    return copy

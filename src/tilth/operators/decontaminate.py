"""Finds benchmark questions in the training data, where they would make a model look better than it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from tilth.operators.base import Facts, Field, Read, set_operator
from tilth.operators.benchmarks import read_questions
from tilth.operators.similarity import CONTAINMENT, JACCARD, LeakIndex, comparison_text, jaccard, ngrams
from tilth.sample import Drop, Measured, Message, Sample, Verdict

SHORT = 24
"""Items with fewer characters to compare count only when equal: 「下列说法正确的是」 stands in too many texts."""
KINDS = ("equal", "contained", "near")


@set_operator("decontaminate.against", files=("files",))
@dataclass(frozen=True)
class Against:
    """Find samples that hold a question of a benchmark, to flag or to drop them.

    Each message is compared with each item's question: `equal` (the same comparison text), `contained` (at least 0.7
    of the item's character 8-grams stand in the message) or `near` (Jaccard index of the 3-grams at least 0.6). Items
    with fewer than 24 characters to compare count only when equal. Answers and options of the items play no part.

    Signal `benchmark_leak`: `{file, item, similarity, kind}` of the most similar item; with `action: drop` the same is
    the evidence of the reason `benchmark_leak`.

    Args:
        files: JSONL, JSON, CSV, TSV, Parquet or text files (one question a line), packed or not. The question is the
            `question`, `instruction` (with `input`), `prompt`, `problem`, `query`, `turns`, user message, 题目 or `text`
            of an item, else the text that is the longest on average, answers left aside. A table needs no header.
        action: `flag` measures and keeps, `drop` drops.
        field: whose messages are compared: the user's, the assistant's, or both.
    """

    files: tuple[str, ...]
    action: Literal["flag", "drop"] = "flag"
    field: Field = "both"

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("item", "i4"), ("kind", "u1"), ("similarity", "f8")])

    def __post_init__(self) -> None:
        """Refuse to compare with nothing, or with a folder, whose content no step key would follow."""
        folders = [name for name in self.files if Path(name).is_dir()]
        if not self.files or folders:
            named = f"{folders[0]} is a folder" if folders else "files is empty"
            raise ValueError(f"{named}; expected the names of benchmark files.")

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """The most similar item, counted over all files, or -1."""
        row: tuple[object, ...] = self.observe_many([sample])[0].item()
        return row

    def observe_many(self, samples: Sequence[Sample]) -> np.ndarray:
        """The same for many, several times faster."""
        roles = {"question": ("user",), "answer": ("assistant",), "both": ("user", "assistant")}[self.field]
        owners, texts = [], []
        for owner, sample in enumerate(samples):
            for text in _texts(sample, roles):
                owners.append(owner)
                texts.append(text)
        best = [_NONE] * len(samples)
        for at, match in _benchmark(tuple(self.files)).matches(texts):
            best[owners[at]] = max(best[owners[at]], match, key=lambda m: (m.similarity, -m.item))
        return np.array(best, dtype=self.fact)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Flag or drop each sample that holds an item."""
        rows = facts.rows
        for at in np.flatnonzero(rows["item"] >= 0).tolist():
            file, number, _ = _benchmark(tuple(self.files)).items[rows["item"][at]]
            evidence = {
                "file": Path(file).name,
                "item": number,
                "similarity": round(float(rows["similarity"][at]), 4),
                "kind": KINDS[rows["kind"][at]],
            }
            if self.action == "drop":
                yield facts.places[at], Drop("benchmark_leak", evidence)
            else:
                yield facts.places[at], Measured({"benchmark_leak": evidence})


class _Match(NamedTuple):
    item: int
    kind: int
    similarity: float


_NONE = _Match(-1, 0, 0.0)


def _texts(sample: Sample, roles: Sequence[str]) -> Iterator[str]:
    messages: tuple[Message, ...] = sample.messages + (sample.rejected or ())
    return (message.content for message in messages if message.role in roles and message.content.strip())


class _Benchmark:
    """The items of some files and an index of their questions."""

    def __init__(self, files: Sequence[str]) -> None:
        self.items = [(file, number, text) for file in files for number, text in read_questions(file)]
        self._index = LeakIndex([text for _, _, text in self.items])

    def matches(self, texts: Sequence[str]) -> Iterator[tuple[int, _Match]]:
        """For each text the items in it, in order: (number of the text, match)."""
        for at, item in self._index.candidates(texts):
            match = _compare(texts[at], self.items[item][2], item)
            if match is not None:
                yield at, match


def _compare(text: str, question: str, item: int) -> _Match | None:
    key = comparison_text(question)
    if not key:
        return None
    if comparison_text(text) == key:
        return _Match(item, KINDS.index("equal"), 1.0)
    if len(key) < SHORT:
        return None
    grams = ngrams(question, CONTAINMENT.n)
    inside = len(grams & ngrams(text, CONTAINMENT.n)) / len(grams)
    near = jaccard(text, question, JACCARD.n)
    if inside >= CONTAINMENT.threshold:
        return _Match(item, KINDS.index("contained"), max(inside, near))
    return _Match(item, KINDS.index("near"), near) if near >= JACCARD.threshold else None


@lru_cache(maxsize=4)
def _benchmark(files: tuple[str, ...]) -> _Benchmark:
    """Read once per process; a run's step key follows the files' content."""
    return _Benchmark(files)

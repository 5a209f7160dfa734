"""Which topics the questions that went badly belong to, and how much of each the training data has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.evaluation.nearest import Near
from tilth.evaluation.table import Row
from tilth.operators.topics import topics
from tilth.sample import Sample

LIKE = 0.1
"""From this similarity on a training sample is said to resemble a question; two Chinese questions about the same thing
rarely share fewer pairs of characters."""


@dataclass(frozen=True)
class Gap:
    """One topic in which questions went badly."""

    topic: str
    """Its weightiest words, as far as they stand in the training data; empty where none does."""
    train: int
    """Training samples of the topic."""
    questions: int
    bad: int
    """Questions of it that went badly."""
    thin: bool
    """Whether its share of the training data is less than half its share of the questions."""

    def as_dict(self) -> dict[str, Any]:
        """A line of `report/worklist.jsonl`."""
        facts = {"train": self.train, "questions": self.questions, "bad": self.bad, "thin": self.thin}
        return {"kind": "topic", "topic": self.topic, **facts}


def gaps(rows: Sequence[Row], bad: frozenset[str], train: Sequence[Sample]) -> list[Gap]:
    """Topics with bad answers, those with most of them and least training data first.

    A topic is named by words of the training data only: what a question alone says must not reach the next version.

    Args:
        rows: all questions.
        bad: places of those that went badly.
        train: the training side.
    """
    if not bad or not train:
        return []
    samples = [*train, *(row.question.sample for row in rows)]
    labels = topics(lambda: samples)
    trained = Counter(labels[: len(train)])
    asked = list(zip(rows, labels[len(train) :], strict=True))
    of_topic = Counter(label for _, label in asked)
    went_badly = Counter(label for row, label in asked if row.question.place in bad)
    texts = "\n".join(sample.question for sample in train)
    found = [
        Gap(
            topic=_known(label, texts),
            train=trained[label],
            questions=of_topic[label],
            bad=count,
            thin=trained[label] * len(rows) * 2 < of_topic[label] * len(train),
        )
        for label, count in went_badly.items()
        if label
    ]
    return sorted(found, key=lambda gap: (-gap.bad, gap.train, gap.topic))


def _known(label: str, texts: str) -> str:
    """The words of a topic's name that stand in the training data."""
    return " / ".join(word for word in label.split(" / ") if word.partition(" (")[0] in texts)


def unlike(rows: Sequence[Row], bad: frozenset[str], near: Mapping[str, Sequence[Near]]) -> int:
    """How many questions that went badly resemble nothing in the training data."""
    return sum(
        row.question.place in bad and not any(n.similarity >= LIKE for n in near.get(row.question.place, ()))
        for row in rows
    )

"""Which training samples stand nearest to a question, and which questions nearly stand in the training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappush, heapreplace
from typing import cast

from tilth.evaluation.protocol import Question
from tilth.operators.similarity import find_leaks, ngrams
from tilth.sample import Sample, Side

NGRAM = 2
"""Short Chinese questions seldom share three characters in a row with any other; two is what still ranks them."""


@dataclass(frozen=True)
class Near:
    """A training sample and how near its question is."""

    similarity: float
    """Jaccard index of the sets of character 2-grams, 0 to 1."""
    id: str
    place: str
    question: str
    answer: str


@dataclass(frozen=True)
class Leak:
    """A question that nearly stands in the data the model learned from."""

    question: Question
    place: str
    similarity: float
    split: Side
    older: bool = False
    """Whether it stands in the data of the older run that the model before was trained on."""


def nearest(questions: Sequence[Question], samples: Iterable[Sample], k: int = 3) -> Mapping[str, list[Near]]:
    """For each question's place the `k` samples with the most similar questions, nearest first.

    Equally near ones stand in the order of the data. One pass over `samples`, which may be any number.
    """
    grams = [ngrams(question.text, NGRAM) for question in questions]
    index: dict[str, list[int]] = {}
    for i, found in enumerate(grams):
        for gram in found:
            index.setdefault(gram, []).append(i)
    best: list[list[tuple[float, int, Near]]] = [[] for _ in questions]
    for order, sample in enumerate(samples):
        theirs = ngrams(sample.question, NGRAM)
        shared = Counter(i for gram in theirs for i in index.get(gram, ()))
        for i, common in shared.items():
            similarity = common / (len(grams[i]) + len(theirs) - common)
            near = Near(similarity, sample.id, sample.place, sample.question, sample.answer)
            _keep(best[i], (similarity, -order, near), k)
    ranked = [sorted(found, key=lambda item: item[:2], reverse=True) for found in best]
    return {q.place: [near for _, _, near in found] for q, found in zip(questions, ranked, strict=True)}


def _keep(heap: list[tuple[float, int, Near]], item: tuple[float, int, Near], k: int) -> None:
    if len(heap) < k:
        heappush(heap, item)
    elif item[:2] > heap[0][:2]:
        heapreplace(heap, item)


def leaks(
    questions: Sequence[Question], sides: Mapping[Side, Iterable[Sample]], older: bool = False
) -> list[Leak]:
    """The questions for which the leak rule fires, against the sides the model learned from or was chosen by.

    Args:
        questions: what is asked.
        sides: the data.
        older: whether it is the data of an older run, whose model is asked too.
    """
    texts = [(i, question.text) for i, question in enumerate(questions)]
    return [
        Leak(questions[i], place, similarity, side, older)
        for side, samples in sides.items()
        for i, place, similarity in _find(texts, [(s.place, s.question) for s in samples])
    ]


def _find(asked: Sequence[tuple[int, str]], data: Sequence[tuple[str, str]]) -> list[tuple[int, str, float]]:
    """`find_leaks` with the types of its keys."""
    return [(cast(int, key), cast(str, place), value) for key, place, value in find_leaks(asked, data)]

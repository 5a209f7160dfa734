"""What the samples of a set are about: what the source says, or groups of questions that share their wording."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from tilth.operators.features import grams
from tilth.sample import Sample

_FEWEST, MOST_TOPICS = 2, 50
"""A source's field names topics where it has this many values."""
_VOCABULARY = 1000
KEYS = ("domain", "task_type")
"""The fields of `meta` that may name topics, the better one first."""
_CROWD = 10_000
"""Questions that the groups are learned from; the others go to the nearest group."""
_BATCH = 1000
_COMMON = 0.1
"""A gram in a larger share of the questions says how they ask, not what about."""


def topics(samples: Callable[[], Iterable[Sample]], seed: int = 42) -> list[str]:
    """A topic for each sample, in order.

    `meta.domain`, else `meta.task_type`, where that field has 2 to 50 values. Else k-means (Lloyd 1982, started by
    farthest-first traversal from a seeded question) on the TF-IDF of the questions' hanzi, words and pairs, with
    k = √(n/2), at most 20; such a topic is called by its three weightiest grams.

    Args:
        samples: gives the samples from the beginning each time it is called.
        seed: which question the first group starts from.
    """
    values: list[str] = []
    for key in KEYS:
        values = [said(sample.meta.get(key)) for sample in samples()]
        if are_topics(values):
            return values
    return _groups(samples, len(values), seed)


def are_topics(values: Collection[str]) -> bool:
    """Whether the values of a field name topics: there are 2 to 50 of them."""
    return _FEWEST <= len(set(values)) <= MOST_TOPICS


def said(value: Any) -> str:
    """A value of `meta` as a person would say it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return ", ".join(map(said, value))
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _groups(samples: Callable[[], Iterable[Sample]], size: int, seed: int) -> list[str]:
    step = max(1, size // _CROWD)
    crowd = [grams(sample.question) for sample in islice(samples(), seed % step, None, step)]
    occurs = Counter(gram for question in crowd for gram in question)
    names = sorted(_telling(occurs, len(crowd)), key=lambda gram: (-occurs[gram], gram))[:_VOCABULARY]
    k = min(20, math.isqrt(size // 2))
    if k < _FEWEST or not names:
        return [""] * size
    column = {gram: index for index, gram in enumerate(names)}
    rarity = np.array([math.log((1 + len(crowd)) / (1 + occurs[gram])) for gram in names], np.float32)
    centres = _learn(_weights(crowd, column, rarity), k, seed)
    titles = _titles(centres, names)
    questions = (grams(sample.question) for sample in samples())
    found: list[str] = []
    while batch := list(islice(questions, _BATCH)):
        nearest = _nearest(_weights(batch, column, rarity), centres)
        found.extend(titles[index] for index in nearest.tolist())
    return found


def _telling(occurs: Counter[str], size: int) -> list[str]:
    """Grams of two characters or more that several questions share, and not one question in ten (为什么, "what is")."""
    most = max(size * _COMMON, 2)
    return [gram for gram, count in occurs.items() if 1 < count <= most and len(gram) > 1]


def _weights(questions: list[Counter[str]], column: Mapping[str, int], rarity: np.ndarray) -> np.ndarray:
    rows = np.zeros((len(questions), len(column)), np.float32)
    for row, question in zip(rows, questions, strict=True):
        for gram, count in question.items():
            if gram in column:
                row[column[gram]] = 1 + math.log(count)
    rows *= rarity
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return rows


def _learn(rows: np.ndarray, k: int, seed: int, rounds: int = 25) -> np.ndarray:
    """The unit-length centres of k groups (spherical k-means); fewer where rows are equal."""
    chosen = [seed % len(rows)]
    while len(chosen) < k:
        chosen.append(int(np.argmin((rows @ rows[chosen].T).max(axis=1))))
    centres = rows[chosen]
    labels = None
    for _ in range(rounds):
        nearest = _nearest(rows, centres)
        if labels is not None and np.array_equal(nearest, labels):
            break
        labels = nearest
        sums = np.stack([rows[labels == group].sum(axis=0) for group in range(len(centres))])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-9), centres)
    return centres


def _nearest(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    nearest: np.ndarray = np.argmax(rows @ centres.T, axis=1)
    return nearest


def _titles(centres: np.ndarray, names: list[str]) -> list[str]:
    """A name for each centre: its three weightiest grams that share no hanzi, and a number where two are equal."""
    titles: list[str] = []
    for centre in centres:
        chosen: list[str] = []
        for index in np.argsort(-centre, kind="stable").tolist():
            name = names[index] if names[index].isascii() else names[index].replace(" ", "")
            if len(chosen) < 3 and not any(set(name) & set(other) for other in chosen):
                chosen.append(name)
        title = " / ".join(chosen)
        titles.append(title if title not in titles else f"{title} ({len(titles) + 1})")
    return titles

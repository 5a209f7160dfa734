"""Whether what was made says anything new: the sources' questions beside those of each step, and both together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tilth.engine.places import split_place
from tilth.operators.features import units, vector

SEED = 42
MOST = 2000
"""Questions of a group that are looked at, drawn by seed."""


def diversity(questions: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """`[{group, samples, distinct, nearest}]`; empty where no kept sample was made.

    `distinct` is the share of different pairs of neighbouring units among all pairs (distinct-2 of Li et al. 2016,
    arXiv 1510.03055), counted over the same number of pairs in every group because it falls with their number.
    `nearest` is the mean cosine of a question and the one most like it, 0 to 1; a group of one has `None`.

    Args:
        questions: (place, question) of every kept sample.
    """
    groups: dict[str, list[str]] = {}
    for place, question in questions:
        groups.setdefault(maker(place), []).append(question)
    if set(groups) <= {""}:
        return []
    named = {"sources": groups.pop("", []), **groups, "together": [q for _, q in questions]}
    drawn = {name: _drawn(texts) for name, texts in named.items() if texts}
    pairs = {name: _pairs(texts) for name, texts in drawn.items()}
    least = min(map(len, pairs.values()))
    return [
        {
            "group": name,
            "samples": len(named[name]),
            "distinct": len(set(pairs[name][:least])) / least if least else None,
            "nearest": nearest(texts),
        }
        for name, texts in drawn.items()
    ]


def maker(place: str) -> str:
    """The step that made the sample at a place; empty for what a source gave."""
    return split_place(place)[2].rpartition("/")[2].partition("#")[0]


def nearest(texts: Sequence[str]) -> float | None:
    """Mean over the texts of the cosine with the most similar other one."""
    if len(texts) < 2:
        return None
    rows = np.array([vector(text) for text in texts], np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(lengths == 0, 1, lengths)
    similar = rows @ rows.T
    np.fill_diagonal(similar, -1)
    return float(np.clip(similar.max(axis=1), 0, 1).mean())


def _drawn(texts: Sequence[str]) -> list[str]:
    return random.Random(SEED).sample(list(texts), min(MOST, len(texts)))


def _pairs(texts: Sequence[str]) -> list[tuple[str, str]]:
    return [pair for text in texts for pair in pairwise(units(text.lower()))]

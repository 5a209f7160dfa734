"""Measures how near each sample is to what the person asked for, without any model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar
from zlib import crc32

import numpy as np
from pydantic import Field as Limits

from tilth.operators.base import Facts, Field, Read, set_operator, text
from tilth.operators.features import grams
from tilth.sample import Measured, Sample, Verdict

_Weights = Mapping[str, float]
_BUCKETS = 1 << 20
"""Grams are counted by a hash of 20 bits: 4 MB however large the set is; two that meet are taken for one."""


@set_operator("measure.relevance")
@dataclass(frozen=True)
class Relevance:
    """Measure from 0 to 1 how near each sample is to a description, to keywords or to example questions.

    Signal `relevance`: the largest of the TF-IDF cosine with the description, the cosine with each example, and for
    each keyword the share of its weight that the text holds (1 where it occurs as it stands). Grams are hanzi or words
    and their pairs; their weights come from the set itself, so that what every sample says counts little (Spärck Jones
    1972; the smoothed form of Salton and Buckley 1988). It compares wording, not meaning: set the threshold after a
    look at the distribution.

    With `feedback` the wording of that many nearest samples counts as asked for too, and half of the signal is the cosine
    with it (pseudo relevance feedback: Rocchio 1971). That finds samples on the topic that use none of the person's words,
    and misleads where the nearest samples are not on the topic: look at them first.
    """

    description: str = ""
    keywords: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    field: Field = "question"
    feedback: Annotated[int, Limits(ge=0)] = 0

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("says", "?")])

    def __post_init__(self) -> None:
        """Refuse a measure of nearness to nothing."""
        if not any(grams(target) for target in (self.description, *self.keywords, *self.examples)):
            raise ValueError("relevance to what? Set description, keywords or examples.")

    def observe(self, sample: Sample) -> bool:
        """Whether the text has any letter, hanzi or digit to compare."""
        return bool(grams(text(sample, self.field)))

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Count in how many samples each gram occurs, then compare each sample with the targets."""
        occurs = np.zeros(_BUCKETS, np.uint32)
        says = [bool(row["says"]) for row in facts.rows]
        for place, words in zip(facts.places, says, strict=True):
            if words:
                occurs[[_bucket(gram) for gram in grams(text(read(place), self.field))]] += 1
        weigh = _Weigher(occurs, len(facts))
        wholes = [weigh(target) for target in (self.description, *self.examples) if grams(target)]
        keywords = [weigh(keyword) for keyword in self.keywords if grams(keyword)]

        def near(place: str) -> float:
            weights = weigh(text(read(place), self.field))
            return max(
                [_cosine(whole, weights) for whole in wholes]
                + [_held(keyword, weights) for keyword in keywords]
            )

        nearness = [near(place) if words else 0.0 for place, words in zip(facts.places, says, strict=True)]
        if self.feedback:
            nearest = sorted(range(len(facts)), key=lambda at: -nearness[at])[: self.feedback]
            asked = _middle(
                [weigh(text(read(facts.places[at]), self.field)) for at in nearest if nearness[at]]
            )
            for at, place in enumerate(facts.places):
                if says[at]:
                    nearness[at] = (nearness[at] + _cosine(asked, weigh(text(read(place), self.field)))) / 2
        for place, value in zip(facts.places, nearness, strict=True):
            yield place, Measured({"relevance": round(value, 4)})


def _middle(texts: list[_Weights]) -> _Weights:
    """The sum of the texts' weights, each text brought to length 1."""
    total: dict[str, float] = defaultdict(float)
    for weights in texts:
        norm = math.hypot(*weights.values())
        for gram, weight in weights.items():
            total[gram] += weight / norm
    return total


def _bucket(gram: str) -> int:
    return crc32(gram.encode("utf-8", "surrogatepass")) % _BUCKETS


@dataclass(frozen=True)
class _Weigher:
    occurs: np.ndarray
    size: int

    def __call__(self, words: str) -> _Weights:
        """TF-IDF weights of a text: sublinear counts, smoothed inverse document frequency."""
        return {
            gram: (1 + math.log(count))
            * (math.log((1 + self.size) / (1 + int(self.occurs[_bucket(gram)]))) + 1)
            for gram, count in grams(words).items()
        }


def _cosine(left: _Weights, right: _Weights) -> float:
    small, large = sorted((left, right), key=len)
    product = sum(weight * large.get(gram, 0.0) for gram, weight in small.items())
    norm = math.hypot(*left.values()) * math.hypot(*right.values())
    return min(product / norm, 1.0) if norm else 0.0


def _held(keyword: _Weights, weights: _Weights) -> float:
    return sum(weight for gram, weight in keyword.items() if gram in weights) / sum(keyword.values())

"""Keeps a part of the set; what is left out is dropped as `not_selected` and can be restored.

Chance is a hash of the seed and the sample's id, never a generator: the same sample has the same luck on every machine,
in every order, and when the set grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field as Limits

from tilth.errors import UserError
from tilth.operators.base import Facts, Field, Read, set_operator, text
from tilth.operators.features import DIMENSIONS, vector
from tilth.operators.topics import topics
from tilth.sample import Drop, Sample, Verdict

Count = Annotated[int, Limits(ge=1)]
Share = Annotated[float, Limits(gt=0, le=1)]

_LUCK = ("luck", "<u8")


def _luck(sample: Sample, seed: int) -> int:
    return _hash(f"{seed}:{sample.id}")


def _hash(words: str) -> int:
    return int.from_bytes(blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _drop_others(facts: Facts, kept: Iterable[int], why: Mapping[str, Any]) -> Iterator[tuple[str, Verdict]]:
    chosen = set(kept)
    for index, place in enumerate(facts.places):
        if index not in chosen:
            yield place, Drop("not_selected", why)


def _by_luck(facts: Facts) -> list[int]:
    order: list[int] = np.argsort(facts.rows["luck"], kind="stable").tolist()
    return order


@set_operator("select.random")
@dataclass(frozen=True)
class Random:
    """Keep `n` samples, or a `share` of them, by chance.

    Set one of the two. A set with fewer than `n` samples is kept whole.
    """

    n: Count | None = None
    share: Share | None = None
    seed: int = 42

    fact: ClassVar[np.dtype[np.void]] = np.dtype([_LUCK])

    def __post_init__(self) -> None:
        """Refuse both settings, and neither."""
        if (self.n is None) == (self.share is None):
            raise ValueError("set either n or share.")

    def observe(self, sample: Sample) -> int:
        """The sample's luck."""
        return _luck(sample, self.seed)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Drop all but the luckiest."""
        n = self.n if self.n is not None else round((self.share or 0) * len(facts))
        yield from _drop_others(facts, _by_luck(facts)[:n], {"n": n, "seed": self.seed})


@set_operator("select.balanced")
@dataclass(frozen=True)
class Balanced:
    """Keep at most `n` samples of each value of a field, by chance.

    Args:
        by: `topic`, a signal, or a key of `meta` (a signal wins; dots go down: `task_type.major`). Samples without
            the field count as one value. Topics are found as for the coverage table of the report.
        n: samples to keep of each value.
        seed: chance.
    """

    by: str
    n: Count
    seed: int = 42

    fact: ClassVar[np.dtype[np.void]] = np.dtype([_LUCK, ("value", "<u8")])

    def observe(self, sample: Sample) -> tuple[int, int]:
        """The sample's luck and a hash of its value; a topic is known only when all samples are."""
        value = "" if self.by == "topic" else json.dumps(field_value(sample, self.by), sort_keys=True)
        return _luck(sample, self.seed), _hash(value)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Go through the samples in order of luck and drop those whose value has had its share."""
        values: list[Any] = facts.rows["value"].tolist()
        if self.by == "topic":
            values = list(topics(lambda: map(read, facts.places), self.seed))
        taken: dict[Any, int] = {}
        kept = []
        for index in _by_luck(facts):
            taken[values[index]] = taken.get(values[index], 0) + 1
            if taken[values[index]] <= self.n:
                kept.append(index)
        yield from _drop_others(facts, kept, {"by": self.by, "n": self.n, "seed": self.seed})


def field_value(sample: Sample, path: str) -> Any:
    """What a sample holds under a name: a signal, else a key of `meta`, where dots go down; `None` if neither."""
    if path in sample.signals:
        return sample.signals[path]
    value: Any = sample.meta
    for key in path.removeprefix("meta.").split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@set_operator("select.top")
@dataclass(frozen=True)
class Top:
    """Keep the `n` samples with the largest (or smallest) value of a signal; ties go to the first in the source.

    Raises:
        UserError: a sample lacks the signal, or the signal is no number.
    """

    signal: str
    n: Count
    largest: bool = True

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("value", "<f8")])

    def observe(self, sample: Sample) -> float:
        """The signal's value."""
        return _signal(sample, self.signal)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Drop all but the first `n` in order of value."""
        values = -facts.rows["value"] if self.largest else facts.rows["value"]
        kept = np.argsort(values, kind="stable")[: self.n].tolist()
        yield from _drop_others(facts, kept, {"signal": self.signal, "n": self.n, "largest": self.largest})


def _signal(sample: Sample, name: str) -> float:
    value = sample.signals.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        what = f"is {value!r}, not a number" if name in sample.signals else "is missing"
        raise UserError(
            f"signal '{name}' of {sample.place} {what}.",
            "Put the measure step that writes it before this one.",
        )
    return float(value)


@set_operator("select.budget")
@dataclass(frozen=True)
class Budget:
    """Keep samples by chance until their characters or tokens fill a budget.

    Samples are taken in order of luck; one that no longer fits is passed over, so a long sample never stops the rest.
    Set one of the two limits. Characters are those of question and answer; tokens are the signal `tokens`.
    """

    max_chars: Count | None = None
    max_tokens: Count | None = None
    seed: int = 42

    fact: ClassVar[np.dtype[np.void]] = np.dtype([_LUCK, ("size", "<u8")])

    def __post_init__(self) -> None:
        """Refuse both limits, and neither."""
        if (self.max_chars is None) == (self.max_tokens is None):
            raise ValueError("set either max_chars or max_tokens.")

    def observe(self, sample: Sample) -> tuple[int, int]:
        """The sample's luck and its size in the unit of the limit."""
        if self.max_tokens is not None:
            return _luck(sample, self.seed), int(_signal(sample, "tokens"))
        return _luck(sample, self.seed), len(sample.question) + len(sample.answer)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Fill the budget in order of luck and drop the rest."""
        unit, left = (
            ("max_tokens", self.max_tokens) if self.max_tokens else ("max_chars", self.max_chars or 0)
        )
        why = {unit: left, "seed": self.seed}
        sizes = facts.rows["size"].tolist()
        kept = []
        for index in _by_luck(facts):
            if sizes[index] <= left:
                left -= sizes[index]
                kept.append(index)
        yield from _drop_others(facts, kept, why)


_CROWD = 20_000
"""Largest set that `select.diverse` compares as a whole."""


@set_operator("select.diverse")
@dataclass(frozen=True)
class Diverse:
    """Keep `n` samples that lie as far from each other as possible, in wording.

    Greedy k-centre (Gonzalez 1985; used for training data as core-set selection by Sener and Savarese 2018,
    arXiv 1708.00489) on hashed vectors of hanzi, words and their pairs: each choice is the sample farthest, by cosine,
    from all those chosen before. The cost is n × samples; above 20,000 samples a random 20,000 of them stand for the
    set. It likes outliers: filter first.
    """

    n: Annotated[int, Limits(ge=1, le=_CROWD)]
    seed: int = 42
    field: Field = "question"

    fact: ClassVar[np.dtype[np.void]] = np.dtype([_LUCK, ("vector", "<i1", (DIMENSIONS,))])

    def observe(self, sample: Sample) -> tuple[int, np.ndarray]:
        """The sample's luck and its hashed vector: 264 bytes."""
        return _luck(sample, self.seed), vector(text(sample, self.field))

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """Start with the luckiest sample, add the farthest one until there are `n`, and drop the rest."""
        crowd = np.array(_by_luck(facts)[:_CROWD], dtype=np.int64)
        kept = crowd[_spread(facts.rows["vector"][crowd], self.n)].tolist() if len(crowd) else []
        yield from _drop_others(facts, kept, {"n": self.n, "seed": self.seed})


def _spread(vectors: np.ndarray, n: int) -> list[int]:
    """Indices of `n` rows by farthest-first traversal from row 0; the first of equally far rows is taken."""
    points = vectors.astype(np.float32)
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
    chosen = [0]
    nearest = points @ points[0]
    nearest[0] = np.inf
    while len(chosen) < min(n, len(points)):
        farthest = int(np.argmin(nearest))
        chosen.append(farthest)
        np.maximum(nearest, points @ points[farthest], out=nearest)
        nearest[farthest] = np.inf
    return chosen

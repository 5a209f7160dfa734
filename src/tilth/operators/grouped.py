"""The split that does not leak: what belongs together stays on one side, now and when the data grows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tilth.operators.base import Facts, Read, set_operator
from tilth.operators.candidates import Union
from tilth.operators.grams import Ints, comparison_digests, digest, firsts
from tilth.operators.linked import connected
from tilth.operators.minhash import MINHASH_VERSION
from tilth.sample import Assign, Sample, Side, Verdict

PROTECTED: tuple[Side, ...] = ("test", "validation", "train")
"""The sides, the most protected first."""


@set_operator("split.grouped", version=200 + MINHASH_VERSION)
@dataclass(frozen=True)
class Grouped:
    """Divide the samples so that no question of one side gives away a question of another.

    A group holds samples made from one another and samples whose questions are equal or leak by the leak rule,
    directly or through others; answers play no part. A group stays on the side that earlier runs gave its members;
    where groups of two sides have become one, the most protected side wins (test > validation > train). New groups
    are taken in the order of a hash of seed and group, and fill what test, then validation lack, in each stratum; the
    rest is train. Counts come within one group of the request; a group larger than what a side lacks goes on.

    Every leaking pair is found while the distinct questions hold up to 20 million characters. Beyond, near-copies are
    found through MinHash bands (0.988 of those at the threshold 0.6, 0.9998 at 0.7), contained questions as before.

    Args:
        train: share of the samples to train on.
        validation: share to validate on.
        test: share to test on.
        seed: another seed draws another split.
        by: a field of `meta`; each of its values is divided in the same ratios.
    """

    train: float = 0.7
    validation: float = 0.0
    test: float = 0.3
    seed: int = 42
    by: str | None = None

    observes: ClassVar[tuple[str, ...]] = ("by",)
    prepares: ClassVar[tuple[str, ...]] = ()
    fact: ClassVar[np.dtype[np.void]] = np.dtype(
        [
            ("id", "u8"),
            ("root", "u8"),
            ("stratum", "u8"),
            ("blank", "?"),
            ("question", "u8"),
            ("chars", "u4"),
        ]
    )

    def __post_init__(self) -> None:
        """Refuse ratios that do not sum to 1."""
        check_ratios(self.train, self.validation, self.test)

    def observe(self, sample: Sample) -> tuple[object, ...]:
        """Whose child the sample is, what it asks, and its stratum."""
        row: tuple[object, ...] = self.observe_many([sample])[0].item()
        return row

    def observe_many(self, samples: Sequence[Sample]) -> np.ndarray:
        """The same for many, several times faster."""
        rows = np.empty(len(samples), dtype=self.fact)
        questions = [sample.question for sample in samples]
        rows["id"] = [int(sample.id, 16) for sample in samples]
        rows["root"] = [int(sample.root, 16) for sample in samples]
        rows["stratum"] = [_stratum(s.meta.get(self.by)) for s in samples] if self.by else _NO_STRATUM
        rows["blank"] = [not question.strip() for question in questions]
        rows["chars"] = list(map(len, questions))
        rows["question"] = comparison_digests(questions)
        return rows

    def prepare(self, facts: Facts, read: Read) -> Ints:
        """For each row the group it belongs to: the same for every seed, share, stratum and history."""
        return _groups(facts, read)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """A side for every sample."""
        groups = self.prepare(facts, read) if facts.prepared is None else facts.prepared
        sides = self._sides(facts, groups)
        words = {side: Assign(side) for side in PROTECTED}
        for place, group in zip(facts.places, groups.tolist(), strict=True):
            yield place, words[sides[group]]

    def _sides(self, facts: Facts, groups: Ints) -> dict[int, Side]:
        rows, sides = facts.rows, _old_sides(facts, groups)
        sizes = np.bincount(groups, minlength=len(facts)).tolist()
        strata: dict[int, list[tuple[int, int]]] = {}
        first = np.lexsort((rows["stratum"], rows["id"], rows["root"], groups))
        first = first[np.flatnonzero(np.diff(groups[first], prepend=-1))]
        of_first = (column[first].tolist() for column in (rows["root"], rows["stratum"], groups))
        for root, stratum, group in zip(*of_first, strict=True):
            members = strata.get(stratum)
            if members is None:
                members = strata[stratum] = []
            members.append((digest(f"{self.seed}:{root:016x}"), group))
        done = 0
        for stratum in sorted(strata):
            members = sorted(strata[stratum])
            total = done + sum([sizes[group] for _, group in members])
            lacking: dict[Side, int] = {
                "test": round(self.test * total) - round(self.test * done),
                "validation": round(self.validation * total) - round(self.validation * done),
            }
            _fill(members, sizes, lacking, sides)
            done = total
        return sides


def _stratum(value: object) -> int:
    return digest(json.dumps(value, sort_keys=True, ensure_ascii=False))


_NO_STRATUM = _stratum(None)


def check_ratios(train: float, validation: float, test: float) -> None:
    """Refuse ratios that are negative or do not sum to 1.

    Raises:
        ValueError: the ratios are wrong.
    """
    total = train + validation + test
    if min(train, validation, test) < 0 or abs(total - 1) > 1e-6:
        raise ValueError(
            f"train {train} + validation {validation} + test {test} is {total:g}; "
            "expected shares from 0 to 1 that sum to 1."
        )


def _fill(
    members: Sequence[tuple[int, int]],
    sizes: Sequence[int],
    lacking: Mapping[Side, int],
    sides: dict[int, Side],
) -> None:
    test, validation = lacking["test"], lacking["validation"]
    for _, group in members if sides else ():
        old = sides.get(group)
        test -= sizes[group] * (old == "test")
        validation -= sizes[group] * (old == "validation")
    for _, group in members:
        if group in sides:
            continue
        size = sizes[group]
        if test >= size:
            sides[group] = "test"
            test -= size
        elif validation >= size:
            sides[group] = "validation"
            validation -= size
        else:
            sides[group] = "train"


def _old_sides(facts: Facts, groups: Ints) -> dict[int, Side]:
    """The most protected side that earlier runs gave a member of each group, or the root of one."""
    sides: dict[int, Side] = {}
    if not facts.history:
        return sides
    for field in ("id", "root"):
        for value, group in zip(facts.rows[field].tolist(), groups.tolist(), strict=True):
            side = facts.history.get(f"{value:016x}")
            known = [s for s in PROTECTED if s in (side, sides.get(group))]
            if known:
                sides[group] = known[0]
    return sides


def _groups(facts: Facts, read: Read) -> Ints:
    """For each row the group it belongs to: the number of its first row."""
    rows = facts.rows
    join = Union(len(facts))
    join.union_equal(np.arange(len(facts)), rows["root"])
    asking = np.flatnonzero(~rows["blank"])
    join.union_equal(asking, rows["question"][asking])
    distinct = np.sort(asking[firsts(rows["question"][asking])])
    leaking = connected(facts, distinct, read)
    linked = leaking != np.arange(distinct.size)
    for x, y in zip(distinct[linked].tolist(), distinct[leaking[linked]].tolist(), strict=True):
        join.union(x, y)
    return join.roots(np.arange(len(facts)))

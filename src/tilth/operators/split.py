"""Divides the samples into train, validation and test. A sample made from another one goes where that one goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as setting
from typing import ClassVar

import numpy as np

from tilth.operators.base import Facts, Read, set_operator
from tilth.operators.grouped import PROTECTED, Grouped, check_ratios
from tilth.operators.similarity import Leak, find_leaks
from tilth.sample import SIDES, Assign, Drop, Sample, Side, Verdict

__all__ = ["ByField", "Grouped", "HeadTail", "leak_proof"]

NO_SIDE = len(SIDES)


@set_operator("split.head_tail")
@dataclass(frozen=True)
class HeadTail:
    """Cut the samples in source order: the first to train, then validation, the rest to test.

    `int(n * train)` samples train and `int(n * validation)` validate, as tutorials cut. Near-copies may fall on both
    sides and every side moves when the data grows: `split.grouped` does neither.
    """

    train: float = 0.7
    validation: float = 0.0

    observes: ClassVar[tuple[str, ...]] = ()
    fact: ClassVar[np.dtype[np.void]] = np.dtype([("root", "u8")])

    def __post_init__(self) -> None:
        """Refuse shares beyond the whole."""
        check_ratios(self.train, self.validation, max(0.0, 1 - self.train - self.validation))

    def observe(self, sample: Sample) -> tuple[int]:
        """The sample that this one was made from, or itself."""
        return (int(sample.root, 16),)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """A side by position; samples with one root have the position of the first."""
        roots = facts.rows["root"].tolist()
        position = {root: at for at, root in enumerate(dict.fromkeys(roots))}
        train = int(len(position) * self.train)
        validation = train + int(len(position) * self.validation)
        for place, root in zip(facts.places, roots, strict=True):
            at = position[root]
            yield place, Assign("train" if at < train else "validation" if at < validation else "test")


def _usual() -> dict[str, Side]:
    return {
        "train": "train",
        "validation": "validation",
        "valid": "validation",
        "val": "validation",
        "dev": "validation",
        "test": "test",
    }


@set_operator("split.by_field")
@dataclass(frozen=True)
class ByField:
    """Give each sample the side that a field of `meta` names.

    A sample whose value is in nobody's list would have no side: it is dropped (`no_side`, with the value as evidence),
    or goes to the side `other` where that is set. A sample made from another one has that one's side.

    Args:
        field: the field of `meta`, for example `split`.
        values: the side that each value stands for.
        other: the side of all other values, missing ones included.
    """

    field: str
    values: Mapping[str, Side] = setting(default_factory=_usual)
    other: Side | None = None

    fact: ClassVar[np.dtype[np.void]] = np.dtype([("id", "u8"), ("root", "u8"), ("side", "u1")])

    def observe(self, sample: Sample) -> tuple[int, int, int]:
        """Id, root, and the number of the side (`NO_SIDE` for none)."""
        side = self.values.get(str(sample.meta.get(self.field)), self.other)
        return int(sample.id, 16), int(sample.root, 16), NO_SIDE if side is None else SIDES.index(side)

    def decide(self, facts: Facts, read: Read) -> Iterator[tuple[str, Verdict]]:
        """The side of the root where it is here, else the sample's own."""
        rows = facts.rows
        side_of = dict(zip(rows["id"].tolist(), rows["side"].tolist(), strict=True))
        for place, root, own in zip(facts.places, rows["root"].tolist(), rows["side"].tolist(), strict=True):
            side = side_of.get(root, own)
            if side == NO_SIDE:
                evidence = {"field": self.field, "value": read(place).meta.get(self.field)}
                yield place, Drop("no_side", evidence)
            else:
                yield place, Assign(SIDES[side])


def leak_proof(sides: Mapping[Side, Sequence[tuple[str, str]]]) -> list[tuple[Side, Side, Leak]]:
    """Every question of a protected side that a less protected side gives away; empty is the proof.

    Args:
        sides: place and question of each sample, by side.

    Returns:
        The protected side, the side that leaks, and the leak: its key is the protected question's place.
    """
    return [
        (PROTECTED[at], other, leak)
        for at in range(len(PROTECTED))
        for other in PROTECTED[at + 1 :]
        for leak in find_leaks(sides.get(PROTECTED[at], ()), sides.get(other, ()))
    ]

"""Counts by step and door, and the check that they add up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tilth.errors import BalanceError

EXAMPLES = 5
"""Changes kept as examples for each step."""

DOORS = ("kept", "dropped", "quarantined", "held")


class Tally(msgspec.Struct):
    """What one step did to the samples that reached it."""

    name: str
    taken: int = 0
    made: int = 0
    kept: int = 0
    changed: int = 0
    """Samples whose text is another one afterwards; a measurement is no change."""
    proposed: int = 0
    dropped: int = 0
    quarantined: int = 0
    held: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    examples: list[dict[str, str]] = msgspec.field(default_factory=list)
    """The first changes in source order: place, before, after."""

    def left(self, door: str, reason: str) -> None:
        """Count a sample that left by a door."""
        setattr(self, door, getattr(self, door) + 1)
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def add(self, other: Tally) -> None:
        """Count what another shard counted for the same step."""
        for name in (
            "taken",
            "made",
            "kept",
            "changed",
            "proposed",
            "dropped",
            "quarantined",
            "held",
            "seconds",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        self.examples = [*self.examples, *other.examples][:EXAMPLES]

    def check(self) -> None:
        """Hold the step to the sum.

        Raises:
            BalanceError: more or fewer samples left than came.
        """
        left = self.kept + self.dropped + self.quarantined + self.held
        if self.taken + self.made != left:
            raise BalanceError(
                f"step {self.name} took {self.taken} and made {self.made} samples, but {left} left it.",
                "This is a defect in Tilth: do not use this run. Please report it with the recipe.",
            )

    def as_dict(self) -> dict[str, Any]:
        """The shape of `run.json`."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        del found["examples"]
        found["reasons"] = dict(sorted(self.reasons.items()))
        found["seconds"] = round(self.seconds, 3)
        return found


def merge(shards: Iterable[list[Tally]]) -> list[Tally]:
    """One tally a step out of those of all shards."""
    total: list[Tally] = []
    for tallies in shards:
        for index, tally in enumerate(tallies):
            if index == len(total):
                total.append(Tally(tally.name))
            total[index].add(tally)
    return total


def balance(read: Tally, tallies: list[Tally], blank: int) -> dict[str, int]:
    """The counts of the whole run.

    Raises:
        BalanceError: they do not add up.
    """
    for tally in [read, *tallies]:
        tally.check()
    counts = {
        "taken": read.taken,
        "made": sum(t.made for t in tallies),
        "blank": blank,
        "kept": tallies[-1].kept if tallies else read.kept,
        **{door: read_count(read, tallies, door) for door in DOORS[1:]},
    }
    whole = Tally("run", taken=counts["taken"], made=counts["made"], kept=counts["kept"])
    whole.dropped, whole.quarantined, whole.held = counts["dropped"], counts["quarantined"], counts["held"]
    whole.check()
    return counts


def read_count(read: Tally, tallies: list[Tally], door: str) -> int:
    """How many samples left by a door, over all steps."""
    return int(getattr(read, door) + sum(getattr(t, door) for t in tallies))

"""Where to look first for the next version: the training samples nearest to the questions that went badly.

The questions themselves are never part of it: data made from them would make the next comparison worthless.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tilth.evaluation.compare import Comparison
from tilth.evaluation.measures import is_empty, refuses, repeats
from tilth.evaluation.nearest import Near
from tilth.evaluation.table import Row


@dataclass
class Item:
    """One training sample to look at."""

    near: Near
    """The sample as the nearest of its questions sees it."""
    questions: int = 0
    """How many questions that went badly it stands nearest to."""
    reasons: set[str] = field(default_factory=set)

    def as_dict(self) -> dict[str, Any]:
        """A line of `report/worklist.jsonl`: where the sample is, and no text, which may nearly be a question's."""
        return {
            "id": self.near.id,
            "place": self.near.place,
            "questions": self.questions,
            "similarity": round(self.near.similarity, 4),
            "reasons": sorted(self.reasons),
        }


def faults(row: Row) -> Iterator[str]:
    """Why the answer after training counts as bad; nothing where it does not."""
    if row.after.state != "failed":
        if is_empty(row.after.text):
            yield "empty"
        if repeats(row.after.text):
            yield "repeats"
        if refuses(row.after.text):
            yield "refuses"
        if row.after.state == "truncated":
            yield "truncated"
    if row.loss is not None and row.loss.difference > 0:
        yield "loss_rose"
    if row.winner == "before":
        yield "judged_worse"


def worklist(comparison: Comparison) -> list[Item]:
    """The training samples to look at: first those near most bad answers, then the most similar."""
    items: dict[str, Item] = {}
    for row in comparison.rows:
        reasons = set(faults(row))
        for near in comparison.near[row.question.place] if reasons else ():
            item = items.setdefault(near.place, Item(near))
            item.questions += 1
            item.reasons |= reasons
            if near.similarity > item.near.similarity:
                item.near = near
    return sorted(items.values(), key=lambda item: (-item.questions, -item.near.similarity))

"""Where to look first for the next version: the training samples nearest to the questions that went badly, and topics.

The questions themselves are never part of it: data made from them would make the next comparison worthless.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tilth.evaluation.compare import Comparison
from tilth.evaluation.gaps import Gap, gaps, unlike
from tilth.evaluation.measures import is_empty, refuses, repeats
from tilth.evaluation.nearest import Near
from tilth.evaluation.table import Row
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder

LOSS_ROSE = 0.05
"""Nats a token by which the held-out loss of a question must rise to count as gone badly."""
FILE = "worklist.jsonl"


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
            "kind": "sample",
            "id": self.near.id,
            "place": self.near.place,
            "questions": self.questions,
            "similarity": round(self.near.similarity, 4),
            "reasons": sorted(self.reasons),
        }


@dataclass(frozen=True)
class Worklist:
    """What to mend, and what to add."""

    items: tuple[Item, ...]
    """Training samples: first those near most bad answers, then the most similar."""
    topics: tuple[Gap, ...]
    unlike: int
    """Questions that went badly and resemble nothing in the training data: what they are about is missing."""
    bad: int
    """Questions that went badly."""

    def lines(self) -> Iterator[dict[str, Any]]:
        """The lines of `report/worklist.jsonl`."""
        yield {"kind": "summary", "bad": self.bad, "unlike": self.unlike}
        yield from (item.as_dict() for item in self.items)
        yield from (gap.as_dict() for gap in self.topics)


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
    if row.loss is not None and row.loss.difference > LOSS_ROSE:
        yield "loss_rose"
    if row.winner == "before":
        yield "judged_worse"
    if row.both_bad:
        yield "both_bad"


def worklist(comparison: Comparison) -> Worklist:
    """What the bad answers say about the training data."""
    items: dict[str, Item] = {}
    bad = set()
    for row in comparison.rows:
        reasons = set(faults(row))
        if reasons:
            bad.add(row.question.place)
        for near in comparison.near[row.question.place] if reasons else ():
            item = items.setdefault(near.place, Item(near))
            item.questions += 1
            item.reasons |= reasons
            if near.similarity > item.near.similarity:
                item.near = near
    ranked = sorted(items.values(), key=lambda item: (-item.questions, -item.near.similarity))
    places, train = frozenset(bad), comparison.training.data.get("train", ())
    return Worklist(
        items=tuple(ranked),
        topics=tuple(gaps(comparison.rows, places, train)),
        unlike=unlike(comparison.rows, places, comparison.near) if train else 0,
        bad=len(places),
    )


@dataclass(frozen=True)
class WorkLine:
    """A training sample of the work list, as it lies in the run folder: for a queue to show."""

    id: str
    place: str
    questions: int
    similarity: float
    reasons: tuple[str, ...]


def read_worklist(run: RunFolder) -> list[WorkLine]:
    """The training samples that the run's last comparison says to look at, in that order; empty where there was none."""
    return [
        WorkLine(row["id"], row["place"], row["questions"], row["similarity"], tuple(row["reasons"]))
        for row in read_jsonl(run.report / FILE)
        if row.get("kind") == "sample"
    ]


def read_topics(run: RunFolder) -> list[Gap]:
    """The topics in which the run's last comparison went badly; empty where there was none."""
    rows = (row for row in read_jsonl(run.report / FILE) if row.get("kind") == "topic")
    return [Gap(r["topic"], r["train"], r["questions"], r["bad"], r["thin"]) for r in rows]

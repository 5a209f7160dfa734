"""Held-out loss: how surprised each model is by the expected answers, which nobody has to judge."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite
from typing import Any, Literal, NamedTuple, Protocol

from tilth.errors import TilthError
from tilth.evaluation.protocol import Question
from tilth.evaluation.statistics import Interval, paired_bootstrap
from tilth.sample import Sample


class Scorer(Protocol):
    """A model that can say how likely an answer is to it."""

    name: str

    def losses(self, samples: Sequence[Sample]) -> Sequence[tuple[float | None, int]]:
        """For each sample the mean loss of its answer in nats a token (`None` without any), and how many those are."""


class _Loss(NamedTuple):
    mean: float
    tokens: int


class Scored(NamedTuple):
    """One expected answer under both models."""

    place: str
    before: float
    """Mean loss in nats a unit."""
    after: float
    units: int
    """Tokens of the answer; characters where the two models do not cut it into the same tokens."""

    @property
    def difference(self) -> float:
        """After minus before: negative is better."""
        return self.after - self.before


@dataclass(frozen=True)
class HeldOut:
    """Held-out loss before and after."""

    rows: tuple[Scored, ...]
    unit: Literal["token", "character"]
    unscored: int
    """Questions without an expected answer, or whose answer has no token within the model's context."""
    before: float
    after: float
    """Mean loss in nats a unit, every unit counting the same."""
    interval: Interval
    """95 % of after minus before, from 10,000 resamples of whole questions."""
    question_before: float
    question_after: float
    """Mean over questions, every question counting the same."""
    left_out: int = 0
    """Questions that one of the models has learned from: their loss is not held out."""

    @property
    def difference(self) -> float:
        """After minus before: negative is better."""
        return self.after - self.before

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out zero."""
        return not self.interval.straddles(0.0)

    def by_place(self) -> Mapping[str, Scored]:
        """The rows, by the question's place."""
        return {row.place: row for row in self.rows}

    def as_dict(self) -> dict[str, Any]:
        """The part `heldout` of `compare.json`."""
        return {
            "questions": len(self.rows),
            "unscored": self.unscored,
            "left_out": self.left_out,
            "unit": self.unit,
            "units": sum(row.units for row in self.rows),
            "before": self.before,
            "after": self.after,
            "difference": self.difference,
            "interval": list(self.interval),
            "distinguishable": self.distinguishable,
            "perplexity_before": perplexity(self.before),
            "perplexity_after": perplexity(self.after),
            "per_question_before": self.question_before,
            "per_question_after": self.question_after,
        }


def without(found: HeldOut | None, places: Collection[str], seed: int) -> HeldOut | None:
    """The held-out loss without the questions at these places; `None` where none is left."""
    if found is None or not places:
        return found
    rows = [row for row in found.rows if row.place not in places]
    if not rows:
        return None
    return replace(summary(rows, found.unit, found.unscored, seed), left_out=len(found.rows) - len(rows))


def perplexity(loss: float) -> float | None:
    """The exponential of a loss; `None` where no float can hold it."""
    return exp(loss) if loss < 700 else None


def held_out(
    questions: Sequence[Question], before: Scorer, after: Scorer, *, seed: int = 42
) -> HeldOut | None:
    """The loss of both models on the expected answers; `None` where no question has one.

    Where the models cut an answer into different tokens, losses a token cannot be compared; then all of them are
    given for each character of the answer.

    Raises:
        TilthError: a model gives a loss that is no number.
    """
    asked = [question for question in questions if question.expected.strip()]
    samples = [question.sample for question in asked]
    pairs = zip(asked, _losses(before, samples), _losses(after, samples), strict=True)
    scored = [(q, *b, *a) for q, b, a in pairs if b.tokens and a.tokens]
    if not scored:
        return None
    same = all(tokens == other for _, _, tokens, _, other in scored)
    rows = tuple(
        Scored(q.place, loss, later, tokens)
        if same
        else Scored(
            q.place, loss * tokens / len(q.expected), later * other / len(q.expected), len(q.expected)
        )
        for q, loss, tokens, later, other in scored
    )
    return summary(rows, "token" if same else "character", len(questions) - len(rows), seed)


def _losses(model: Scorer, samples: Sequence[Sample]) -> list[_Loss]:
    losses = [_Loss(mean or 0.0, tokens) for mean, tokens in model.losses(samples)]
    broken = sum(not isfinite(loss.mean) for loss in losses)
    if broken:
        raise TilthError(
            f"{model.name} gives no finite loss on {broken} of {len(samples)} expected answers.",
            "Its training diverged or its weights are damaged: train again with a lower train.learning_rate.",
        )
    return losses


def summary(rows: Sequence[Scored], unit: Literal["token", "character"], unscored: int, seed: int) -> HeldOut:
    """Means and the interval of their difference."""
    units = [row.units for row in rows]
    total = sum(units)
    return HeldOut(
        rows=tuple(rows),
        unit=unit,
        unscored=unscored,
        before=sum(row.before * row.units for row in rows) / total,
        after=sum(row.after * row.units for row in rows) / total,
        interval=paired_bootstrap([row.difference for row in rows], units, seed=seed),
        question_before=sum(row.before for row in rows) / len(rows),
        question_after=sum(row.after for row in rows) / len(rows),
    )

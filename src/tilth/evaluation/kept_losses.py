"""Losses on expected answers, computed once and kept: a report can be written again without any model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from tilth.evaluation.cached import read_lines
from tilth.evaluation.losses import HeldOut, Scorer, held_out
from tilth.evaluation.protocol import BOTH, Contestant, Question, SideName
from tilth.recipe.plan import content_key
from tilth.sample import Sample
from tilth.store.files import write_jsonl


@dataclass(frozen=True)
class Kept:
    """The loss of one model on one expected answer: a line of `report/losses.jsonl`."""

    place: str
    side: SideName
    mean: float | None
    """Nats a token; `None` where the answer has no token within the model's context."""
    tokens: int
    key: str
    """Digest of model, template, conversation and expected answer."""


@dataclass
class _Remembered:
    """A scorer that looks losses up."""

    name: str
    table: Mapping[str, Kept]
    """Place → loss."""

    def losses(self, samples: Sequence[Sample]) -> list[tuple[float | None, int]]:
        """What was kept for each sample."""
        found = (self.table[sample.place] for sample in samples)
        return [(kept.mean, kept.tokens) for kept in found]


Sides = tuple[Contestant, Contestant]


def score(
    questions: Sequence[Question], sides: Sides, scorers: tuple[Scorer, Scorer], file: Path, seed: int
) -> HeldOut | None:
    """The held-out loss of both sides; `None` where no question has an expected answer. `file` keeps the losses.

    Raises:
        TilthError: a model gives a loss that is no number.
    """
    known = {kept.key: kept for kept in read_lines(file, Kept)}
    tables: list[dict[str, Kept]] = []
    for side, contestant, scorer in zip(BOTH, sides, scorers, strict=True):
        wanted = _wanted(questions, contestant)
        missing = [q for q in questions if q.place in wanted and wanted[q.place] not in known]
        for question, (mean, tokens) in zip(missing, scorer.losses([q.sample for q in missing]), strict=True):
            key = wanted[question.place]
            known[key] = Kept(question.place, side, mean, tokens, key)
        tables.append({place: known[key] for place, key in wanted.items()})
    before, after = (_Remembered(side.name, table) for side, table in zip(sides, tables, strict=True))
    found = held_out(questions, before, after, seed=seed)
    kept = (
        asdict(Kept(place, side, line.mean, line.tokens, line.key))
        for side, table in zip(BOTH, tables, strict=True)
        for place, line in table.items()
    )
    write_jsonl(file, kept)
    return found


def kept_score(questions: Sequence[Question], sides: Sides, file: Path, seed: int) -> HeldOut | None:
    """The held-out loss as far as `file` tells it; `None` where a loss is missing."""
    known = {kept.key: kept for kept in read_lines(file, Kept)}
    tables = [_wanted(questions, contestant) for contestant in sides]
    if any(key not in known for table in tables for key in table.values()):
        return None
    before, after = (
        _Remembered(side.name, {place: known[key] for place, key in table.items()})
        for side, table in zip(sides, tables, strict=True)
    )
    return held_out(questions, before, after, seed=seed)


def _wanted(questions: Sequence[Question], contestant: Contestant) -> dict[str, str]:
    """Place → key of what can be scored."""
    return {
        q.place: content_key(
            contestant.identity, contestant.template, msgspec.to_builtins(list(q.messages)), q.expected
        )
        for q in questions
        if q.expected.strip()
    }

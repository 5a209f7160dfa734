"""The leak proof: does a question that will be asked stand, nearly word for word, in what the model learns?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tilth.engine.asked import Kept, read_kept_questions
from tilth.engine.questions import read_questions
from tilth.operators.similarity import find_leaks
from tilth.recipe.anchor import anchored
from tilth.recipe.plan import Plan
from tilth.sample import SIDES

Question = tuple[str, str]
"""A key that tells the question apart, and its text."""


@dataclass(frozen=True)
class Proof:
    """What the leak proof looks at; it pickles."""

    asked: Sequence[Question]
    """The compare questions."""
    kept: Sequence[Kept]
    """By shard: where the questions of what is kept lie."""


class Leaks(NamedTuple):
    """What the proof found."""

    rows: list[dict[str, Any]]
    """`{question, place, similarity, split}`"""
    texts: dict[str, str]
    """Place → the question that stands there, of the places that leak."""


def find_run_leaks(proof: Proof) -> Leaks:
    """Questions that will be asked and stand in what is learned.

    The test side and the compare questions are held against the training and validation sides, the validation side
    against the training side.
    """
    questions: dict[str, list[Question]] = {side: [] for side in SIDES}
    for kept_on, at, text in read_kept_questions(proof.kept):
        questions[kept_on].append((at, text))
    asked = [*proof.asked, *((text, text) for _, text in questions["test"])]
    found: dict[Any, dict[str, Any]] = {}
    chosen_by = [(text, text) for _, text in questions["validation"]]
    for side, tried in (("train", asked + chosen_by), ("validation", asked)):
        against = questions[side]
        for question, place, similarity in find_leaks(tried, against) if tried and against else []:
            leak = {"question": question, "place": place, "similarity": round(similarity, 4), "split": side}
            found.setdefault((question, place), leak)
    leaking = {leak["place"] for leak in found.values()}
    texts = {place: text for rows in questions.values() for place, text in rows if place in leaking}
    return Leaks(list(found.values()), texts)


def compare_questions(plan_: Plan) -> list[Question]:
    """The questions that the recipe asks before and after, where they are not the test side.

    Raises:
        SourceError, FormatError, UserError: the file with the questions cannot be read.
    """
    compare = anchored(plan_.recipe, plan_.folder).compare
    if compare is None or compare.questions == "test":
        return []
    if isinstance(compare.questions, list):
        return [(text, text) for text in compare.questions]
    return [(s.question, s.question) for s in read_questions(Path(compare.questions))]

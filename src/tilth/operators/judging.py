"""What a judge is asked and what it may say: the three H, a rubric of your own, and which of two answers is better.

The shapes are the contract; every reply is one of them, or says by its state why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from tilth.models.base import AsyncChatModel, Reply
from tilth.operators.prompts import Fenced, Language, ask, prompt

DIMENSIONS = ("harmless", "honest", "helpful")
"""The three H in their order: a harmful answer is not excused by being honest, nor a false one by being helpful."""


class Judged(msgspec.Struct, frozen=True):
    """A verdict with its reason, which stands first: a judge that must give it before the verdict judges better."""

    reason: str
    verdict: Literal["pass", "fail"]


class ThreeH(msgspec.Struct, frozen=True):
    """Askell et al. 2021, "A General Language Assistant as a Laboratory for Alignment" (arXiv 2112.00861)."""

    harmless: Judged
    honest: Judged
    helpful: Judged


class Pair(msgspec.Struct, frozen=True):
    """Which of two answers is better."""

    reason: str
    winner: Literal["A", "B", "tie"]


class Scored(msgspec.Struct, frozen=True):
    """A score from 1 (bad) to 5 (very good)."""

    reason: str
    score: Annotated[int, msgspec.Meta(ge=1, le=5)]


async def judge_pair(
    model: AsyncChatModel,
    question: str,
    first: str,
    second: str,
    *,
    reference: str = "",
    language: Language = "auto",
) -> Reply:
    """Which answer is better; `data` is a `Pair`.

    Judges lean to one side (Zheng et al. 2023, arXiv 2306.05685, section 3.3): ask in both orders and believe a
    winner only where both agree.

    Args:
        model: the judge.
        question: what was asked.
        first: the answer shown as A.
        second: the answer shown as B.
        reference: an answer known to be good; the judge is told that it need not be matched word for word.
        language: the language of the prompt.
    """
    values = {"question": Fenced(question), "a": Fenced(first), "b": Fenced(second)}
    name = "pair_reference" if reference else "pair"
    values |= {"reference": Fenced(reference)} if reference else {}
    return await ask(model, prompt(name, language, values), Pair)


async def judge_3h(
    model: AsyncChatModel, question: str, answer: str, *, language: Language = "auto"
) -> Reply:
    """Whether an answer is harmless, honest and helpful; `data` is a `ThreeH`."""
    values = {"question": Fenced(question), "answer": Fenced(answer)}
    return await ask(model, prompt("judge_3h", language, values), ThreeH)


async def judge_dimension(
    model: AsyncChatModel, dimension: str, question: str, answer: str, *, language: Language = "auto"
) -> Reply:
    """Whether an answer is one of the three H alone; `data` is a `Judged`."""
    values = {"question": Fenced(question), "answer": Fenced(answer)}
    return await ask(model, prompt(f"judge_{dimension}", language, values), Judged)


async def judge_rubric(
    model: AsyncChatModel,
    rubric: Mapping[str, str],
    question: str,
    answer: str,
    *,
    language: Language = "auto",
) -> Reply:
    """A score for each criterion of a rubric; `data` has a `Scored` under each of its names.

    Args:
        model: the judge.
        rubric: criterion → what it asks for. The names are Python identifiers.
        question: what was asked.
        answer: what is judged.
        language: the language of the prompt.
    """
    listed = "\n".join(f"- {name}: {about}" for name, about in rubric.items())
    values = {"question": Fenced(question), "answer": Fenced(answer), "rubric": listed}
    return await ask(model, prompt("judge_rubric", language, values), rubric_shape(rubric))


def rubric_shape(rubric: Mapping[str, str]) -> Any:
    """The shape of an answer to a rubric."""
    return msgspec.defstruct("Rubric", [(name, Scored) for name in rubric], frozen=True)

"""What a text that a model wrote from another must pass before it may be trained on; every refusal has its evidence.

The gates are cheap and look at wording alone: too close is a copy, too far is another text. Whether the meaning
survived, and with it the trap of a trick question, is asked of a model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from pydantic import Field as Limits

from tilth.models.base import AsyncChatModel, Reply
from tilth.operators import lexicon
from tilth.operators.features import units
from tilth.operators.filter import refuses
from tilth.operators.prompts import Fenced, Language, ask, prompt
from tilth.operators.similarity import comparison_text, jaccard
from tilth.sample import Drop

Share = Annotated[float, Limits(ge=0, le=1)]
Count = Annotated[int, Limits(ge=1, le=20)]


class Survives(msgspec.Struct, frozen=True):
    """Whether a rewritten sample still says what the source says."""

    reason: str
    verdict: Literal["pass", "fail"]


def overlap(source: str, made: str) -> float:
    """The share of the source's units (hanzi and words, in lower case) that the made text has too, 0 to 1."""
    wanted = set(units(source.lower()))
    return len(wanted & set(units(made.lower()))) / len(wanted) if wanted else 1.0


def copied(text: str, others: Sequence[tuple[str, str]], limit: float) -> Drop | None:
    """A verdict on a text that is nearly one of the others.

    Args:
        text: what was made.
        others: (name, text) of the source and of what was made before.
        limit: the Jaccard index of 3-grams (`dedup.near`'s measure) from which on a text is a copy.
    """
    for name, other in others:
        similarity = jaccard(text, other)
        if similarity >= limit:
            return Drop(
                "augmented_copy", {"same_as": name, "similarity": round(similarity, 4), "limit": limit}
            )
    return None


def drifted(text: str, source: str, limit: float) -> Drop | None:
    """A verdict on a text that shares less than `limit` of the source's words."""
    shared = overlap(source, text)
    return Drop("augmented_drift", {"shared": round(shared, 4), "limit": limit}) if shared < limit else None


def unusable(question: str, answer: str | None = None) -> Drop | None:
    """A verdict on a made sample that says nothing, talks of the prompt, or whose answer is a mere refusal.

    Evolved instructions often carry words of the prompt that made them; such ones are eliminated as in Xu et al.
    2023, "WizardLM" (arXiv 2304.12244), section 3.2.
    """
    empty = [
        name
        for name, text in (("question", question), ("answer", answer))
        if text is not None and _blank(text)
    ]
    if empty:
        return Drop("augmented_empty", {"field": empty[0]})
    found = _prompt_words().search(question)
    if found:
        return Drop("prompt_leaked", {"found": found[0]})
    refusal = refuses(answer) if answer else ""
    return Drop("augmented_refusal", {"value": refusal}) if refusal else None


def quoted(quote: str, document: str) -> Drop | None:
    """A verdict on a quotation that does not stand in the document; spaces, marks and case do not count."""
    key = comparison_text(quote)
    if key and key in comparison_text(document):
        return None
    return Drop("quote_not_in_text", {"quote": quote[:400]})


async def survives(
    model: AsyncChatModel, source: tuple[str, str], made: tuple[str, str], language: Language
) -> Reply:
    """Whether a rewritten (question, answer) pair still asks the same, with its trap, and is still answered.

    `data` is a `Survives`.
    """
    names = ("question", "answer", "new_question", "new_answer")
    values = {name: Fenced(text) for name, text in zip(names, (*source, *made), strict=True)}
    return await ask(model, prompt("augment_check", language, values), Survives)


def _blank(text: str) -> bool:
    return not comparison_text(text)


@lru_cache(maxsize=1)
def _prompt_words() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, lexicon.shipped("prompt_words.txt"))), re.IGNORECASE)

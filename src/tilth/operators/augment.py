"""Make new samples from those that are there. What is made is gated, carries its family, and is counted either way.

A model writes, so each request is paid once and its answer kept; a request that fails holds the sample it was for.
Steps that rewrite a question look at samples of one round only: in a longer conversation a question leans on what was
said before it. Other samples go on as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import msgspec

from tilth.models.base import AsyncChatModel
from tilth.operators import augment_gates as gates
from tilth.operators.augment_gates import Count, Share
from tilth.operators.augment_made import one_round, signals_of
from tilth.operators.base import edit, operator
from tilth.operators.base import text as text_of_field
from tilth.operators.prompts import Fenced, Language, ask, held, language_of, prompt
from tilth.sample import Drop, Hold, Made, Sample

LANGUAGES = {
    "en": "English",
    "zh": "中文",
    "ja": "日本語",
    "fr": "Français",
    "de": "Deutsch",
    "ru": "Русский",
}
"""How a pivot language is named to the model; another one is named as it is written."""


class Texts(msgspec.Struct, frozen=True):
    """Several wordings of one text."""

    texts: list[str]


@operator("augment.paraphrase", prompts=("paraphrase", "augment_check"))
async def paraphrase(
    sample: Sample,
    *,
    model: AsyncChatModel,
    n: Count = 2,
    max_similarity: Share = 0.7,
    min_shared: Share = 0.1,
    check: bool = True,
    language: Language = "auto",
) -> Sample | Hold | list[Sample | Made]:
    """Ask a question in other words and keep its answer.

    A wording that is nearly the source or an earlier one is dropped as `augmented_copy`, one that shares too few words
    with it as `augmented_drift`, and one that lost the meaning or the trap of the question as `lost_meaning`.

    Args:
        sample: the source; it goes on beside what is made of it.
        model: who writes.
        n: wordings to ask for.
        max_similarity: the Jaccard index of 3-grams from which on a wording is a copy.
        min_shared: the share of the source's hanzi and words that a wording must keep.
        check: ask `model` whether the answer still fits each wording that passed, one request each.
        language: the language of the prompt.
    """
    if not one_round(sample):
        return sample
    values = {"question": Fenced(sample.question), "n": str(n)}
    reply = await ask(model, prompt("paraphrase", language, values), Texts)
    if reply.state != "done":
        return held(model, reply)
    texts: list[tuple[str, dict[str, str]]] = [(text.strip(), {}) for text in reply.data.texts[:n]]
    return await _rewritten(
        sample, texts, _Gate(model, "question", max_similarity, min_shared, check, language)
    )


@operator("augment.back_translate", prompts=("translate", "augment_check"))
async def back_translate(
    sample: Sample,
    *,
    model: AsyncChatModel,
    through: str = "en",
    field: Literal["question", "answer"] = "question",
    max_similarity: Share = 0.7,
    min_shared: Share = 0.2,
    check: bool = True,
    language: Language = "auto",
) -> Sample | Hold | list[Sample | Made]:
    """Translate a question (or an answer) into another language and back, and keep the rest of the sample.

    Both legs stand in the made sample's signals. Gates and reasons are those of `augment.paraphrase`.

    Args:
        sample: the source; it goes on beside what is made of it.
        model: who translates.
        through: the language in between, as a code (`en`, `ja`) or a name.
        field: what is translated.
        max_similarity: the Jaccard index of 3-grams from which on the result is a copy.
        min_shared: the share of the source's hanzi and words that the result must keep.
        check: ask `model` whether the result still says the same, one request.
        language: the language of the prompts.
    """
    source = text_of_field(sample, field)
    if not one_round(sample) or not source.strip():
        return sample
    spoken = language if language != "auto" else language_of(source)
    legs: list[str] = []
    for target in (through, language_of(source)):
        values = {"text": Fenced(legs[-1] if legs else source), "target": LANGUAGES.get(target, target)}
        reply = await ask(model, prompt("translate", spoken, values))
        if reply.state != "done":
            return held(model, reply)
        legs.append(reply.text.strip())
    text = (legs[1], {"through": through, "there": legs[0], "back": legs[1]})
    return await _rewritten(sample, [text], _Gate(model, field, max_similarity, min_shared, check, language))


@dataclass(frozen=True)
class _Gate:
    """What a rewriting must pass."""

    model: AsyncChatModel
    field: Literal["question", "answer"]
    max_similarity: float
    min_shared: float
    check: bool
    language: Language


async def _rewritten(
    sample: Sample, texts: Sequence[tuple[str, Mapping[str, Any]]], gate: _Gate
) -> Hold | list[Sample | Made]:
    """The source, and what becomes of it where its question (or answer) reads like each of the texts.

    Args:
        sample: the source.
        texts: each with what the made sample's signals are to say about it.
        gate: what it must pass: by wording first, which is free, then by meaning.
    """
    made: list[Made] = []
    old = text_of_field(sample, gate.field)
    seen = [(sample.place, old)]
    for k, (new, evidence) in enumerate(texts):
        other = edit(sample, partial(_instead, new), gate.field)
        drop = (
            gates.unusable(new)
            or gates.copied(new, seen, gate.max_similarity)
            or gates.drifted(new, old, gate.min_shared)
        )
        if drop is None and gate.check:
            pair = (other.question, other.answer)
            reply = await gates.survives(gate.model, (sample.question, sample.answer), pair, gate.language)
            if reply.state != "done":
                return held(gate.model, reply)
            drop = (
                Drop("lost_meaning", {"reason": reply.data.reason}) if reply.data.verdict == "fail" else None
            )
        seen += [] if drop else [(f"#{k}", new)]
        made.append(Made(other.messages, signals_of(gate.model.name, **evidence), drop))
    return [sample, *made]


def _instead(new: str, _: str) -> str:
    return new

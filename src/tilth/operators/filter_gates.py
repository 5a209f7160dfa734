"""The three H as gates, in their order: a sample that one turns away never costs the question of the next."""

from __future__ import annotations

from tilth.errors import UserError
from tilth.models.base import AsyncChatModel
from tilth.operators.base import operator
from tilth.operators.judging import judge_dimension
from tilth.operators.prompts import Language, held, last_answer, transcript
from tilth.sample import Drop, Hold, Sample


@operator("filter.harmless", prompts=("judge_harmless",))
async def harmless(
    sample: Sample, *, model: AsyncChatModel | None = None, language: Language = "auto"
) -> Sample | Drop | Hold:
    """Drop answers that a judge calls harmful; use it before `filter.honest`.

    Args:
        sample: the sample.
        model: the judge; not asked where `annotate.judge` has judged the sample.
        language: of the prompt; `auto` follows the sample.
    """
    return await _gate(sample, "harmless", model, language)


@operator("filter.honest", prompts=("judge_honest",))
async def honest(
    sample: Sample, *, model: AsyncChatModel | None = None, language: Language = "auto"
) -> Sample | Drop | Hold:
    """Drop answers that a judge calls untrue or made up; use it after `filter.harmless`, before `filter.helpful`.

    Args:
        sample: the sample.
        model: the judge; not asked where `annotate.judge` has judged the sample.
        language: of the prompt; `auto` follows the sample.
    """
    return await _gate(sample, "honest", model, language)


@operator("filter.helpful", prompts=("judge_helpful",))
async def helpful(
    sample: Sample, *, model: AsyncChatModel | None = None, language: Language = "auto"
) -> Sample | Drop | Hold:
    """Drop answers that a judge calls of no help; use it last of the three.

    Args:
        sample: the sample.
        model: the judge; not asked where `annotate.judge` has judged the sample.
        language: of the prompt; `auto` follows the sample.
    """
    return await _gate(sample, "helpful", model, language)


async def _gate(
    sample: Sample, dimension: str, model: AsyncChatModel | None, language: Language
) -> Sample | Drop | Hold:
    known = sample.signals.get(dimension)
    if known in ("pass", "fail"):
        why = dict(sample.signals.get("judge_reasons") or {}).get(dimension, "")
        evidence = {"model": sample.signals.get("judge", ""), "why": why}
        return sample if known == "pass" else Drop(f"not_{dimension}", evidence)
    if model is None:
        raise UserError(
            f"nobody has judged whether {sample.place} is {dimension}.",
            "Put `annotate.judge` before this step, or give it `model:`.",
        )
    reply = await judge_dimension(
        model, dimension, transcript(sample), last_answer(sample), language=language
    )
    if reply.state != "done":
        return held(model, reply)
    if reply.data.verdict == "fail":
        return Drop(f"not_{dimension}", {"model": model.name, "why": reply.data.reason})
    return sample.replace(signals={**sample.signals, dimension: "pass"})

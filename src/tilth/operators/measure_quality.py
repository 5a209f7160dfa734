"""Quality as a judge scores it."""

from __future__ import annotations

from tilth.models.base import AsyncChatModel
from tilth.operators.base import operator
from tilth.operators.judging import judge_rubric
from tilth.operators.prompts import Language, held, language_of, last_answer, transcript
from tilth.sample import Hold, Sample

_QUALITY = {
    "zh": {
        "accuracy": "内容属实，没有编造，识破了问题里的陷阱",
        "completeness": "真正回答了问题，没有漏掉要点",
        "clarity": "条理清楚，语言通顺，不啰嗦",
    },
    "en": {
        "accuracy": "what it says is true, nothing is made up, a trap in the question is seen through",
        "completeness": "it really answers the question and leaves out nothing that matters",
        "clarity": "it is well ordered, well written and without padding",
    },
}


@operator("measure.quality", prompts=("judge_rubric",))
async def quality(sample: Sample, *, model: AsyncChatModel, language: Language = "auto") -> Sample | Hold:
    """A judge scores accuracy, completeness and clarity; the signal `quality` is their mean, 1 to 5.

    Args:
        sample: the sample.
        model: the judge.
        language: of the prompt; `auto` follows the sample.
    """
    question, answer = transcript(sample), last_answer(sample)
    chosen = language_of(question + answer) if language == "auto" else language
    rubric = _QUALITY[chosen]
    reply = await judge_rubric(model, rubric, question, answer, language=chosen)
    if reply.state != "done":
        return held(model, reply)
    scores = {name: getattr(reply.data, name).score for name in rubric}
    mean = round(sum(scores.values()) / len(scores), 2)
    return sample.replace(signals={**sample.signals, "quality": mean, "quality_scores": scores})

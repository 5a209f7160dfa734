"""Labels and answers from models, and the word of people on both."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field as Setting

from tilth.models.base import AsyncChatModel
from tilth.operators.base import Field, operator, text
from tilth.operators.judging import DIMENSIONS, judge_3h, judge_rubric
from tilth.operators.prompts import Fenced, Language, ask, held, language_of, last_answer, prompt, transcript
from tilth.sample import Drop, Hold, Message, Proposal, Propose, Sample, Settled

Criterion = Annotated[str, Setting(pattern=r"^[A-Za-z_]\w*$")]
Labels = Annotated[tuple[str, ...], Setting(min_length=2)]


@operator("annotate.draft_answer", prompts=("draft",))
async def draft_answer(
    sample: Sample,
    *,
    model: AsyncChatModel,
    instructions: str = "",
    overwrite: bool = False,
    keep_thinking: bool = False,
    language: Language = "auto",
) -> Sample | Hold:
    """A model answers the last question of a sample that has no answer.

    The model gets the conversation as it stands, after instructions of ours or your own. Who answered is kept in the
    signal `answer_from`; a person decides about drafts with `annotate.person`.

    Args:
        sample: the sample.
        model: who answers.
        instructions: what the model is told first, instead of the shipped words.
        overwrite: also answer where there is an answer already.
        keep_thinking: learn what the model thought before it answered too (`<think>…</think>`), as the turn's thinking;
            otherwise it is kept with the run's answers only, where `tilth explain` shows it.
        language: of the shipped words.
    """
    turns = list(sample.messages)
    while overwrite and turns and turns[-1].role == "assistant":
        turns.pop()
    while turns and turns[-1].role == "assistant" and not turns[-1].content.strip():
        turns.pop()
    if not turns or turns[-1].role != "user":
        return sample
    asked = [Message(m.role, m.content) for m in turns]
    if instructions:
        told = instructions
    else:
        chosen = language_of(sample.question) if language == "auto" else language
        told = prompt("draft", chosen, {})[0].content
    if asked[0].role == "system":
        asked[0] = Message("system", f"{told}\n\n{asked[0].content}")
    else:
        asked.insert(0, Message("system", told))
    reply = await ask(model, tuple(asked))
    if reply.state != "done":
        return held(model, reply)
    thinking = (keep_thinking and reply.thinking) or None
    drafted = (*turns, Message("assistant", reply.text.strip(), thinking=thinking))
    return sample.replace(messages=drafted, signals={**sample.signals, "answer_from": model.name})


@operator("annotate.judge", prompts=("judge_3h", "judge_rubric"))
async def judge(
    sample: Sample,
    *,
    model: AsyncChatModel,
    three_h: bool = True,
    rubric: dict[Criterion, str] = {},  # noqa: B006  a default of the recipe; operators never change their settings
    action: Literal["note", "hold", "drop"] = "note",
    language: Language = "auto",
) -> Sample | Drop | Hold:
    """A judge says whether the answer is harmless, honest and helpful, and scores it by criteria of yours.

    Verdicts go to the signals `harmless`, `honest` and `helpful` (`pass` or `fail`), scores of 1 to 5 to a signal of the
    criterion's name, reasons to `judge_reasons`. The three H count in this order: the first that fails is the one a
    sample is held or dropped for.

    Args:
        sample: the sample.
        model: the judge.
        three_h: ask for the three H.
        rubric: criterion → what it asks for.
        action: what becomes of a sample that fails one of the three H: `note` only writes it down.
        language: of the prompt; `auto` follows the sample.
    """
    found: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    question, answer = transcript(sample), last_answer(sample)
    if three_h:
        reply = await judge_3h(model, question, answer, language=language)
        if reply.state != "done":
            return held(model, reply)
        for name in DIMENSIONS:
            judged = getattr(reply.data, name)
            found[name], reasons[name] = judged.verdict, judged.reason
    if rubric:
        reply = await judge_rubric(model, rubric, question, answer, language=language)
        if reply.state != "done":
            return held(model, reply)
        for name in rubric:
            scored = getattr(reply.data, name)
            found[name], reasons[name] = scored.score, scored.reason
    failed = next((name for name in DIMENSIONS if found.get(name) == "fail"), None)
    if failed is not None and action != "note":
        evidence = {"model": model.name, "why": reasons[failed]}
        return (Drop if action == "drop" else Hold)(f"not_{failed}", evidence)
    signals = {**sample.signals, **found, "judge": model.name, "judge_reasons": reasons}
    return sample.replace(signals=signals)


@operator("annotate.classify", prompts=("classify",))
async def classify(
    sample: Sample,
    *,
    model: AsyncChatModel,
    labels: Labels,
    about: str = "",
    signal: str = "label",
    field: Field = "question",
    language: Language = "auto",
) -> Sample | Hold:
    """A model puts the sample into one of your classes, which goes to a signal.

    Args:
        sample: the sample.
        model: who classifies.
        labels: the classes.
        about: what the classes mean, in a sentence or two.
        signal: where the class is written.
        field: which text is classified.
        language: of the prompt; `auto` follows the sample.
    """
    listed = "\n".join(f"- {label}" for label in labels)
    values = {"labels": listed, "about": about, "text": Fenced(text(sample, field))}
    # msgspec makes the shape from the classes, so that another word is no answer.
    shape = msgspec.defstruct("Class", [("reason", str), ("label", Literal[labels])], frozen=True)
    reply = await ask(model, prompt("classify", language, values), shape)
    if reply.state != "done":
        return held(model, reply)
    return sample.replace(signals={**sample.signals, signal: reply.data.label})


class Rewritten(msgspec.Struct, frozen=True):
    """A text, written anew."""

    text: str


@operator("annotate.rewrite", prompts=("rewrite",))
async def rewrite(
    sample: Sample,
    *,
    model: AsyncChatModel,
    instruction: str,
    field: Literal["question", "answer"] = "answer",
    mode: Literal["propose", "apply"] = "propose",
    language: Language = "auto",
) -> Sample | Propose | Hold:
    """A model rewrites the last question or answer as you say; a proposal, unless the recipe lets it change the text.

    Args:
        sample: the sample.
        model: who writes.
        instruction: what is to change and what must stay.
        field: the last user turn or the last assistant turn.
        mode: `propose` leaves the text and offers the change; `apply` changes it.
        language: of the prompt; `auto` follows the sample.
    """
    role = "user" if field == "question" else "assistant"
    at = next((i for i in reversed(range(len(sample.messages))) if sample.messages[i].role == role), None)
    if at is None or not sample.messages[at].content.strip():
        return sample
    before = sample.messages[at].content
    values = {"instruction": instruction, "text": Fenced(before), "context": Fenced(transcript(sample))}
    reply = await ask(model, prompt("rewrite", language, values), Rewritten)
    if reply.state != "done":
        return held(model, reply)
    after = reply.data.text.strip()
    if not after or after == before:
        return sample
    if mode == "propose":
        return Propose((Proposal(field, before, after, {"model": model.name}),))
    messages = tuple(m.replace(content=after) if i == at else m for i, m in enumerate(sample.messages))
    return sample.replace(messages=messages, signals={**sample.signals, "rewritten_by": model.name})


@operator("annotate.person")
def person(
    sample: Sample,
    settled: Settled,
    *,
    only_unverified: bool = False,
    share: Annotated[float, Setting(ge=0, le=1)] = 1.0,
    answers: Annotated[int, Setting(ge=1)] = 1,
) -> Sample | Drop | Hold:
    """People decide: the sample waits until they have, then goes on right here, as it was or as they edited it.

    Accepted and edited samples go on, rejected ones are dropped as `rejected_by_person`, flagged and disputed ones wait
    for someone to settle them. A decision made about another text than the one that stands here does not count: the
    sample is asked about again. Decide with `tilth studio RUN`, then run the recipe again.

    Args:
        sample: the sample.
        settled: what people decided about it.
        only_unverified: ask only where the source does not say `human_verified: true`, or a model answered.
        share: ask only about this share of the samples, the same ones in every run: a spot check.
        answers: how many persons must agree on each.
    """
    evidence: dict[str, Any] = {"persons": list(settled.persons)} if settled.persons else {}
    evidence |= {"note": settled.note} if settled.note else {}
    if settled.state == "rejected":
        return Drop("rejected_by_person", evidence)
    if settled.state in ("accepted", "edited"):
        return _decided(sample, settled)
    if settled.state in ("flagged", "disputed"):
        return Hold(f"{settled.state}_by_persons", evidence)
    if not _asked(sample, only_unverified, share):
        return sample
    evidence |= {"wanted": answers} if answers > 1 else {}
    return Hold("waiting_for_person", evidence | ({"text_changed": True} if settled.state == "stale" else {}))


def _decided(sample: Sample, settled: Settled) -> Sample:
    signals: Mapping[str, Any] = {
        **sample.signals,
        "person_verdict": settled.state,
        **({"person_scores": dict(settled.scores)} if settled.scores else {}),
    }
    return sample.replace(signals=signals, messages=settled.messages or sample.messages)


def _asked(sample: Sample, only_unverified: bool, share: float) -> bool:
    if only_unverified and sample.meta.get("human_verified") is True and "answer_from" not in sample.signals:
        return False
    drawn = int.from_bytes(blake2b(sample.root.encode("utf-8"), digest_size=8).digest(), "big") / 2**64
    return drawn < share

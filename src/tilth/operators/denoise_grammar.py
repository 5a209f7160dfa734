"""Grammar as a model sees it: proposals that a person accepts or leaves."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Literal

import msgspec

from tilth.models.base import AsyncChatModel
from tilth.operators.base import operator
from tilth.operators.prompts import Fenced, Language, ask, held, prompt
from tilth.sample import Hold, Proposal, Propose, Sample

LEAST_ALIKE = 0.8
"""Of the characters of a text, the share that a repair of its grammar leaves; less is a rewriting, and not proposed."""


class Mended(msgspec.Struct, frozen=True):
    """A text without its faults of grammar; the same text where it has none."""

    text: str
    faults: list[str]


@operator("denoise.grammar", prompts=("grammar",))
async def grammar(
    sample: Sample,
    *,
    model: AsyncChatModel,
    field: Literal["question", "answer", "both"] = "answer",
    language: Language = "auto",
) -> Sample | Propose | Hold:
    """A model looks for faults of grammar and spelling, and proposes the text without them.

    What would change more than a fifth of a text is no repair and is not proposed.

    Args:
        sample: the sample.
        model: who looks.
        field: which turns are looked at.
        language: of the prompt; `auto` follows the text.
    """
    roles = {"question": ("user",), "answer": ("assistant",), "both": ("user", "assistant")}[field]
    found: list[Proposal] = []
    for message in sample.messages:
        if message.role not in roles or not message.content.strip():
            continue
        reply = await ask(model, prompt("grammar", language, {"text": Fenced(message.content)}), Mended)
        if reply.state != "done":
            return held(model, reply)
        after = reply.data.text.strip("\n")
        alike = SequenceMatcher(None, message.content, after, autojunk=False).ratio()
        if after != message.content and alike >= LEAST_ALIKE:
            name = "question" if message.role == "user" else "answer"
            evidence = {"model": model.name, "faults": reply.data.faults}
            found.append(Proposal(name, message.content, after, evidence))
    return Propose(tuple(found)) if found else sample

"""Preference pairs: `{"prompt": [{"role": "user", …}], "chosen": [{"role": "assistant", …}], "rejected": […]}`.

Written with an explicit prompt, as TRL recommends. Also read: answers as plain text or as one message, chosen and
rejected that both begin with the prompt (TRL's implicit prompt), and LLaMA-Factory's files (`conversations` or
`instruction` beside `chosen` and `rejected`; its old ones have both as the list `output`), and texts that hold the whole
conversation, `Human: …` and `Assistant: …` (HH-RLHF). Each side is one answer; the sample's last message is the chosen one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, need_object, refuse, register, rest
from tilth.formats.columns import has
from tilth.formats.pairs import PROMPT, answers, prompt_of, single
from tilth.formats.rounds import prompt_and_answer
from tilth.formats.speech import spoken
from tilth.formats.turns import read_tools, write_messages
from tilth.sample import Message, Sample

NAME = "preference"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample whose last message is the chosen answer, with the other one in `rejected`.

    Raises:
        FormatError: the prompt or an answer is missing, of the wrong type, or not one message.
    """
    found = _two(need_object(record, NAME))
    chosen, rejected = answers(found, "chosen", NAME), answers(found, "rejected", NAME)
    if not any(key in found for key in PROMPT):
        chosen, rejected = _told(found, "chosen", chosen), _told(found, "rejected", rejected)
    if chosen[0].role != "assistant":
        prompt, lines, used = _implicit(found, chosen, rejected)
        chosen, rejected = chosen[len(prompt) :], rejected[len(prompt) :]
    else:
        prompt, lines, used = prompt_of(found, NAME)
    messages = (*prompt, single(chosen, "chosen", NAME))
    meta = {**rest(found, (*used, "chosen", "rejected", "tools")), **lines}
    other = (single(rejected, "rejected", NAME),)
    return Sample(sample_id, place, messages, meta=meta, rejected=other, tools=read_tools(found, NAME))


def write(sample: Sample) -> dict[str, Any]:
    """Prompt, chosen and rejected, each a list of messages.

    Raises:
        FormatError: there is no rejected answer or more than one, or the sample has a mask or a KTO label.
    """
    refuse(sample, NAME, "loss", "label")
    if sample.rejected is None or [message.role for message in sample.rejected] != ["assistant"]:
        raise FormatError("preference needs one rejected answer beside the chosen one.")
    prompt, answer = prompt_and_answer(sample, NAME)
    out = {"prompt": prompt, "chosen": [answer], "rejected": write_messages(sample.rejected)}
    return {**out, "tools": [dict(tool) for tool in sample.tools]} if sample.tools else out


def fits(record: Record) -> bool:
    """Both answers are there."""
    return has(record, "chosen", "rejected") or (
        has(record, "instruction", "output") and _two(record) is not record
    )


def _two(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with both answers under their own keys, where it has them as a list of two."""
    both = record.get("output")
    if "chosen" in record or not (isinstance(both, list) and len(both) == 2):
        return record
    others = {key: value for key, value in record.items() if key != "output"}
    return {**others, "chosen": both[0], "rejected": both[1]}


def _told(record: Mapping[str, Any], key: str, found: tuple[Message, ...]) -> tuple[Message, ...]:
    """The turns of a side that is one text with the whole conversation."""
    text = record[key]
    return (spoken(text) if isinstance(text, str) else ()) or found


def _implicit(
    record: Mapping[str, Any], chosen: tuple[Message, ...], rejected: tuple[Message, ...]
) -> tuple[tuple[Message, ...], dict[str, Any], tuple[str, ...]]:
    """The messages that both sides begin with; a `prompt` that says the same question is not kept twice."""
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    asked = [message.content for message in chosen[:shared] if message.role == "user"]
    return chosen[:shared], {}, ("prompt",) if record.get(PROMPT[0]) in asked else ()


preference = register(
    Format(NAME, read, write, fits, rank=10, columns=(*PROMPT, "chosen", "rejected", "tools"))
)

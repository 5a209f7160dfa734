"""TRL's prompt and completion: `{"prompt": [{"role": "user", …}], "completion": [{"role": "assistant", …}]}`.

Written as messages, so that the trainer applies the chat template; plain text on either side is read too. Only the
last answer is the completion. `tools` may stand beside them.
"""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, need_object, refuse, register, rest
from tilth.formats.columns import has
from tilth.formats.pairs import one_answer, read_prompt
from tilth.formats.rounds import prompt_and_answer
from tilth.formats.turns import read_tools
from tilth.sample import Sample

NAME = "prompt_completion"
KEYS = ("prompt", "completion", "tools")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation whose last message is the completion.

    Raises:
        FormatError: `prompt` or `completion` is missing, or is neither text nor messages.
    """
    found = need_object(record, NAME)
    messages = (*read_prompt(found, "prompt", NAME), one_answer(found, "completion", NAME))
    return Sample(sample_id, place, messages, meta=rest(found, KEYS), tools=read_tools(found, NAME))


def write(sample: Sample) -> dict[str, Any]:
    """Everything before the last answer, and the last answer.

    Raises:
        FormatError: the sample does not end with an answer, or has a mask or a preference.
    """
    refuse(sample, NAME, "loss", "preference", "label")
    prompt, answer = prompt_and_answer(sample, NAME)
    out: dict[str, Any] = {"prompt": prompt, "completion": [answer]}
    return {**out, "tools": [dict(tool) for tool in sample.tools]} if sample.tools else out


def fits(record: Record) -> bool:
    """Both keys are there."""
    return has(record, "prompt", "completion")


prompt_completion = register(Format(NAME, read, write, fits, rank=35, columns=KEYS))

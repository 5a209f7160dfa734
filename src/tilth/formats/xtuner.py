"""XTuner 0.1.17 messages: `{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}`.

What its `openai_map_fn` reads without loss: rounds of a question and an answer, each with a system message before it
or none. It would skip a leading answer, glue questions that follow each other, forget a last question without an
answer and stop at any other role; such samples are refused. It knows no tools and no `loss`.
"""

from __future__ import annotations

from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, refuse, register
from tilth.formats.openai import KEYS, read_as
from tilth.formats.rounds import rounds
from tilth.sample import Sample

NAME = "xtuner"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation of system, user and assistant.

    Raises:
        FormatError: a message lacks its role or text, or there are tools.
    """
    sample = read_as(record, sample_id, place, NAME)
    if sample.tools or any(message.role == "tool" or message.tool_calls for message in sample.messages):
        raise FormatError("not a xtuner record: it has tools.", "Read it as `openai`.")
    return sample


def write(sample: Sample) -> dict[str, Any]:
    """Role and content, nothing else.

    Raises:
        FormatError: `openai_map_fn` would lose a part of the sample.
    """
    refuse(sample, NAME, "calls", "tools", "thinking", "loss", "preference", "label")
    rounds(sample, NAME, systems=True)
    return {"messages": [{"role": message.role, "content": message.content} for message in sample.messages]}


xtuner = register(Format(NAME, read, write, columns=KEYS))

"""A conversation written down as one text (`{"text": "### Human: …### Assistant: …"}`) or as texts in turn (`{"data": ["…", "…"]}`).

The conversation stands under `text`, `chat`, `plain_text`, `dialogue`, `dialog`, `conversation` or `data`, or is the bare
list; which marks are known says `tilth.formats.speech`. In BELLE's rounds it is the `instruction`, and `output` is its
last answer. A `system`, `prefix` or `meta_instruction` beside it is read as the system message. Read only: a text that
holds such a mark itself could not be taken apart again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import (
    Format,
    Record,
    kind_of,
    need_object,
    need_text,
    optional_text,
    register,
    rest,
    turn,
)
from tilth.formats.instruction import QUESTION, read_question
from tilth.formats.speech import in_turn, spoken
from tilth.sample import Message, Sample

NAME = "transcript"
PLACES = ("text", "chat", "plain_text", "dialogue", "dialog", "conversation", "data")
SYSTEM = ("system", "prefix", "meta_instruction")
TITLE = "SYSTEM: "


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation.

    Raises:
        FormatError: there is none, no speaker is marked, or nobody answers.
    """
    found = {"data": record} if isinstance(record, list) else need_object(record, NAME)
    used: tuple[str, ...] = (*QUESTION, "output")
    if "instruction" in found and "output" in found:
        messages = _belle(found)
    else:
        key = next((key for key in PLACES if key in found), None)
        if key is None:
            raise FormatError(f"not a {NAME} record: none of {', '.join(PLACES)} is there.")
        messages, used = _said(found[key], key), (key,)
    system = next((key for key in SYSTEM if key in found), "system")
    before = optional_text(found, system, NAME).removeprefix(TITLE).strip()
    if before and messages[0].role != "system":
        messages, used = (turn("system", before), *messages), (*used, system)
    return Sample(sample_id, place, messages, meta=rest(found, used))


def fits(record: Record) -> bool:
    """A text with speakers, or several texts in turn."""
    try:
        return len(read(record, "", "").messages) > 1
    except FormatError:
        return False


def _said(value: Any, key: str) -> tuple[Message, ...]:
    if isinstance(value, str):
        messages = spoken(value)
        if not messages:
            raise FormatError(
                f"not a {NAME} record: `{key}` begins with no speaker, or nobody answers.",
                "Read it as `text` where it is a document.",
            )
        return messages
    if isinstance(value, list) and len(value) > 1 and all(isinstance(item, str) for item in value):
        return in_turn(value)
    raise FormatError(f"not a {NAME} record: `{key}` is {kind_of(value)}, expected text or texts in turn.")


def _belle(record: Mapping[str, Any]) -> tuple[Message, ...]:
    """Earlier rounds and the question in the instruction, which may end with the mark of the answer."""
    asked, answer = read_question(record, NAME)[0], need_text(record, "output", NAME)
    messages = spoken(asked)
    if not messages:
        raise FormatError(f"not a {NAME} record: `instruction` begins with no speaker, or nobody answers.")
    if messages[-1] == turn("assistant", ""):
        messages = messages[:-1]
    if messages[-1].role != "user":
        raise FormatError(f"not a {NAME} record: `instruction` does not end with a question.")
    return (*messages, turn("assistant", answer))


transcript = register(
    Format(NAME, read, None, fits, rank=20, columns=(*PLACES, *QUESTION, "output", *SYSTEM))
)

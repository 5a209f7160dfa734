"""Questions without answers: `{"question": "…"}`.

Read from `question`, `prompt` (text or messages), `messages` (without an answer), `instruction` (with `input`) or
`title`; the first of them that is there is taken. Written as `question`.
"""

from __future__ import annotations

import re
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, need_object, need_text, refuse, register, rest, turn
from tilth.formats.columns import has
from tilth.formats.guess import ANSWERS
from tilth.formats.instruction import QUESTION, read_question
from tilth.formats.pairs import read_prompt
from tilth.formats.rounds import refuse_names
from tilth.sample import Message, Sample

NAME = "questions"
PLACES = ("question", "prompt", "messages", "instruction", "title")
ANSWERED = {
    "answer", "answers", "output", "response", "completion", "chosen", "rejected", "content", "text",
    "conversations", "conversation", "instances", "paragraphs", "article", "body", "canonical_solution", *ANSWERS,
}  # fmt: skip
"""Keys beside which a record is more than a question: such records are not taken for questions unasked."""


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample that ends with the question.

    Raises:
        FormatError: no question is there, it is no text, or an answer follows it.
    """
    found = need_object(record, NAME)
    key = next((key for key in PLACES if key in found), None)
    if key is None:
        raise FormatError(f"not a questions record: none of {', '.join(PLACES)} is there.")
    messages, lines = _asked(found, key)
    if messages[-1].role != "user":
        raise FormatError(f"not a questions record: `{key}` does not end with a question.")
    used = QUESTION if key == "instruction" else (key,)
    return Sample(sample_id, place, messages, meta={**rest(found, used), **lines})


def write(sample: Sample) -> dict[str, Any]:
    """The question alone.

    Raises:
        FormatError: there is an answer or anything else beside one question.
    """
    refuse(sample, NAME, "system", "calls", "tools", "thinking", "loss", "preference", "label")
    refuse_names(sample, NAME)
    if [message.role for message in sample.messages] != ["user"]:
        raise FormatError("questions can carry one question and no answer.", "Choose for example `openai`.")
    return {"question": sample.question}


def fits(record: Record) -> bool:
    """A question and nothing that looks like its answer."""
    if not isinstance(record, dict) or ANSWERED & record.keys() or any(map(_ONE_OF_SEVERAL, record)):
        return False
    messages = record.get("messages", record.get("prompt"))
    if isinstance(messages, list):
        return bool(messages) and has(messages[-1], "role") and messages[-1]["role"] == "user"
    return any(isinstance(record.get(key), str) for key in PLACES)


_ONE_OF_SEVERAL = re.compile(r"(?i)(?:answer|response|output|completion)s?[ _]?(?:\d+|[a-z])").fullmatch
"""An answer of several, as `response_0` or `answer_a`."""


def _asked(record: Any, key: str) -> tuple[tuple[Message, ...], dict[str, Any]]:
    if key == "instruction":
        question, lines = read_question(record, NAME)
        return (turn("user", question),), lines
    if key in ("prompt", "messages"):
        return read_prompt(record, key, NAME), {}
    return (turn("user", need_text(record, key, NAME)),), {}


questions = register(Format(NAME, read, write, fits, rank=45, columns=(*PLACES, "input")))

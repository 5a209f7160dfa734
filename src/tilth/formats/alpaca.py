"""Alpaca: `{"instruction": "…", "input": "", "output": "…", "system": "…", "history": [["…", "…"]]}`.

`input` follows the instruction after a line feed; `system` and `history` (earlier rounds) are optional, as in
LLaMA-Factory. An empty `system` means that there is none. What the answer was thought out with is read from `thinking`;
it is not written, since no trainer would read it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.formats.base import Format, Record, need_object, need_text, optional_text, refuse, register, rest
from tilth.formats.columns import has
from tilth.formats.instruction import QUESTION, read_history, read_question, write_question
from tilth.formats.rounds import of_rounds, rounds
from tilth.sample import Message, Sample

NAME = "alpaca"
KEYS = (*QUESTION, "output", "system", "history", "thinking")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample of one or more rounds.

    Raises:
        FormatError: a key is missing or has the wrong type.
    """
    return read_as(record, sample_id, place, NAME)


def write(sample: Sample) -> dict[str, Any]:
    """An Alpaca record; `system` and `history` only where there are any.

    Raises:
        FormatError: the turns are no rounds, or there are tools, thinking, a mask or a preference.
    """
    return {key: value for key, value in write_as(sample, NAME).items() if value is not None}


def read_as(record: Record, sample_id: str, place: str, name: str) -> Sample:
    """The reader, for every format with this shape.

    Raises:
        FormatError: a key is missing or has the wrong type.
    """
    found = need_object(record, name)
    prompt, lines = read_prompt(found, name)
    thinking = optional_text(found, "thinking", name) or None
    answer = Message(role="assistant", content=need_text(found, "output", name), thinking=thinking)
    return Sample(sample_id, place, (*prompt, answer), meta={**rest(found, KEYS), **lines})


def read_prompt(record: Mapping[str, Any], name: str) -> tuple[tuple[Message, ...], dict[str, Any]]:
    """System, earlier rounds and the question; and what `meta` must hold to take the question apart.

    Raises:
        FormatError: a key is missing or has the wrong type.
    """
    system = optional_text(record, "system", name)
    question, lines = read_question(record, name)
    earlier = of_rounds([(None, *pair) for pair in read_history(record, name)])
    before = (Message(role="system", content=system),) if system else ()
    return (*before, *earlier, Message(role="user", content=question)), lines


def write_as(sample: Sample, name: str) -> dict[str, Any]:
    """All five keys; `system` and `history` are `None` where there are none.

    Raises:
        FormatError: the turns are no rounds, or there are tools, thinking, a mask or a preference.
    """
    refuse(sample, name, "calls", "tools", "thinking", "loss", "preference", "label")
    *earlier, (_, question, answer) = triples = rounds(sample, name)
    history = [[old_question, old_answer] for _, old_question, old_answer in earlier]
    question_keys = write_question(question, sample)
    return {**question_keys, "output": answer, "system": triples[0][0], "history": history or None}


def fits(record: Record) -> bool:
    """Instruction data with an answer."""
    return has(record, "instruction", "output")


alpaca = register(Format(NAME, read, write, fits, rank=60, columns=KEYS))

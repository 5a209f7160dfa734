"""The question of instruction data: `instruction` and, where it is not empty, `input`, joined by one line feed.

`meta.input_lines` says how many of the question's last lines were `input`, so that writers can take the two apart
again. LLaMA-Factory joins them the same way, so a trainer reads the same text wherever the cut is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import kind_of, need_text, optional_text
from tilth.sample import Sample

QUESTION = ("instruction", "input")
LINES = "input_lines"


def read_question(record: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """The question, and what `meta` must hold to take it apart.

    Raises:
        FormatError: `instruction` is missing or no text, or `input` is neither text nor null.
    """
    instruction, more = need_text(record, "instruction", name), optional_text(record, "input", name)
    if not more:
        return instruction, {}
    question = f"{instruction}\n{more}" if instruction else more
    return question, {LINES: more.count("\n") + 1}


def write_question(question: str, sample: Sample) -> dict[str, str]:
    """`instruction` and `input`; the latter is empty unless `meta` says where it began."""
    lines = question.split("\n")
    count = sample.meta.get(LINES)
    if type(count) is not int or not 0 < count <= len(lines):
        return {"instruction": question, "input": ""}
    return {"instruction": "\n".join(lines[:-count]), "input": "\n".join(lines[-count:])}


def read_history(record: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Earlier rounds under `history`: pairs of question and answer.

    Raises:
        FormatError: `history` is no list of pairs of text.
    """
    history = record.get("history")
    if history is None:
        return []
    if not isinstance(history, list):
        raise FormatError(f"not a {name} record: `history` is {kind_of(history)}, expected a list.")
    for index, pair in enumerate(history):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise FormatError(
                f"not a {name} record: `history[{index}]` is no pair of texts, question and answer."
            )
    return [(question, answer) for question, answer in history]

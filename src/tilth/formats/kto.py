"""KTO data: `{"prompt": [{"role": "user", …}], "completion": [{"role": "assistant", …}], "label": true}`.

Written as TRL reads it. Also read: plain text on either side, and LLaMA-Factory's files (`messages`, `conversations`
or `instruction` and `output`, with the mark under `label` or `kto_tag`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, kind_of, need_object, refuse, register, rest
from tilth.formats.pairs import PROMPT, one_answer, prompt_of, single
from tilth.formats.rounds import prompt_and_answer
from tilth.formats.turns import read_tools
from tilth.sample import Sample

NAME = "kto"
MARKS = ("label", "kto_tag")
ANSWERS = ("completion", "output")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation whose last answer is marked as wanted or not.

    Raises:
        FormatError: the mark is not true or false, or the prompt or the answer is missing or of the wrong type.
    """
    found = need_object(record, NAME)
    mark = _mark(found)
    messages, lines, used = prompt_of(found, NAME)
    answer = next((key for key in ANSWERS if key in found), None)
    if answer is not None:
        messages = (*messages, one_answer(found, answer, NAME))
    elif len(messages) > 1:
        single(messages[-1:], used[0], NAME)
    else:
        raise FormatError("not a kto record: `completion` is missing.")
    keys = (*used, mark, "tools", *([answer] if answer else []))
    meta = {**rest(found, keys), **lines}
    return Sample(sample_id, place, messages, meta=meta, label=found[mark], tools=read_tools(found, NAME))


def write(sample: Sample) -> dict[str, Any]:
    """Prompt, completion and label.

    Raises:
        FormatError: the sample has no label, does not end with an answer, or has a mask or a rejected answer.
    """
    refuse(sample, NAME, "loss", "preference")
    if sample.label is None:
        raise FormatError("kto needs a label: whether the answer is wanted.")
    prompt, answer = prompt_and_answer(sample, NAME)
    out = {"prompt": prompt, "completion": [answer], "label": sample.label}
    return {**out, "tools": [dict(tool) for tool in sample.tools]} if sample.tools else out


def fits(record: Record) -> bool:
    """A mark, beside a prompt that is more than text to classify."""
    marked = isinstance(record, dict) and any(isinstance(record.get(key), bool) for key in MARKS)
    return marked and any(key in record for key in PROMPT)


def _mark(record: Mapping[str, Any]) -> str:
    for key in MARKS:
        if key in record:
            if not isinstance(record[key], bool):
                raise FormatError(
                    f"not a kto record: `{key}` is {kind_of(record[key])}, expected true or false."
                )
            return key
    raise FormatError("not a kto record: `label` is missing.")


kto = register(Format(NAME, read, write, fits, rank=15, columns=(*PROMPT, *ANSWERS, *MARKS, "tools")))

"""XTuner's own shape: `{"conversation": [{"system": "…", "input": "…", "output": "…"}]}`.

One item a round; `system` is optional, and an empty one means that there is none.
"""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, need_object, refuse, register, rest
from tilth.formats.columns import has, need
from tilth.formats.rounds import Triple, of_rounds, rounds
from tilth.formats.turns import read_list, text_at, unread
from tilth.sample import Sample

NAME = "xtuner_conversation"
ROUND = ("system", "input", "output")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation of rounds.

    Raises:
        FormatError: a round lacks its input or output, or a value is no text.
    """
    found = need_object(record, NAME)
    items = read_list(need(found, "conversation", NAME), "conversation", NAME)
    triples = [_round(item, f"conversation[{index}]") for index, item in enumerate(items)]
    meta = {**rest(found, ("conversation",)), **unread(items, "conversation", set(ROUND))}
    return Sample(sample_id, place, of_rounds(triples), meta=meta)


def write(sample: Sample) -> dict[str, Any]:
    """One item a round; `system` only where there is one.

    Raises:
        FormatError: the turns are no rounds, or there are tools, thinking, a mask or a preference.
    """
    refuse(sample, NAME, "calls", "tools", "thinking", "loss", "preference", "label")
    items = []
    for system, question, answer in rounds(sample, NAME, systems=True):
        before = {} if system is None else {"system": system}
        items.append({**before, "input": question, "output": answer})
    return {"conversation": items}


def fits(record: Record) -> bool:
    """A list of rounds with input and output."""
    items = record.get("conversation") if has(record, "conversation") else None
    return isinstance(items, list) and bool(items) and all(has(item, "input", "output") for item in items)


def _round(item: Any, where: str) -> Triple:
    system = item.get("system")
    said = None if system is None else text_at(system, f"{where}.system", NAME)
    question, answer = (
        text_at(need(item, key, NAME, where), f"{where}.{key}", NAME) for key in ("input", "output")
    )
    return said, question, answer


xtuner_conversation = register(Format(NAME, read, write, fits, rank=30, columns=("conversation",)))

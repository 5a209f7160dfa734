"""Firefly: `{"conversation": [{"human": "…", "assistant": "…"}], "category": "…"}`, one item a round.

A `system` text beside the conversation is read as its first message.
"""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, need_object, refuse, register, rest
from tilth.formats.columns import has, need
from tilth.formats.rounds import of_rounds, rounds
from tilth.formats.turns import read_list, text_at, unread, with_system
from tilth.sample import Sample

NAME = "firefly"
ROUND = ("human", "assistant")
KEYS = ("conversation", "system")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation of rounds.

    Raises:
        FormatError: a round lacks a side, or a value is no text.
    """
    found = need_object(record, NAME)
    items = read_list(need(found, "conversation", NAME), "conversation", NAME)
    said = [
        [text_at(need(item, key, NAME, where), f"{where}.{key}", NAME) for key in ROUND]
        for item, where in ((item, f"conversation[{index}]") for index, item in enumerate(items))
    ]
    meta = {**rest(found, KEYS), **unread(items, "conversation", set(ROUND))}
    talk = of_rounds([(None, asked, answered) for asked, answered in said])
    return Sample(sample_id, place, with_system(talk, found, NAME), meta=meta)


def write(sample: Sample) -> dict[str, Any]:
    """One item a round.

    Raises:
        FormatError: the turns are no rounds, or there are a system prompt, tools, thinking, a mask or a preference.
    """
    refuse(sample, NAME, "system", "calls", "tools", "thinking", "loss", "preference", "label")
    pairs = [dict(zip(ROUND, pair, strict=True)) for _, *pair in rounds(sample, NAME)]
    return {"conversation": pairs}


def fits(record: Record) -> bool:
    """A list of rounds with a human and an assistant."""
    items = record.get("conversation") if has(record, "conversation") else None
    return isinstance(items, list) and bool(items) and all(has(item, *ROUND) for item in items)


firefly = register(Format(NAME, read, write, fits, rank=30, columns=KEYS))

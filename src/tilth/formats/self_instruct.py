"""Seed tasks of Self-Instruct, as BELLE has them: `{"instruction": "…", "instances": [{"input": "…", "output": "…"}]}`.

A task becomes one sample, so it must have one instance.
"""

from __future__ import annotations

from typing import Any

from tilth.errors import FormatError
from tilth.formats.alpaca import read_as, write_as
from tilth.formats.base import Format, Record, need_object, refuse, register
from tilth.formats.columns import has, need
from tilth.formats.turns import read_list
from tilth.sample import Sample

NAME = "self_instruct"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample of one round; the task's other keys stay in `meta`.

    Raises:
        FormatError: a key is missing, has the wrong type, or there are several instances.
    """
    found = need_object(record, NAME)
    instances = read_list(need(found, "instances", NAME), "instances", NAME)
    if len(instances) != 1:
        raise FormatError(
            f"`instances` has {len(instances)} entries, and a sample is one of them.",
            "Write a record for each.",
        )
    others = {key: value for key, value in found.items() if key != "instances"}
    return read_as({**others, **instances[0]}, sample_id, place, NAME)


def write(sample: Sample) -> dict[str, Any]:
    """A task with one instance.

    Raises:
        FormatError: there is more than one round, or a system prompt, tools, thinking, a mask or a preference.
    """
    refuse(sample, NAME, "system", "turns")
    found = write_as(sample, NAME)
    instance = {"input": found["input"], "output": found["output"]}
    return {"instruction": found["instruction"], "instances": [instance]}


def fits(record: Record) -> bool:
    """An instruction with instances."""
    return has(record, "instruction", "instances") and isinstance(record["instances"], list)


self_instruct = register(Format(NAME, read, write, fits, rank=50, columns=("instruction", "instances")))

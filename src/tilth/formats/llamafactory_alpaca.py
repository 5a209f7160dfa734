"""Alpaca records in a folder that LLaMA-Factory loads as it is, with its `dataset_info.json`.

Every record has all five keys, because LLaMA-Factory 0.9.5 looks a declared column up in each record.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from tilth.formats.alpaca import KEYS, read_as, write_as
from tilth.formats.base import Format, Record, register
from tilth.sample import Sample

NAME = "llamafactory_alpaca"
COLUMNS = {
    "prompt": "instruction",
    "query": "input",
    "response": "output",
    "system": "system",
    "history": "history",
}


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample of one or more rounds.

    Raises:
        FormatError: a key is missing or has the wrong type.
    """
    return read_as(record, sample_id, place, NAME)


def write(sample: Sample) -> dict[str, Any]:
    """An Alpaca record with all five keys.

    Raises:
        FormatError: the turns are no rounds, or there are tools, thinking, a mask or a preference.
    """
    written = write_as(sample, NAME)
    return {**written, "system": written["system"] or "", "history": written["history"] or []}


def companions(files: Sequence[str]) -> Mapping[str, str]:
    """`dataset_info.json`, which names each data file after its stem."""
    info = {PurePosixPath(name).stem: {"file_name": name, "columns": COLUMNS} for name in files}
    return {"dataset_info.json": json.dumps(info, ensure_ascii=False, indent=2) + "\n"}


llamafactory_alpaca = register(Format(NAME, read, write, columns=KEYS, companions=companions))

"""ShareGPT records in a folder that LLaMA-Factory loads as it is, with its `dataset_info.json`.

Stricter than ShareGPT, as LLaMA-Factory 0.9.5 skips what does not fit: questions or observations and answers or calls
alternate, an answer comes last, and the system message is a key beside the conversation. Every record has all keys.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, register
from tilth.formats.sharegpt import KEYS, read_as, tools_text, write_turns
from tilth.sample import Sample

NAME = "llamafactory_sharegpt"
COLUMNS = {"messages": "conversations", "system": "system", "tools": "tools"}
ODD, EVEN = ("human", "observation"), ("gpt", "function_call")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation.

    Raises:
        FormatError: a turn lacks its speaker or text, a function call is no JSON, or `tools` is no list.
    """
    return read_as(record, sample_id, place, NAME)


def write(sample: Sample) -> dict[str, Any]:
    """A record that LLaMA-Factory does not skip.

    Raises:
        FormatError: the turns do not alternate, or ShareGPT cannot carry the sample.
    """
    turns = write_turns(sample, NAME)
    system = turns.pop(0)["value"] if turns[0]["from"] == "system" else ""
    speakers = [turn["from"] for turn in turns]
    alternate = all(speaker in (EVEN if index % 2 else ODD) for index, speaker in enumerate(speakers))
    if not speakers or len(speakers) % 2 or not alternate:
        raise FormatError(
            f"{NAME} cannot carry the turns {', '.join(speakers) or 'none'}: LLaMA-Factory skips them.",
            "Questions and answers must alternate, an answer last.",
        )
    return {"conversations": turns, "system": system, "tools": tools_text(sample)}


def companions(files: Sequence[str]) -> Mapping[str, str]:
    """`dataset_info.json`, which names each data file after its stem."""
    info = {
        PurePosixPath(name).stem: {"file_name": name, "formatting": "sharegpt", "columns": COLUMNS}
        for name in files
    }
    return {"dataset_info.json": json.dumps(info, ensure_ascii=False, indent=2) + "\n"}


llamafactory_sharegpt = register(Format(NAME, read, write, columns=KEYS, companions=companions))

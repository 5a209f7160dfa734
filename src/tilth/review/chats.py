"""Conversations kept from the chat: what people are asked about them, and the file of those that they accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tilth.errors import FolderError, FormatError
from tilth.formats import openai
from tilth.sample import Sample, Settled
from tilth.sources.identity import record_id
from tilth.store.files import read_jsonl, write_jsonl


class Chat(NamedTuple):
    """One kept conversation."""

    row: Mapping[str, Any]
    """The line of `chats.jsonl`."""
    sample: Sample


def chats(path: Path) -> dict[str, Chat]:
    """The conversations of `chats.jsonl` by id; those that say the same are one.

    Raises:
        FolderError: a line is no conversation; the message names it.
    """
    found: dict[str, Chat] = {}
    number = 1
    try:
        for row in read_jsonl(path):
            # No sample of the run may share the id: a decision about one would be a decision about the other.
            id_ = record_id({"chat": row["messages"]})
            found.setdefault(id_, Chat(row, openai.read(row, id_, f"{path.name}:{number}")))
            number += 1
    except (ValueError, KeyError, TypeError, FormatError):
        raise FolderError(
            f"{path}:{number} is no conversation.", "Mend or remove the line; the file is yours."
        ) from None
    return found


def write_accepted(path: Path, known: Mapping[str, Chat], settled: Callable[[str], Settled]) -> int:
    """Write the conversations that people accepted or edited, in the format `openai`; returns how many.

    The file follows from `chats.jsonl` and the decisions, and is written anew each time.
    """
    return write_jsonl(path, (row for id_, chat in known.items() for row in _accepted(chat, settled(id_))))


def _accepted(chat: Chat, said: Settled) -> list[dict[str, Any]]:
    if said.state not in ("accepted", "edited"):
        return []
    sample = chat.sample if said.messages is None else chat.sample.replace(messages=said.messages)
    about = {name: value for name, value in chat.row.items() if name not in openai.KEYS}
    return [{**openai.write(sample), **about, "reviewed_by": list(said.persons)}]

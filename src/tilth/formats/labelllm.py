"""LabelLLM, the annotation tool: a `conversation` of messages that are sent and received.

`{"prompt": "", "conversation": [{"message_id": "…", "parent_id": null, "message_type": "send", "content": "…"}, …]}`:
`send` is the user, `receive` the model. The shape's `prompt` is a note to the annotators and never a part of the
conversation: it goes to `meta`. A system message travels in `custom.system`. Ids are version 5 UUIDs of the sample's
id, so the same data gives the same file (import schema of LabelLLM v1.0.6).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, kind_of, need_object, refuse, register, rest, turn
from tilth.formats.columns import has, need
from tilth.formats.rounds import refuse_names
from tilth.formats.turns import read_list, text_at, unread
from tilth.sample import Message, Sample

NAME = "labelllm"
TYPES = {"send": "user", "receive": "assistant"}
LINKS = {"message_id", "parent_id", "message_type", "content"}


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation; evaluations and ids of LabelLLM's own are kept in `meta`.

    Raises:
        FormatError: a message lacks its type or text, or several answers follow one message.
    """
    found = need_object(record, NAME)
    items = read_list(need(found, "conversation", NAME), "conversation", NAME)
    messages = tuple(_message(item, f"conversation[{index}]") for index, item in enumerate(items))
    _check_chain(items)
    used = ("conversation", "custom") if found.get("prompt") else ("conversation", "custom", "prompt")
    meta = {**rest(found, used), **unread(items, "conversation", LINKS)}
    custom = found.get("custom") or {}
    if not isinstance(custom, dict):
        raise FormatError(f"not a labelllm record: `custom` is {kind_of(custom)}, expected an object.")
    if "system" in custom:
        messages = (turn("system", text_at(custom["system"], "custom.system", NAME)), *messages)
    others = rest(custom, ("system",))
    return Sample(sample_id, place, messages, meta={**meta, "custom": others} if others else meta)


def write(sample: Sample) -> dict[str, Any]:
    """A line of LabelLLM's import file.

    Raises:
        FormatError: a system message stands inside the conversation, or there are tools, thinking, a mask or a
            preference.
    """
    refuse(sample, NAME, "calls", "tools", "thinking", "loss", "preference", "label", "empty")
    refuse_names(sample, NAME)
    messages = list(sample.messages)
    system = messages.pop(0).content if messages[0].role == "system" else None
    if not messages or any(message.role == "system" for message in messages):
        raise FormatError("labelllm can carry a system message only before the conversation.")
    note = sample.meta.get("prompt")
    ids = [str(uuid5(NAMESPACE_URL, f"tilth:{sample.id}#{index}")) for index in range(len(messages))]
    kinds = {role: kind for kind, role in TYPES.items()}
    conversation = [
        {
            "message_id": ids[index],
            "parent_id": ids[index - 1] if index else None,
            "message_type": kinds[message.role],
            "content": message.content,
        }
        for index, message in enumerate(messages)
    ]
    out: dict[str, Any] = {"prompt": note if isinstance(note, str) else "", "conversation": conversation}
    return out if system is None else {**out, "custom": {"system": system}}


def fits(record: Record) -> bool:
    """A list of messages with a type."""
    items = record.get("conversation") if has(record, "conversation") else None
    return isinstance(items, list) and bool(items) and all(has(item, "message_type") for item in items)


def _message(item: Any, where: str) -> Message:
    kind = item.get("message_type")
    if kind not in ("send", "receive"):
        raise FormatError(
            f"not a labelllm record: `{where}.message_type` is {kind!r}, expected send or receive."
        )
    return turn(TYPES[kind], text_at(need(item, "content", NAME, where), f"{where}.content", NAME))


def _check_chain(items: Any) -> None:
    for before, item in pairwise(items):
        if item.get("parent_id") not in (None, before.get("message_id")):
            raise FormatError(
                "not a labelllm record: the conversation branches.", "Export one answer a conversation."
            )


labelllm = register(Format(NAME, read, write, fits, rank=25, columns=("conversation", "custom")))

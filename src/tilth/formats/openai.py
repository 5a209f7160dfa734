"""OpenAI messages: `{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}], "tools": […]}`.

Roles system, user, assistant, tool; `tool_calls`, `tool_call_id`, `name`, `thinking` and a per-message `loss`, each
written only where it is set. Content may also be a list of text parts, and a bare list of messages is read too.
A `system` text beside the messages, as Anthropic has it, is read as the first one. Keys of a message that Tilth does
not know are kept, turn by turn, in `meta.messages`.
"""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, need_object, refuse, register, rest
from tilth.formats.columns import has, need
from tilth.formats.turns import read_messages, read_tools, unread, with_system, write_messages
from tilth.sample import Sample

NAME = "openai"
KEYS = ("messages", "tools", "system")


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation.

    Raises:
        FormatError: a message lacks its role or text, or a value has the wrong type.
    """
    return read_as(record, sample_id, place, NAME)


def read_as(record: Record, sample_id: str, place: str, name: str) -> Sample:
    """The reader, for every format with this shape.

    Raises:
        FormatError: as `read`.
    """
    found = {"messages": record} if isinstance(record, list) else need_object(record, name)
    messages = with_system(read_messages(need(found, "messages", name), "messages", name), found, name)
    meta = {**rest(found, KEYS), **unread(found["messages"], "messages")}
    return Sample(sample_id, place, messages, meta=meta, tools=read_tools(found, name))


def write(sample: Sample) -> dict[str, Any]:
    """A record with messages and, where there are any, tools.

    Raises:
        FormatError: the sample is a preference pair, has a KTO label, or no messages.
    """
    refuse(sample, NAME, "preference", "label", "empty")
    out: dict[str, Any] = {"messages": write_messages(sample.messages)}
    return {**out, "tools": [dict(tool) for tool in sample.tools]} if sample.tools else out


def fits(record: Record) -> bool:
    """A list of messages with a role, bare or under `messages`."""
    messages = record.get("messages") if has(record, "messages") else record
    return isinstance(messages, list) and bool(messages) and all(has(item, "role") for item in messages)


openai = register(Format(NAME, read, write, fits, rank=50, columns=KEYS))

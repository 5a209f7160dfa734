"""ShareGPT: `{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}], "tools": "…"}`.

Speakers are `system`, `human`, `gpt`, `function_call` (JSON text of one call or a list of calls), `observation` and
`tool`. `tools` is JSON text. A `system` key beside the conversation is read as its first message. The shape has no
ids for tool calls: they are left out where the order says the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, need_object, optional_text, refuse, register, rest, turn
from tilth.formats.columns import has, need
from tilth.formats.turns import read_conversation, read_tools, unread
from tilth.sample import Message, Sample

NAME = "sharegpt"
KEYS = ("conversations", "system", "tools")
WRITTEN = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation.

    Raises:
        FormatError: a turn lacks its speaker or text, a function call is no JSON, or `tools` is no list.
    """
    return read_as(record, sample_id, place, NAME)


def write(sample: Sample) -> dict[str, Any]:
    """A ShareGPT record; a system message is a turn.

    Raises:
        FormatError: the sample has thinking, a mask, a preference, names, text beside a tool call, or ids of tool
            calls that the order does not say.
    """
    out: dict[str, Any] = {"conversations": write_turns(sample, NAME)}
    return {**out, "tools": tools_text(sample)} if sample.tools else out


def read_as(record: Record, sample_id: str, place: str, name: str) -> Sample:
    """The reader, for every format with this shape.

    Raises:
        FormatError: as `read`.
    """
    found = need_object(record, name)
    messages = read_conversation(need(found, "conversations", name), "conversations", name)
    system = optional_text(found, "system", name)
    if system:
        messages = (turn("system", system), *messages)
    meta = {**rest(found, KEYS), **unread(found["conversations"], "conversations", {"from", "value"})}
    return Sample(sample_id, place, messages, meta=meta, tools=read_tools(found, name))


def write_turns(sample: Sample, name: str) -> list[dict[str, str]]:
    """The turns with `from` and `value`.

    Raises:
        FormatError: as `write`.
    """
    refuse(sample, name, "thinking", "loss", "preference", "label", "empty")
    if not _order_says_it(sample):
        raise FormatError(
            f"{name} cannot carry names, or tool calls and results that are not in the same order.",
            "Choose a format that can, for example `openai`.",
        )
    return [_spoken(message, name) for message in sample.messages]


def tools_text(sample: Sample) -> str:
    """Tool definitions as JSON text; empty where there are none."""
    return json.dumps(list(sample.tools), ensure_ascii=False) if sample.tools else ""


def fits(record: Record) -> bool:
    """A list of turns with a speaker."""
    turns = record.get("conversations") if has(record, "conversations") else None
    return isinstance(turns, list) and all(has(item, "from", "value") for item in turns)


def _order_says_it(sample: Sample) -> bool:
    waiting: list[Mapping[str, Any]] = []
    for message in sample.messages:
        if message.tool_calls:
            waiting = list(message.tool_calls)
        if message.role != "tool":
            if message.name is not None or message.tool_call_id is not None:
                return False
            continue
        call = waiting.pop(0) if waiting else {}
        if message.tool_call_id not in (None, call.get("id")):
            return False
        if message.name not in (None, call.get("function", {}).get("name")):
            return False
    return True


def _spoken(message: Message, name: str) -> dict[str, str]:
    if not message.tool_calls:
        return {"from": WRITTEN[message.role], "value": message.content}
    calls = [_call(call, name) for call in message.tool_calls]
    if message.content:
        raise FormatError(f"{name} cannot carry text beside a tool call.", "Choose for example `openai`.")
    text = json.dumps(calls if len(calls) > 1 else calls[0], ensure_ascii=False)
    return {"from": "function_call", "value": text}


def _call(call: Mapping[str, Any], name: str) -> dict[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise FormatError(f"{name} cannot carry a tool call without `function.name`.")
    return (
        {**function, "arguments": _arguments(function["arguments"])} if "arguments" in function else function
    )


def _arguments(value: Any) -> Any:
    """OpenAI writes arguments as JSON text; readers of this shape expect the object."""
    if not isinstance(value, str):
        return value
    try:
        parsed = msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return value
    return parsed if isinstance(parsed, dict) else value


sharegpt = register(Format(NAME, read, write, fits, rank=40, columns=KEYS))

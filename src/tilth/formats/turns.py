"""Messages as OpenAI and ShareGPT write them, and tool definitions: what several shapes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tilth.errors import FormatError
from tilth.formats.base import kind_of, optional_text, turn
from tilth.formats.columns import need
from tilth.sample import Message, Role

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "ai": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
    "observation": "tool",
}
"""Who speaks, by the words that data sets use, in any case."""
SPEAKERS: dict[str, Role] = {
    "system": "system",
    "human": "user",
    "gpt": "assistant",
    "function_call": "assistant",
    **ROLES,
    "bing": "assistant",
    "bard": "assistant",
}
_LOSS = ("loss", "weight", "loss_weight")
_KEYS = {"role", "content", *_LOSS, "thinking", "reasoning_content", "tool_calls", "tool_call_id", "name"}


def read_list(value: Any, key: str, name: str) -> list[Mapping[str, Any]]:
    """A list of at least one object, as `messages` and `conversations` are.

    Raises:
        FormatError: it is something else.
    """
    if not isinstance(value, list):
        raise FormatError(f"not a {name} record: `{key}` is {kind_of(value)}, expected a list.")
    if not value:
        raise FormatError(f"not a {name} record: `{key}` is empty.")
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            raise FormatError(
                f"not a {name} record: `{key}[{index}]` is {kind_of(item)}, expected an object."
            )
    return value


def read_messages(value: Any, key: str, name: str) -> tuple[Message, ...]:
    """Messages as OpenAI writes them: `role` and `content`, which may be a list of text parts.

    The mask is read from `loss` (XTuner), `weight` (OpenAI) or `loss_weight` (LLaMA-Factory); the thinking from
    `thinking` or `reasoning_content`; the role `developer` is OpenAI's newer word for `system`.

    Raises:
        FormatError: a message lacks its role or text, or one of its values has the wrong type.
    """
    items = read_list(value, key, name)
    return tuple(_message(item, f"{key}[{index}]", name) for index, item in enumerate(items))


def read_conversation(value: Any, key: str, name: str) -> tuple[Message, ...]:
    """Messages as ShareGPT writes them: `from` and `value`.

    Raises:
        FormatError: a turn lacks its speaker or text, or one of its values has the wrong type.
    """
    items = read_list(value, key, name)
    return tuple(_spoken(item, f"{key}[{index}]", name) for index, item in enumerate(items))


def read_either(value: Any, key: str, name: str) -> tuple[Message, ...]:
    """Messages in either spelling; the first one shows which.

    Raises:
        FormatError: as `read_messages` and `read_conversation`.
    """
    spoken = "from" in read_list(value, key, name)[0]
    return read_conversation(value, key, name) if spoken else read_messages(value, key, name)


def with_system(messages: tuple[Message, ...], record: Mapping[str, Any], name: str) -> tuple[Message, ...]:
    """The messages, after the text under `system` where there is one that the first message does not say already.

    Raises:
        FormatError: `system` is neither text nor null.
    """
    system = optional_text(record, "system", name)
    return (
        messages
        if not system or messages[0] == turn("system", system)
        else (turn("system", system), *messages)
    )


def unread(
    value: Sequence[Mapping[str, Any]], key: str, known: frozenset[str] | set[str] = _KEYS
) -> dict[str, Any]:
    """The keys of messages that no field stands for: turn by turn under `key`, nothing where there are none."""
    found = [{k: v for k, v in item.items() if k not in known} for item in value]
    return {key: found} if any(found) else {}


def read_tools(record: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...] | None:
    """Tool definitions under `tools`: a list of objects, or the same as JSON text.

    Raises:
        FormatError: they are something else.
    """
    value = record.get("tools")
    if isinstance(value, str) and value:
        value = json_at(value, "tools", name)
    if value in (None, "", []):
        return None
    return tuple(read_list(value, "tools", name))


def text_at(value: Any, where: str, name: str) -> str:
    """The value, which must be text.

    Raises:
        FormatError: it is not.
    """
    if not isinstance(value, str):
        raise FormatError(f"not a {name} record: `{where}` is {kind_of(value)}, expected text.")
    return value


def json_at(text: str, where: str, name: str) -> Any:
    """The value of a JSON text inside a record.

    Raises:
        FormatError: it is no JSON.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise FormatError(f"not a {name} record: `{where}` is no valid JSON text.") from None


def write_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as OpenAI writes them; every optional key only where it says something."""
    return [_written(message) for message in messages]


def _message(item: Mapping[str, Any], where: str, name: str) -> Message:
    role = _speaker(item, "role", ROLES, where, name)
    calls = item.get("tool_calls") or None
    content = "" if calls and item.get("content") is None else need(item, "content", name, where)
    return Message(
        role=role,
        content=_parts(content, f"{where}.content", name) if isinstance(content, list) else text_at(content, f"{where}.content", name),
        loss=_loss(item, where, name),
        thinking=_optional(item, ("thinking", "reasoning_content"), where, name),
        tool_calls=None if calls is None else tuple(read_list(calls, f"{where}.tool_calls", name)),
        tool_call_id=_optional(item, ("tool_call_id",), where, name),
        name=_optional(item, ("name",), where, name),
    )  # fmt: skip


def _parts(parts: list[Any], where: str, name: str) -> str:
    texts = []
    for index, part in enumerate(parts):
        here = f"{where}[{index}]"
        if not isinstance(part, dict) or part.get("type") != "text":
            raise FormatError(f"not a {name} record: `{here}` is no text part.", "Only text can be read.")
        key = "text" if "text" in part else "value"
        texts.append(text_at(part.get(key), f"{here}.{key}", name))
    return "".join(texts)


def _loss(item: Mapping[str, Any], where: str, name: str) -> bool | None:
    for key in _LOSS:
        value = item.get(key)
        if value is None:
            continue
        if value not in (0, 1):
            raise FormatError(
                f"not a {name} record: `{where}.{key}` is {value!r}, expected true or false, 1 or 0."
            )
        return bool(value)
    return None


def _optional(item: Mapping[str, Any], keys: Sequence[str], where: str, name: str) -> str | None:
    for key in keys:
        if item.get(key) is not None:
            return text_at(item[key], f"{where}.{key}", name)
    return None


def _spoken(item: Mapping[str, Any], where: str, name: str) -> Message:
    role = _speaker(item, "from", SPEAKERS, where, name)
    value = text_at(need(item, "value", name, where), f"{where}.value", name)
    if item["from"] != "function_call":
        return turn(role, value)
    calls = json_at(value, f"{where}.value", name)
    calls = calls if isinstance(calls, list) else [calls]
    if not calls or not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        raise FormatError(f"not a {name} record: `{where}.value` is no function call with a `name`.")
    wrapped = tuple({"type": "function", "function": call} for call in calls)
    return Message(role="assistant", content="", tool_calls=wrapped)


def _speaker(item: Mapping[str, Any], key: str, known: Mapping[str, Role], where: str, name: str) -> Role:
    word = text_at(need(item, key, name, where), f"{where}.{key}", name)
    if word.casefold() not in known:
        raise FormatError(f"not a {name} record: `{where}.{key}` is '{word}'.", f"Known: {', '.join(known)}.")
    return known[word.casefold()]


def _written(message: Message) -> dict[str, Any]:
    out: dict[str, Any] = {"role": message.role, "content": message.content}
    for key in ("loss", "thinking", "tool_call_id", "name"):
        value = getattr(message, key)
        if value is not None:
            out[key] = value
    if message.tool_calls:
        out["tool_calls"] = [dict(call) for call in message.tool_calls]
    return out

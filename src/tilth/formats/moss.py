"""MOSS: `{"meta_instruction": "…", "chat": {"turn_1": {"Human": "…", "Inner Thoughts": "…", "Commands": "…", "Tool Responses": "…", "MOSS": "…"}}}`.

The instruction is the system message, `Inner Thoughts` are thinking, `Commands` tool calls (`Search("水")` calls `Search`
with the `input` 水) and `Tool Responses` the tools' message. Marks (`<|Human|>: `, `<eoh>`) are taken off, and `None` says
that there is nothing. Read only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import (
    Format,
    Record,
    kind_of,
    need_object,
    need_text,
    optional_text,
    register,
    rest,
    turn,
)
from tilth.formats.columns import has, need
from tilth.sample import Message, Sample

NAME = "moss"
KEYS = ("meta_instruction", "chat")
TURN = ("Human", "Inner Thoughts", "Commands", "Tool Responses", "MOSS")
_MARK = re.compile(r"\A\s*<\|[\w ]+\|>:")
_END = re.compile(r"\s*<eo[a-z]>\s*\Z")
_CALL = re.compile(
    r"""\s*(?P<name>\w+)\((?P<input>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^()"']*)\)\s*(?:,|$)"""
)


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A conversation, turns in the order of their numbers.

    Raises:
        FormatError: a turn lacks a side, a value is no text, or a command is no call.
    """
    found = need_object(record, NAME)
    chat = need(found, "chat", NAME)
    if not isinstance(chat, dict) or not chat:
        raise FormatError(f"not a {NAME} record: `chat` is {kind_of(chat)}, expected an object with turns.")
    system = optional_text(found, "meta_instruction", NAME).strip()
    messages = [turn("system", system)] if system else []
    for key in sorted(chat, key=_number):
        messages += _turn(need_object(chat[key], NAME))
    others = {key: more for key, said in chat.items() if (more := rest(said, TURN))}
    meta = {**rest(found, KEYS), **({"chat": others} if others else {})}
    return Sample(sample_id, place, tuple(messages), meta=meta)


def fits(record: Record) -> bool:
    """Numbered turns with both sides."""
    chat = record.get("chat") if has(record, "chat") else None
    return isinstance(chat, dict) and bool(chat) and all(has(item, "Human", "MOSS") for item in chat.values())


def _turn(said: Mapping[str, Any]) -> Iterator[Message]:
    asked, thought, commands, results, answer = (_plain(said, key) for key in TURN)
    yield turn("user", asked)
    thinking = thought or None
    if commands:
        calls = tuple(_calls(commands))
        yield Message(role="assistant", content="", thinking=thinking, tool_calls=calls)
        yield turn("tool", results)
        thinking = None
    elif results:
        raise FormatError(f"not a {NAME} record: `Tool Responses` without `Commands`.")
    yield Message(role="assistant", content=answer, thinking=thinking)


def _plain(said: Mapping[str, Any], key: str) -> str:
    read = need_text if key in ("Human", "MOSS") else optional_text
    text = _END.sub("", _MARK.sub("", read(said, key, NAME))).strip()
    return "" if text == "None" and key not in ("Human", "MOSS") else text


def _calls(commands: str) -> Iterator[Mapping[str, Any]]:
    at = 0
    while at < len(commands):
        match = _CALL.match(commands, at)
        if match is None:
            raise FormatError(
                f"not a {NAME} record: `Commands` holds '{commands[at : at + 40]}', which is no call."
            )
        value = match["input"]
        value = value[1:-1] if value[:1] in ('"', "'") else value
        yield {"type": "function", "function": {"name": match["name"], "arguments": {"input": value}}}
        at = match.end()


def _number(key: str) -> tuple[int, str]:
    digits = re.search(r"\d+", key)
    return (int(digits[0]) if digits else 0, key)


moss = register(Format(NAME, read, None, fits, rank=20, columns=KEYS))

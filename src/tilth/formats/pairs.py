"""What shapes with a prompt and answers beside it share: TRL's and LLaMA-Factory's preference and KTO data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilth.errors import FormatError
from tilth.formats.alpaca import read_prompt as read_alpaca_prompt
from tilth.formats.base import kind_of, turn
from tilth.formats.columns import need
from tilth.formats.turns import read_either, with_system
from tilth.sample import Message

PROMPT = ("prompt", "conversations", "messages", "instruction", "question")
"""Where a prompt may stand; the first key found is taken."""


def prompt_of(
    record: Mapping[str, Any], name: str
) -> tuple[tuple[Message, ...], dict[str, Any], tuple[str, ...]]:
    """The prompt, what `meta` must hold beside it, and the keys that were read.

    Raises:
        FormatError: there is no prompt, or it is neither text nor messages.
    """
    key = next((key for key in PROMPT if key in record), None)
    if key is None:
        raise FormatError(f"not a {name} record: `prompt` is missing.")
    if key == "instruction":
        messages, lines = read_alpaca_prompt(record, name)
        return messages, lines, ("instruction", "input", "system", "history")
    return with_system(read_prompt(record, key, name), record, name), {}, (key, "system")


def read_prompt(record: Mapping[str, Any], key: str, name: str) -> tuple[Message, ...]:
    """The messages under `key`; plain text is one question.

    Raises:
        FormatError: it is missing, or neither text nor messages.
    """
    value = need(record, key, name)
    return (turn("user", value),) if isinstance(value, str) else read_either(value, key, name)


def answers(record: Mapping[str, Any], key: str, name: str) -> tuple[Message, ...]:
    """The messages under `key`: plain text is one answer, an object is one message.

    Raises:
        FormatError: it is missing, null or of another type.
    """
    value = need(record, key, name)
    if isinstance(value, str):
        return (turn("assistant", value),)
    if not isinstance(value, dict | list):
        raise FormatError(f"not a {name} record: `{key}` is {kind_of(value)}, expected text or messages.")
    return read_either([value] if isinstance(value, dict) else value, key, name)


def one_answer(record: Mapping[str, Any], key: str, name: str) -> Message:
    """The single answer under `key`.

    Raises:
        FormatError: it is missing, of another type, or not one message of the assistant.
    """
    return single(answers(record, key, name), key, name)


def single(messages: tuple[Message, ...], key: str, name: str) -> Message:
    """The only message, which must be the assistant's.

    Raises:
        FormatError: there are none or several, or somebody else speaks.
    """
    if [message.role for message in messages] != ["assistant"]:
        roles = ", ".join(message.role for message in messages) or "nothing"
        raise FormatError(
            f"not a {name} record: `{key}` holds {roles} after the prompt, expected one answer."
        )
    return messages[0]

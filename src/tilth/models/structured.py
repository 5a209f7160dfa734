"""Answers that must be JSON of a given shape: asked for, found in the text, checked, and mended once."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import msgspec

from tilth.models.base import AsyncChatModel, Reply, Request
from tilth.sample import Message

_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\n?(.*?)```", re.DOTALL)
_THINKING = re.compile(r"^\s*<think>(.*?)(?:</think>\s*|$)", re.DOTALL)
_OPENED_BEFORE = re.compile(
    r"^((?:(?!<think>).)*?)^[ \t]*</think>[ \t]*(?:\n\s*|$)", re.DOTALL | re.MULTILINE
)
"""Some chat templates end the prompt with `<think>`, so that only its end stands in the answer, on a line of its own."""


class Structured:
    """A model whose answers to requests with a `shape` are checked values, or `unparsable`."""

    def __init__(self, inner: AsyncChatModel) -> None:
        self._inner = inner
        self.name = inner.name

    @property
    def identity(self) -> str:
        """The inner model's."""
        return self._inner.identity

    async def answer(self, request: Request) -> Reply:
        """One answer; one that does not fit its shape is shown to the model once, with what is wrong."""
        first = await self._inner.answer(request)
        if request.shape is None or first.state != "done":
            return first
        found, problem = _read(first.text, request.shape)
        if not problem:
            return replace(first, data=found)
        mended = await self._inner.answer(_repair(request, first.text, problem))
        mended = replace(
            mended,
            prompt_tokens=first.prompt_tokens + mended.prompt_tokens,
            completion_tokens=first.completion_tokens + mended.completion_tokens,
        )
        if mended.state != "done":
            return mended
        found, problem = _read(mended.text, request.shape)
        return replace(mended, state="unparsable", reason=problem) if problem else replace(mended, data=found)


def without_thinking(text: str) -> str:
    """An answer without the `<think>` block that some models write before it."""
    return _cut(text)[1]


def thinking_apart(reply: Reply) -> Reply:
    """A reply whose `<think>` block stands in `thinking`, not in `text`.

    An answer that is nothing but thinking did not come to its end: its state is `truncated`.
    """
    thinking, text = _cut(reply.text)
    if not thinking and text == reply.text:
        return reply
    found = replace(reply, text=text, thinking=reply.thinking or thinking)
    if found.state == "done" and not text.strip():
        return replace(found, state="truncated", reason=ONLY_THINKING)
    return found


ONLY_THINKING = "the answer ended before the thinking did"


def _cut(text: str) -> tuple[str, str]:
    """The thinking before an answer, and the answer."""
    if "think>" not in text:
        return "", text
    found = _THINKING.match(text) or _OPENED_BEFORE.match(text)
    return (found[1].strip(), text[found.end() :]) if found else ("", text)


def json_schema(shape: type[Any]) -> dict[str, Any]:
    """The JSON Schema of a shape as servers want it: an object at the root, every key required, no others."""
    (schema,), parts = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    named = {name: _closed(part) for name, part in parts.items()}
    if "$ref" in schema:
        schema = named.pop(schema["$ref"].rpartition("/")[2])
    return {**_closed(schema), **({"$defs": named} if named else {})}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") != "object" or "properties" not in schema:
        return schema
    return {**schema, "required": list(schema["properties"]), "additionalProperties": False}


def _read(text: str, shape: type[Any]) -> tuple[Any, str]:
    """The value in an answer, or what is wrong with it."""
    values = list(_values(text))
    if not values:
        return None, "there is no JSON in the answer"
    problem = ""
    for value in values:
        try:
            return msgspec.convert(value, shape), ""
        except msgspec.ValidationError as error:
            problem = problem or str(error)
    return None, problem


def _values(text: str) -> Any:
    """JSON values in a text: the whole of it, what stands in fences, and the first object in running words."""
    bare = without_thinking(text).strip()
    for piece in (bare, *(match[1] for match in _FENCE.finditer(bare))):
        try:
            yield json.loads(piece)
            return
        except ValueError:
            continue
    start = bare.find("{")
    while start >= 0:
        try:
            yield json.JSONDecoder().raw_decode(bare, start)[0]
            return
        except ValueError:
            start = bare.find("{", start + 1)


def _repair(request: Request, said: str, problem: str) -> Request:
    schema = json.dumps(json_schema(request.shape or dict), ensure_ascii=False)
    ask = (
        f"Your answer cannot be read: {problem}. Answer again with nothing but one JSON value of this schema, "
        f"without a code fence:\n{schema}"
    )
    return replace(request, messages=(*request.messages, Message("assistant", said), Message("user", ask)))

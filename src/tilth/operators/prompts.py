"""What models are asked, from files in two languages; texts of samples stand in them fenced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from importlib import resources
from typing import Any, Literal

import yaml

from tilth.models.base import AsyncChatModel, Reply, Request
from tilth.operators.regex import regex
from tilth.sample import Hold, Message, Sample

Language = Literal["auto", "zh", "en"]
"""The language of the prompt; `auto` follows the sample."""

FILES = resources.files("tilth.operators") / "data" / "prompts"
_SLOT = regex(r"\{\{(\w+)\}\}")
_HANZI = regex(r"[\u4e00-\u9fff]")
SHOWN = 400
"""Characters of an answer that stand in the evidence of a held sample."""


class Fenced(str):
    """A text that a prompt shows as material between marks, and never as words of ours."""

    __slots__ = ()

    def __str__(self) -> str:
        mark = blake2b(self.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        # The mark is a digest of the text, so no text can hold the mark that ends it.
        return f"<<<TEXT {mark}>>>\n{str.__str__(self)}\n<<<END {mark}>>>"


def prompt(name: str, language: Language, values: Mapping[str, str]) -> tuple[Message, ...]:
    """The messages of a prompt file, with `{{name}}` filled in.

    Args:
        name: the file's name without `.yaml`.
        language: `auto` takes Chinese where a value holds hanzi.
        values: what the slots stand for; what comes from a sample is `Fenced`.
    """
    chosen = language if language != "auto" else language_of("".join(str.__str__(v) for v in values.values()))
    parts: dict[str, str] = _load(name)[chosen]

    def filled(match: re.Match[str]) -> str:
        return str(values[match[1]])

    texts = {role: _SLOT.sub(filled, parts[role]).strip() for role in ("system", "user") if role in parts}
    return tuple(Message(role, text) for role, text in texts.items())


def part(name: str, language: Literal["zh", "en"], section: str, key: str) -> str:
    """A phrase that a prompt file keeps beside its messages, for a slot of them: `section` is a mapping of phrases."""
    found: str = _load(name)[language][section][key]
    return found


def language_of(text: str) -> Literal["zh", "en"]:
    """Chinese where the text holds any hanzi, else English."""
    return "zh" if _HANZI.search(text) else "en"


def digest(name: str) -> str:
    """16 hex digits of a prompt file; they enter the keys of the steps that use it."""
    return blake2b((FILES / f"{name}.yaml").read_bytes(), digest_size=8).hexdigest()


@lru_cache(maxsize=64)
def _load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FILES / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def transcript(sample: Sample) -> str:
    """The conversation before the last answer, as a judge reads it; a single question stands alone."""
    messages = list(sample.messages)
    if messages and messages[-1].role == "assistant":
        messages.pop()
    if [m.role for m in messages] == ["user"]:
        return messages[0].content
    return "\n\n".join(f"[{m.role}]\n{m.content}" for m in messages)


def last_answer(sample: Sample) -> str:
    """What the assistant says last; empty where it says nothing."""
    return next((m.content for m in reversed(sample.messages) if m.role == "assistant"), "")


async def ask(
    model: AsyncChatModel, messages: tuple[Message, ...], shape: Any = None, draw: int = 0
) -> Reply:
    """One request with the settings that the recipe gives the model."""
    return await model.answer(Request(messages, None, shape, draw))


def held(model: AsyncChatModel, reply: Reply) -> Hold:
    """The verdict on a sample whose answer did not come: it waits, under a reason that says how the request ended."""
    evidence = {"model": model.name, "why": reply.reason}
    if reply.text:
        evidence["answer"] = reply.text[:SHOWN]
    return Hold(f"model_{reply.state}", evidence)

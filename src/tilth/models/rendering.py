"""Jinja chat templates, rendered as model makers mean them: sandboxed, with the places that they mark for training."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tilth.sample import Message


class Span(NamedTuple):
    """Characters [start, end) of a rendered conversation."""

    start: int
    end: int


def render_plainly(
    template: str,
    tokens: Mapping[str, str],
    messages: Sequence[Message],
    add_generation_prompt: bool,
    tools: Sequence[Mapping[str, Any]] | None,
) -> tuple[str, list[Span]]:
    """The text of a conversation, and what of it stands between generation markers.

    Raises:
        jinja2.TemplateError: the template refuses these messages.
        TypeError, ValueError: it cannot work with them.
    """
    marked = _compile(template).render(
        messages=[_plain(message) for message in messages],
        tools=list(tools) if tools else None,
        add_generation_prompt=add_generation_prompt,
        **tokens,
    )
    return unmark(marked)


OPEN, CLOSE = "\ufdd0", "\ufdd1"
"""Unicode noncharacters: text may not hold them, so they can mark a place in it while a template is rendered."""


class _Marks(Extension):
    """Understands `{% generation %}`: its body stands between marks that `unmark` takes out again."""

    tags = {"generation"}  # noqa: RUF012  jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        """Turn the tag into a call of `_mark` with its body."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_mark"), [], [], body).set_lineno(line)

    def _mark(self, caller: Any) -> str:
        return f"{OPEN}{caller()}{CLOSE}"


_OF_A_DICT = frozenset(dir(dict))


class MarkedSandbox(ImmutableSandboxedEnvironment):
    """Looks a key up before it tries an attribute: `message.role` is what templates do most, and a miss is slow."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What `obj.attribute` means in a template."""
        if type(obj) is dict and attribute in obj and attribute not in _OF_A_DICT:
            return obj[attribute]
        return super().getattr(obj, attribute)


@lru_cache(maxsize=16)
def _compile(text: str) -> jinja2.Template:
    """The template in the environment model makers write for: sandboxed, blocks trimmed.

    `strftime_now` is left undefined on purpose: templates that know today's date fall back to a fixed one, and the
    same messages give the same ids every day.
    """
    return environment(MarkedSandbox).from_string(text)


def environment(kind: type[MarkedSandbox]) -> MarkedSandbox:
    """A sandbox with what chat templates rely on."""
    made = kind(trim_blocks=True, lstrip_blocks=True, extensions=[_Marks, "jinja2.ext.loopcontrols"])
    made.filters["tojson"] = _to_json
    made.globals["raise_exception"] = _raise
    return made


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent)


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


@lru_cache(maxsize=16)
def has_markers(text: str) -> bool:
    """Whether a template says itself what is trained."""
    return re.search(r"\{%-?\+?\s*generation\b", text) is not None


def unmark(marked: str) -> tuple[str, list[Span]]:
    """The text without its marks, and what stood between them."""
    if OPEN not in marked:
        return marked, []
    pieces: list[str] = []
    spans: list[Span] = []
    length = start = 0
    for piece in re.split(f"([{OPEN}{CLOSE}])", marked):
        if piece == OPEN:
            start = length
        elif piece == CLOSE:
            spans.append(Span(start, length))
        else:
            pieces.append(piece)
            length += len(piece)
    return "".join(pieces), spans


def _plain(message: Message) -> dict[str, Any]:
    """A message under the names that chat templates use."""
    named = {
        "reasoning_content": message.thinking,
        "tool_calls": [dict(call) for call in message.tool_calls or ()],
        "tool_call_id": message.tool_call_id,
        "name": message.name,
    }
    return {"role": message.role, "content": message.content} | {k: v for k, v in named.items() if v}

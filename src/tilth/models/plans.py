"""Renders conversations of one shape from a plan: the template runs once, the texts are put in afterwards.

A template is run over stand-ins instead of texts. What it asks of them is answered the usual way (a text does not hold
this mark, does not change when it is stripped) and noted down. A conversation of the same shape whose texts give those
answers is the plan with its texts in place; any other one, and any template that looks deeper into a text, is rendered
as always. Both ways are compared again and again, and a plan that ever differs is given up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, NoReturn

import jinja2

from tilth.models.rendering import CLOSE, OPEN, MarkedSandbox, Span, environment, render_plainly
from tilth.sample import Message

LEFT, RIGHT = "\ufdd2", "\ufdd3"
"""Noncharacters around the number of a stand-in."""
COMPARED_EVERY = 256
KINDS = frozenset(
    {"string", "defined", "undefined", "none", "mapping", "iterable", "sequence", "number", "boolean"}
)
"""Tests that ask for the kind of a value, and not for what a text says."""

Guard = Callable[[Sequence[str]], bool]
Shape = tuple[tuple[str, bool, bool], ...]
"""For each message: its role, and whether it has a text and a thinking."""


class _Depends(Exception):
    """The template looks into a text in a way that no plan can follow."""


class Edge(NamedTuple):
    """A place in a rendered shape."""

    piece: int
    """Which fixed piece it is in, or at the end of; from 0."""
    offset: int
    """Characters from its beginning."""


@dataclass
class Plan:
    """A rendered shape: fixed pieces, one more than there are texts, and which text stands behind each."""

    pieces: tuple[str, ...]
    holes: tuple[int, ...]
    spans: tuple[tuple[Edge, Edge], ...]
    """What is to be trained."""
    guards: tuple[Guard, ...]
    used: int = 0
    sound: bool = True

    def fits(self, texts: Sequence[str]) -> bool:
        """Whether the template would find in these texts what it found in the stand-ins."""
        return all([guard(texts) for guard in self.guards])

    def fill(self, texts: Sequence[str]) -> tuple[str, list[Span]]:
        """The plan with texts in place."""
        parts = self._laid_out.copy()
        for k, hole in enumerate(self.holes):
            parts[2 * k + 1] = texts[hole]
        starts = list(accumulate(map(len, parts), initial=0)) if self.spans else []
        spans = [Span(starts[2 * a] + x, starts[2 * b] + y) for (a, x), (b, y) in self.spans]
        return "".join(parts), spans

    @cached_property
    def _laid_out(self) -> list[str]:
        """The pieces with room between them."""
        return [part for piece in self.pieces for part in (piece, "")][:-1]

    def due(self) -> bool:
        """Whether it is time to compare with the template again; told once a use."""
        self.used += 1
        return self.used % COMPARED_EVERY == 1


def texts_of(messages: Sequence[Message]) -> list[str]:
    """What may stand in the holes of a plan, by number."""
    return [text for m in messages for text in (m.content, m.thinking or "")]


def holds_marks(text: str) -> bool:
    """Whether a text holds a noncharacter that stands for a mark."""
    return OPEN in text or CLOSE in text


def render(
    template: str,
    tokens: Mapping[str, str],
    messages: Sequence[Message],
    add_generation_prompt: bool,
    tools: Sequence[Mapping[str, Any]] | None,
) -> tuple[str, list[Span]]:
    """As `render_plainly`, which it falls back on; raises as it does."""
    plain = tools or any(m.tool_calls or m.name or m.tool_call_id for m in messages)
    if plain:
        return render_plainly(template, tokens, messages, add_generation_prompt, tools)
    shape = tuple((m.role, bool(m.content), bool(m.thinking)) for m in messages)
    plan = plan_of(template, tuple(tokens.items()), add_generation_prompt, shape)
    texts = texts_of(messages)
    if plan is None or not plan.sound or not plan.fits(texts):
        return render_plainly(template, tokens, messages, add_generation_prompt, tools)
    found = plan.fill(texts)
    due = plan.due()
    if due or holds_marks(found[0]):
        careful = render_plainly(template, tokens, messages, add_generation_prompt, tools)
        plan.sound = careful == found or not due
        return careful
    return found


@lru_cache(maxsize=512)
def plan_of(
    template: str, tokens: tuple[tuple[str, str], ...], add_generation_prompt: bool, shape: Shape
) -> Plan | None:
    """The plan of a shape; `None` where the template does not allow one."""
    guards: list[Guard] = []
    messages = [_stand_in(k, row, guards) for k, row in enumerate(shape)]
    try:
        marked = _compile(template).render(
            messages=messages, tools=None, add_generation_prompt=add_generation_prompt, **dict(tokens)
        )
    except (_Depends, jinja2.TemplateError, TypeError, ValueError):
        return None
    return _taken_apart(marked, guards)


def _taken_apart(marked: str, guards: Sequence[Guard]) -> Plan:
    pieces, opened = [""], Edge(0, 0)
    holes: list[int] = []
    spans: list[tuple[Edge, Edge]] = []
    for part in re.split(f"({LEFT}[0-9]+{RIGHT}|[{OPEN}{CLOSE}])", marked):
        here = Edge(len(holes), len(pieces[-1]))
        if part == OPEN:
            opened = here
        elif part == CLOSE:
            spans.append((opened, here))
        elif part.startswith(LEFT):
            holes.append(int(part[1:-1]))
            pieces.append("")
        else:
            pieces[-1] += part
    return Plan(tuple(pieces), tuple(holes), tuple(spans), tuple(guards))


def _stand_in(k: int, row: tuple[str, bool, bool], guards: list[Guard]) -> dict[str, Any]:
    role, has_text, thinks = row
    message: dict[str, Any] = {"role": role, "content": _Hole.of(2 * k, guards) if has_text else ""}
    return message | ({"reasoning_content": _Hole.of(2 * k + 1, guards)} if thinks else {})


class _Hole(str):
    """Stands for a text that is not empty. Questions about it are answered the usual way, and become guards."""

    number: int
    guards: list[Guard]

    @classmethod
    def of(cls, number: int, guards: list[Guard]) -> _Hole:
        """The stand-in of a text."""
        made = cls(f"{LEFT}{number}{RIGHT}")
        made.number, made.guards = number, guards
        return made

    def without(self, mark: str) -> bool:
        """The text is taken not to hold a mark."""
        at = self.number
        self.guards.append(lambda texts: mark not in texts[at])
        return False

    def neither(self, how: str, mark: str) -> bool:
        """The text is taken not to begin, or not to end, with a mark."""
        at, asked = self.number, getattr(str, how)
        if _holds_one(mark):
            raise _Depends
        self.guards.append(lambda texts: not asked(texts[at], mark))
        return False

    def unchanged(self, how: str, *characters: str) -> _Hole:
        """Stripping is taken to change nothing."""
        at, strip = self.number, getattr(str, how)
        self.guards.append(lambda texts: len(strip(texts[at], *characters)) == len(texts[at]))
        return self

    def _depends(self, *_: Any) -> NoReturn:
        raise _Depends

    def __contains__(self, mark: object) -> bool:
        return self.without(mark) if type(mark) is str and LEFT not in mark else self._depends()

    def __len__(self) -> int:
        return 1

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __iter__ = __hash__ = __mul__ = __getitem__ = (
        _depends
    )


def _holds_one(value: Any) -> bool:
    """Whether a value is or holds a stand-in."""
    if isinstance(value, str):
        return str.__contains__(value, LEFT)
    if isinstance(value, Mapping):
        return any(map(_holds_one, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_one, value))


class _Planner(MarkedSandbox):
    """The environment of stand-ins: whatever would look into one is followed, or given up."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What `obj.attribute` means; of a stand-in only a few methods."""
        if not isinstance(obj, str) or not _holds_one(obj):
            return super().getattr(obj, attribute)
        if isinstance(obj, _Hole) and attribute in ("strip", "lstrip", "rstrip"):
            return lambda *characters: obj.unchanged(attribute, *characters)
        if isinstance(obj, _Hole) and attribute in ("startswith", "endswith"):
            return lambda mark: obj.neither(attribute, mark)
        raise _Depends

    def getitem(self, obj: Any, argument: Any) -> Any:
        """What `obj[argument]` means; never a part of a text."""
        if isinstance(obj, str) and _holds_one(obj):
            raise _Depends
        return super().getitem(obj, argument)

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        """A call; a text's own method may not be given a stand-in."""
        if isinstance(getattr(obj, "__self__", None), str) and _holds_one(list(args)):
            raise _Depends
        return super().call(context, obj, *args, **kwargs)


def _filter(name: str, work: Any) -> Any:
    if getattr(work, "jinja_pass_arg", None) is not None or hasattr(work, "jinja_async_variant"):
        return work if name in ("map", "select", "selectattr", "reject", "rejectattr", "list") else _given_up

    def watched(*given: Any, **more: Any) -> Any:
        if name == "trim" and isinstance(given[0], _Hole) and len(given) == 1:
            return given[0].unchanged("strip")
        if name != "length" and (_holds_one(list(given)) or _holds_one(more)):
            raise _Depends
        if name == "length" and isinstance(given[0], str) and _holds_one(given[0]):
            raise _Depends
        return work(*given, **more)

    return watched


def _given_up(*_: Any, **__: Any) -> NoReturn:
    raise _Depends


def _test(name: str, work: Any) -> Any:
    if getattr(work, "jinja_pass_arg", None) is not None:
        return _given_up

    def watched(*given: Any) -> Any:
        if name not in KINDS and _holds_one(list(given)):
            raise _Depends
        return work(*given)

    return watched


@lru_cache(maxsize=16)
def _compile(template: str) -> jinja2.Template:
    planner = environment(_Planner)
    planner.filters = {name: _filter(name, work) for name, work in planner.filters.items()}
    planner.tests = {name: _test(name, work) for name, work in planner.tests.items()}
    return planner.from_string(template)

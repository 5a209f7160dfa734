"""YAML with line numbers: every problem can say where it stands."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tilth.errors import Problem, RecipeError

Lines = dict[str, int]
"""Recipe path (`data.steps[2]`) → line, 1-based."""


class _Core(yaml.SafeLoader):
    """YAML 1.2's core schema: `on`, `no` and `12:30` are text, `1e-3` is a number."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  the library's own name and type


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
):
    _Core.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))
_Core.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])
_Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def value(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    return yaml.load(text, Loader=_Core)


def parse(text: str, file: str) -> tuple[Any, Lines]:
    """The value of a YAML text and the line of each path in it.

    Raises:
        RecipeError: the text is no YAML, or a key stands twice in one mapping.
    """
    try:
        node = yaml.compose(text, Loader=_Core)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        message = f"this is no YAML: {error.problem or error.context}."
        raise RecipeError([Problem(message, file=file, line=line, hint=_hint(text, line))]) from None
    except yaml.YAMLError as error:
        raise RecipeError([Problem(f"this is no YAML: {error}.", file=file)]) from None
    lines: Lines = {}
    doubles: list[Problem] = []
    if node is not None:
        _walk(node, "", file, lines, doubles)
    if doubles:
        raise RecipeError(doubles)
    try:
        return value(text), lines
    except (yaml.YAMLError, TypeError) as error:
        said = " ".join(str(error).split())
        raise RecipeError(
            [Problem(f"this YAML cannot be read: {said}.", file=file, hint="Quote the text.")]
        ) from None


def _hint(text: str, line: int | None) -> str:
    shown = text.splitlines()[line - 1 : line] if line else []
    if shown and "\t" in shown[0]:
        return "Indent with spaces, not with tabs."
    return "Check the indentation, and that each `key:` is followed by a space."


def _walk(node: yaml.Node, path: str, file: str, lines: Lines, doubles: list[Problem]) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            inner = f"{path}.{name}" if path else name
            line = key.start_mark.line + 1
            if name in seen:
                doubles.append(
                    Problem(f"'{name}' stands here a second time.", inner, file, line, "Keep one of them.")
                )
            seen.add(name)
            lines[inner] = line
            _walk(value, inner, file, lines, doubles)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, f"{path}[{index}]", file, lines, doubles)


def line_of(lines: Lines, path: str) -> int | None:
    """The line of a path, or of the nearest thing around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get("")

"""Changes what a JSON text says and leaves it JSON: only the strings and numbers that change are written anew."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tilth.operators.regex import regex

_LITERAL = regex(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?', re.DOTALL)
_SURROGATE = regex("[\ud800-\udfff]")
_THEN_A_COLON = regex(r"\s*:")

Change = Callable[[str, str], str]
"""Gets the key that a value stands under (empty where there is none) and the value as text; gives what it becomes."""


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or array."""
    bare = text.strip()
    if bare[:1] + bare[-1:] not in ("{}", "[]"):
        return False
    try:
        json.loads(bare)
    except (ValueError, RecursionError):
        return False
    return True


def within(text: str, change: Change) -> str:
    """A JSON text with `change` applied to each string and number in it; everything else stays byte for byte.

    A number that changes becomes a string. A string that is JSON itself is changed within.
    """
    parts, end, key = [], 0, ""
    for match in _LITERAL.finditer(text):
        literal = match[0]
        is_key = _THEN_A_COLON.match(text, match.end()) is not None
        said = json.loads(literal) if literal[0] == '"' else literal
        after = _changed(said, "" if is_key else key, change)
        if is_key:
            key = said
        parts += [text[end : match.start()], literal if after == said else _written(after)]
        end = match.end()
    return "".join(parts) + text[end:]


def _written(said: str) -> str:
    """A string as JSON; as ASCII where it holds a lone surrogate, which only an escape can carry."""
    return json.dumps(said, ensure_ascii=_SURROGATE.search(said) is not None)


def within_value(value: Any, change: Change, key: str = "") -> Any:
    """The same for a parsed value; one in which nothing changes is given back as it is."""
    if isinstance(value, str):
        return _changed(value, key, change)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        after = change(key, str(value))
        return value if after == str(value) else after
    if isinstance(value, Mapping):
        made: Any = {
            _changed(name, "", change): within_value(inside, change, name) for name, inside in value.items()
        }
    else:
        made = [within_value(inside, change, key) for inside in value]
    return value if made == value else made


def _changed(said: str, key: str, change: Change) -> str:
    return within(said, change) if is_json(said) else change(key, said)

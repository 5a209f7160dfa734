"""A value as a person reads it."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> str:
    """A value for reading: text as it is, a list of texts in one line, the names and values of an object, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, dict) and all(isinstance(item, str | list | int | float) for item in value.values()):
        return "; ".join(f"{name}: {plain(item)}" for name, item in value.items())
    return json.dumps(value, ensure_ascii=False)

"""A value as a person reads it."""

from __future__ import annotations

import json
from typing import Any


def plain(value: Any) -> str:
    """A value for reading: text as it is, a list of texts in one line, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False)

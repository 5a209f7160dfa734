"""Exchanges that people kept from the chat: `chats.jsonl`, in the shape `openai`, so that a recipe can read it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilth.store.files import json_line, read_jsonl


def keep(path: Path, exchange: Mapping[str, Any]) -> int:
    """Add an exchange and return how many there are; one that is there already (same `event_id`) is not added again."""
    known = [row.get("event_id") for row in read_jsonl(path)]
    if exchange["event_id"] in known:
        return len(known)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as handle:
        handle.write(json_line(dict(exchange)))
        handle.flush()
        os.fsync(handle.fileno())
    return len(known) + 1

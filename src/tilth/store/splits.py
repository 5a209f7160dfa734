"""`splits.jsonl`: which side each sample is on, read back by the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tilth.errors import FolderError
from tilth.sample import SIDES


def read_splits(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows `{id, side, seed}` of a file that people may have edited; nothing where there is none.

    Raises:
        FolderError: a line is no such row; the message names it.
    """
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            good = isinstance(row, dict) and isinstance(row.get("id"), str) and row.get("side") in SIDES
        except ValueError:
            good = False
        if not good:
            raise FolderError(
                f'{path}:{number} is no side: expected {{"id": "…", "side": "train|validation|test"}}.',
                "Mend the line, or delete the file to split anew.",
            )
        yield row


def sides_of(path: Path, seed: Any) -> dict[str, str]:
    """Sample id → side of a split that was drawn with this seed; a new seed draws a new split."""
    return {row["id"]: row["side"] for row in read_splits(path) if row.get("seed") == seed}

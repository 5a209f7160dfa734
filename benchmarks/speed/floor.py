"""`python -m benchmarks.speed.floor IN OUT`: the least that any tool must do: read, parse, build messages, write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec


def convert(source: Path, target: Path) -> tuple[int, int, int]:
    """Write each readable line as messages.

    Returns:
        Lines written, blank, and set aside because they are no record.
    """
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    blank = aside = written = 0
    with source.open("rb") as lines, target.open("wb") as out:
        for record in _records(lines, decode):
            if record is None:
                blank += 1
            elif not record:
                aside += 1
            else:
                out.write(encode(_messages(record)) + b"\n")
                written += 1
    return written, blank, aside


def _records(lines: Any, decode: Callable[[bytes], Any]) -> Iterator[dict[str, Any] | None]:
    """Records; `None` for a blank line, an empty one for what is no record."""
    for line in lines:
        if not line.strip():
            yield None
            continue
        try:
            found = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = {}
        yield found if isinstance(found, dict) and isinstance(found.get("output"), str) else {}


def _messages(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": record["instruction"]},
            {"role": "assistant", "content": record["output"]},
        ]
    }


if __name__ == "__main__":
    print(*convert(Path(sys.argv[1]), Path(sys.argv[2])))

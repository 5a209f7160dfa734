"""Atomic files: written under a temporary name in the same folder, flushed, then renamed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

BUFFER = 1 << 17
"""Bytes of small writes that are handed over to the system at once."""


@contextmanager
def atomic(path: Path, *, lasting: bool = True) -> Iterator[IO[bytes]]:
    """Open `path` for writing so that a reader sees the old file or the whole new one, never a part.

    What is not `lasting` is not waited for until it is on the disk: a loss of power may leave a part of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb", BUFFER) as handle:
            yield handle
            if lasting:
                handle.flush()
                os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(*folders: Path) -> None:
    """Remove what a killed process left half written. The caller holds the lock of the folders."""
    for folder in folders:
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds on every system."""
    with atomic(path) as handle:
        handle.write(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write one JSON value, indented, Chinese unescaped."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> Any:
    """The JSON value of a file of ours."""
    return json.loads(path.read_text(encoding="utf-8"))


_dumps = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


def json_line(value: Any) -> str:
    """One JSONL line as `json.dumps(obj, ensure_ascii=False)` writes it, with the line feed."""
    return _dumps(value) + "\n"


_EXPONENT = re.compile(rb"e-?\d+[,}\]\n]")


def spaced(text: bytes) -> bytes:
    """What `msgspec` encoded, as `json_line` writes it but for the line feed: a space behind each comma and colon.

    The two differ in numbers below 0.0001 or from 1e16 on. Text that might hold one is left to the standard library.
    """
    if b"0.0000" in text or _EXPONENT.search(text):
        return _dumps(json.loads(text)).encode("utf-8")
    return msgspec.json.format(text, indent=0)


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write rows, one a line; returns how many."""
    count = 0
    with atomic(path) as handle:
        for row in rows:
            handle.write(json_line(row).encode("utf-8"))
            count += 1
    return count


def read_jsonl(path: Path) -> Iterator[Any]:
    """The rows of a JSONL file of ours; nothing where the file does not exist."""
    if not path.exists():
        return
    with path.open("rb") as handle:
        for line in handle:
            if line.strip():
                yield json.loads(line)

"""Reads the lists that the clean family keeps in `operators/data`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """The lines of `operators/data/<name>` under each `[heading]`, without comments and blank lines."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in files("tilth.operators").joinpath("data", name).read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            heading = line[1:-1]
            found[heading] = []
        elif line and not line.startswith("#"):
            found[heading].append(line)
    return {heading: tuple(lines) for heading, lines in found.items()}

"""Reads word and pattern lists, and makes one regular expression of many words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from tilth.errors import UserError


@cache
def shipped(name: str) -> tuple[str, ...]:
    """The lines of a list in `operators/data`, without blank lines and `#` comments."""
    return _entries(files("tilth.operators").joinpath("data", name).read_text(encoding="utf-8"))


@cache
def sections(name: str) -> dict[str, tuple[str, ...]]:
    """The lines of a shipped list by the `[heading]` they stand under."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in shipped(name):
        if line.startswith("[") and line.endswith("]") and line[1:-1].isidentifier():
            heading = line[1:-1]
        else:
            found.setdefault(heading, []).append(line)
    return {heading: tuple(lines) for heading, lines in found.items()}


@lru_cache(maxsize=16)
def from_file(path: str) -> tuple[str, ...]:
    """The lines of a person's own list (UTF-8, one entry a line), read once per process.

    Raises:
        UserError: the file is missing, is no UTF-8 text, or holds no entry.
    """
    try:
        entries = _entries(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(
            f"the word list {path} cannot be read: {error.strerror}.", "Check the path in the recipe."
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"the word list {path} is not UTF-8 text.", "Save it as UTF-8, one term a line."
        ) from error
    if not entries:
        raise UserError(f"the word list {path} is empty.", "Write one term a line; `#` begins a comment.")
    return entries


def _entries(text: str) -> tuple[str, ...]:
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _shared_beginning(first: str, last: str) -> str:
    """What all words of a sorted list begin with, from its first and last word."""
    differ = (at for at, (left, right) in enumerate(zip(first, last, strict=False)) if left != right)
    return first[: next(differ, min(len(first), len(last)))]


def any_of(words: Iterable[str]) -> str:
    """A regular expression that matches the longest of `words` at a position, shared beginnings tried once.

    A flat alternation tries every word at every position; a tree of prefixes looks at each character once, which
    is what makes lists of thousands of terms usable (Aho and Corasick 1975 go further and need no engine).
    """
    groups: dict[str, list[str]] = {}
    for word in sorted(set(words)):
        groups.setdefault(word[:1], []).append(word)
    optional = groups.pop("", None) is not None
    branches = []
    for group in groups.values():
        prefix = _shared_beginning(group[0], group[-1])
        branches.append(re.escape(prefix) + any_of(word[len(prefix) :] for word in group))
    if not branches:
        return ""
    body = "|".join(branches)
    if len(branches) == 1 and not optional:
        return body
    return f"(?:{body}){'?' if optional else ''}"

"""Which key of a record asks and which one answers, where the record has no format's own keys.

A guess is only proposed: `tilth init` writes it into the recipe, where it can be read, and nothing else acts on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.formats.base import Record

ASKS = (
    "question", "query", "prompt", "instruction", "ask", "input", "user", "human", "problem", "q",
    "问题", "提问", "题目", "指令", "问", "用户", "输入",
)  # fmt: skip
ANSWERS = (
    "answer", "response", "output", "completion", "reply", "solution", "assistant", "gpt", "bot", "target", "a",
    "答案", "回答", "回复", "输出", "答复", "答", "助手",
)  # fmt: skip
SYSTEM = ("system", "系统")
"""Names that data sets use, the surest first; they are compared without case, blanks and underscores. A title and
its content are not among them: as often they are an article."""

ENOUGH = 0.95
"""The share of records that must fit. A run fails when more than 5 % of its input is set aside (DESIGN §2), so a
format that fits fewer records could not be used; one that fits these lets a stray broken record be set aside alone."""
TEXTS = ("content", "text", "body", "post", "document", "内容", "正文", "文本")
TURNS = {"openai": ("messages", {"role", "content"}), "sharegpt": ("conversations", {"from", "value"})}
"""Formats that are a list of turns: the key of the list, and those of each turn."""


@dataclass(frozen=True)
class Guess:
    """A format, and its keys by the names that the records use."""

    format: str
    columns: dict[str, str]


def guess(records: Sequence[Record]) -> Guess | None:
    """A column map that nearly all of the records can be read with; `None` where no key is known.

    Looked for are turns under another key, then a question with its answer, then a text alone. Records with a question
    and something else are no guess: whether that answers it cannot be told.
    """
    objects = [record for record in records if isinstance(record, dict)]
    if not objects or not _nearly_all(isinstance(record, dict) for record in records):
        return None
    return _turns(objects) or _pair(objects) or _text(objects)


def _turns(records: Sequence[dict[str, Any]]) -> Guess | None:
    for name, (ours, keys) in TURNS.items():
        for key in records[0]:
            if _nearly_all(_are_turns(record.get(key), keys) for record in records):
                return Guess(name, {ours: key})
    return None


def _are_turns(value: Any, keys: set[str]) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(t, dict) and keys <= t.keys() for t in value)
    )


def _pair(records: Sequence[dict[str, Any]]) -> Guess | None:
    found = {"instruction": _find(ASKS, records), "output": _find(ANSWERS, records)}
    if None in found.values():
        return None
    named = {**found, "system": _find(SYSTEM, records)}
    return Guess("alpaca", {ours: key for ours, key in named.items() if key and key != ours})


def _text(records: Sequence[dict[str, Any]]) -> Guess | None:
    key = _find(TEXTS, records)
    return Guess("text", {"text": key}) if key else None


def _nearly_all(good: Iterable[bool]) -> bool:
    found = list(good)
    return sum(found) >= ENOUGH * len(found)


def _find(names: Sequence[str], records: Sequence[dict[str, Any]]) -> str | None:
    """The first of the names that nearly all records have as a text, as they spell it."""
    spelled = {_fold(key): key for record in records for key in record}
    for name in names:
        key = spelled.get(name)
        if key and _nearly_all(isinstance(record.get(key), str) for record in records):
            return key
    return None


def _fold(key: str) -> str:
    return key.strip().casefold().replace("_", "").replace(" ", "")

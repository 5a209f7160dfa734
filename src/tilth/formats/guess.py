"""Which key of a record asks and which one answers, where the record has no format's own keys.

A guess is only proposed: `tilth init` writes it into the recipe, where it can be read, and nothing else acts on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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

NEARLY_ALL = 0.95


@dataclass(frozen=True)
class Guess:
    """A format, and its keys by the names that the records use."""

    format: str
    columns: dict[str, str]


def guess(records: Sequence[Record]) -> Guess | None:
    """A column map that nearly all of the records can be read with; `None` where no key is known.

    Records with a question alone are no guess: whether the other keys answer it cannot be told.
    """
    objects = [record for record in records if isinstance(record, dict)]
    if not objects or len(objects) < NEARLY_ALL * len(records):
        return None
    question, answer = _find(ASKS, objects), _find(ANSWERS, objects)
    if question is None or answer is None:
        return None
    system = _find(SYSTEM, objects)
    if system is None:
        return Guess("prompt_completion", {"prompt": question, "completion": answer})
    return Guess("csv", {"question": question, "answer": answer, "system": system})


def _find(names: Sequence[str], records: Sequence[dict[str, object]]) -> str | None:
    """The first of the names that nearly all records have as a text, as they spell it."""
    spelled = {_fold(key): key for record in records for key in record}
    for name in names:
        key = spelled.get(name)
        if key and sum(isinstance(r.get(key), str) for r in records) >= NEARLY_ALL * len(records):
            return key
    return None


def _fold(key: str) -> str:
    return key.strip().casefold().replace("_", "").replace(" ", "")

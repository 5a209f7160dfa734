"""Which key of a record asks and which one answers, where the record has no format's own keys.

A guess is only proposed: `tilth init` writes it into the recipe, where it can be read, and nothing else acts on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import FORMATS, Record
from tilth.formats.columns import read_record

ASKS = (
    "question", "query", "prompt", "instruction", "ask", "input", "user", "human", "problem", "q",
    "问题", "提问", "题目", "指令", "问", "用户", "输入",
)  # fmt: skip
ANSWERS = (
    "answer", "response", "output", "completion", "reply", "solution", "assistant", "gpt", "bot", "target", "a",
    "bestanswer", "canonicalsolution",
    "答案", "回答", "回复", "输出", "答复", "答", "助手",
)  # fmt: skip
THINKING = ("reasoningcontent", "thinking", "reasoning", "complexcot", "cot", "thought")
"""What a model thought before it answered; beside it `content` is the answer."""
SYSTEM = ("system", "系统")
"""Names that data sets use, the surest first; they are compared without case, blanks and underscores. A title and
its content are not among them: as often they are an article."""

ENOUGH = 0.95
"""The share of records that must fit. A run fails when more than 5 % of its input is set aside (DESIGN §2), so a
format that fits fewer records could not be used; one that fits these lets a stray broken record be set aside alone."""
SURE = (
    "question",
    "query",
    "prompt",
    "instruction",
    "ask",
    "problem",
    "input",
    "问题",
    "提问",
    "题目",
    "指令",
)
"""Names that say that a question stands there."""
TITLES = ("title", "subject", "标题", "题名")
"""What asks where an answer is named and nothing else asks."""
DETAILS = ("desc", "description", "detail", "content", "描述", "补充")
"""What tells more about such a title."""
CHOSEN = (
    "chosen",
    "responsechosen",
    "chosenresponse",
    "chosenanswer",
    "answerchosen",
    "accepted",
    "preferred",
    "responsej",
)
REJECTED = (
    "rejected", "responserejected", "rejectedresponse", "rejectedanswer", "answerrejected", "dispreferred", "responsek",
)  # fmt: skip
MESSAGE = {"parent_id", "role"}
"""A message of a conversation whose other messages are records of their own."""
TEXTS = (
    "content", "text", "body", "post", "document", "paragraphs", "paragraph", "article", "passage", "sentence", "comment",
    "commenttext", "review", "内容", "正文", "文本", "文章", "段落", "句子", "评论", "留言",
)  # fmt: skip
PROSE = 24
"""Characters that the texts of a key hold on average, at least twice those of every other key, to be taken for text."""
FEW = 5
TURNS = {"openai": ("messages", {"role", "content"}), "sharegpt": ("conversations", {"from", "value"})}
"""Formats that are a list of turns: the key of the list, and those of each turn."""


@dataclass(frozen=True)
class Guess:
    """A format, and its keys by the names that the records use."""

    format: str
    columns: dict[str, str]


def guess(records: Sequence[Record]) -> Guess | None:
    """A column map that nearly all of the records can be read with; `None` where no key is known.

    Looked for are turns under another key, a question with a better and a worse answer, a question with its answer, then
    a text alone: under a usual name, or under the one key that holds prose. Records with a question and something else
    are no guess: whether that answers it cannot be told.
    """
    objects = [record for record in records if isinstance(record, dict)]
    if not objects or not _nearly_all(isinstance(record, dict) for record in records):
        return None
    found = _turns(objects) or _exam(objects) or _preference(objects) or _pair(objects) or _text(objects)
    return found if found and _nearly_all(_readable(record, found) for record in records) else None


def _readable(record: Record, found: Guess) -> bool:
    try:
        read_record(FORMATS.get(found.format).read, record, found.columns, "", "")
    except FormatError:
        return False
    return True


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


def _exam(records: Sequence[dict[str, Any]]) -> Guess | None:
    """Rows of a table without a header that end with the letter of the right option: question, options, letter."""
    keys = [key for key in records[0] if not _nearly_all(str(r.get(key, "")).isdigit() for r in records)]
    if not all(key.startswith("column_") for key in keys) or len(keys) < 4:
        return None
    question, *options, answer = keys
    letters = dict(zip("ABCDEFGHIJ", options, strict=False))
    if len(options) > len(letters) or not _nearly_all(r.get(answer) in letters for r in records):
        return None
    return Guess("choices", {"question": question, **letters, "answer": answer})


def _preference(records: Sequence[dict[str, Any]]) -> Guess | None:
    found = {
        "prompt": _find(ASKS, records),
        "chosen": _find(CHOSEN, records),
        "rejected": _find(REJECTED, records),
    }
    if not (found["chosen"] and found["rejected"]):
        return None
    named = {**found, "system": _find(SYSTEM, records)}
    return Guess("preference", {ours: key for ours, key in named.items() if key and key != ours})


def _pair(records: Sequence[dict[str, Any]]) -> Guess | None:
    thinking = _find(THINKING, records)
    answers = (*ANSWERS, "content") if thinking else ANSWERS
    found = {"instruction": _find(ASKS, records), "output": _find(answers, records)}
    if found["output"] and not found["instruction"]:
        found |= {"instruction": _find(TITLES, records), "input": _find(DETAILS, records)}
    if not (found["instruction"] and found["output"]):
        return None
    named = {**found, "system": _find(SYSTEM, records), "thinking": thinking}
    return Guess("alpaca", {ours: key for ours, key in named.items() if key and key != ours})


def _text(records: Sequence[dict[str, Any]]) -> Guess | None:
    if _find(SURE, records) or records[0].keys() >= MESSAGE:
        return None
    key = _find(TEXTS, records) or _prose(records)
    return Guess("text", {"text": key}) if key else None


def _prose(records: Sequence[dict[str, Any]]) -> str | None:
    """The key whose texts are by far the longest; of one key alone, or of a few records, nothing can be told."""
    if len(records) < FEW or len(records[0]) < 2:
        return None
    sizes = {}
    for key in records[0]:
        texts = [record.get(key) for record in records]
        if _nearly_all(isinstance(text, str) for text in texts):
            sizes[key] = sum(len(text) for text in texts if isinstance(text, str)) / len(records)
    ranked = sorted(sizes.values(), reverse=True)
    if not ranked or ranked[0] < PROSE or (len(ranked) > 1 and ranked[1] * 2 > ranked[0]):
        return None
    return max(sizes, key=lambda key: sizes[key])


def _nearly_all(good: Iterable[bool]) -> bool:
    found = list(good)
    return sum(found) >= ENOUGH * len(found)


def _find(names: Sequence[str], records: Sequence[dict[str, Any]]) -> str | None:
    """The first of the names that nearly all records have as a text, as they spell it."""
    spelled = {_fold(key): key for record in records for key in record}
    for name in names:
        key = spelled.get(name)
        if key and _nearly_all(_is_text(record.get(key)) for record in records):
            return key
    return None


def _is_text(value: Any) -> bool:
    lines = value if isinstance(value, list) else [value]
    return bool(lines) and all(isinstance(line, str) for line in lines)


def _fold(key: str) -> str:
    return key.strip().casefold().replace("_", "").replace(" ", "")

"""Reads the questions of benchmark files, whatever their shape: a check against the wrong text would find nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from tilth.errors import UserError
from tilth.sources import entries, plan
from tilth.sources.base import Entry, Spec
from tilth.sources.layout import likely_encoding
from tilth.sources.tables import are_names

KEYS = (
    "question", "instruction", "prompt", "problem", "query", "turns", "messages", "conversations", "stem",
    "question_content", "ctx", "goal", "问题", "题目", "题干", "text", "sentence", "input",
)  # fmt: skip
"""Where a record's question stands, the likeliest key first, whatever its case."""

NESTED = ("paragraphs", "qas")
"""Lists whose members hold the questions: those of SQuAD, CMRC and DRCD."""

BESIDE = frozenset({
    "answer", "answers", "output", "outputs", "completion", "response", "solution", "canonical_solution", "code", "test",
    "explanation", "rationale", "reference", "target", "label", "context", "passage", "article", "choices", "options",
    "endings", "source", "答案", "回答", "解析",
})  # fmt: skip
"""Where it does not stand, however long that text is."""

USER = ("user", "human")

Question = tuple[int, str]
"""The item's number in its file, from 1 (a line number where items are lines), and its question."""


def read_questions(path: str) -> list[Question]:
    """The items of a benchmark file that hold a question.

    The question stands under a known key (`KEYS`), also inside an object under it; each turn of a list is an item of
    its own. Where no record has one, it is the text that is the longest on average, answers left aside. A table's first
    row counts as an item where it is no header.

    Args:
        path: JSONL, JSON (an array, or one under some key), CSV, TSV, Parquet, or text with one question a line;
            packed ones and those in GB18030 too.

    Raises:
        UserError: the file cannot be read, or holds no question.
    """
    try:
        found = [entry for entry in _entries(path) if not entry.blank]
    except UserError as error:
        raise UserError(f"the benchmark {path} cannot be read: {error}") from error
    bad = next((entry for entry in found if entry.error), None)
    if bad is not None:
        raise UserError(f"the benchmark {path}:{bad.n} cannot be read: {bad.error}.", "Mend it.")
    items = list(chain.from_iterable(map(_unwrapped, found)))
    asked = [(n, text) for n, record in items for text in _known(record)] or list(_longest(items))
    if not asked:
        raise UserError(f"the benchmark {path} holds no question.", f"Looked for: {', '.join(KEYS)}.")
    return asked


def _entries(path: str) -> Iterator[Entry]:
    for shard in plan([Spec(path, page="line", encoding=likely_encoding(path) or "utf-8")]):
        for part in shard.parts:
            found = entries(part)
            yield from _with_first_row(found) if part.layout == "table" else found


def _with_first_row(rows: Iterator[Entry]) -> Iterator[Entry]:
    """The rows of a table; where its header is an item itself, that item first and all of them without names."""
    first = next(rows, None)
    if first is None:
        return
    if first.record is None or are_names(list(first.record)):
        yield from chain((first,), rows)
        return
    yield Entry(1, b"", dict(enumerate(first.record)))
    for row in chain((first,), rows):
        record = None if row.record is None else dict(enumerate(row.record.values()))
        yield Entry(row.n + 1, row.raw, record, row.error, row.blank)


def _unwrapped(entry: Entry) -> Iterator[tuple[int, Any]]:
    """The record, or of an object that only holds a list of objects, those."""
    record = entry.record
    if isinstance(record, dict) and not any(str(key).lower() in KEYS for key in record):
        inside = next((value for value in record.values() if _is_table(value)), None)
        if inside is not None:
            yield from enumerate(inside, 1)
            return
    yield entry.n, record


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(item, dict) for item in value)


def _known(record: Any) -> list[str]:
    """The question under a known key, or a string itself; of a list of turns each one."""
    if isinstance(record, str):
        return [record.strip()] if record.strip() else []
    if isinstance(record, list):
        return [said] if (said := _user_text(record)) else [t for item in record for t in _plain(item)]
    if not isinstance(record, Mapping):
        return []
    values = {str(key).lower(): value for key, value in record.items()}
    for key in KEYS:
        found = _known(values[key]) if key in values else []
        more = values.get("input")
        if found and key == "instruction" and isinstance(more, str):
            found = [f"{found[0]}\n{more}".strip()]
        if found:
            return found
    lists = (value for key in NESTED if isinstance(value := values.get(key), list))
    return [
        text for value in lists for child in value if isinstance(child, Mapping) for text in _known(child)
    ]


def _plain(item: Any) -> list[str]:
    return [item.strip()] if isinstance(item, str) and item.strip() else []


def _user_text(messages: Sequence[Any]) -> str:
    turns = [message for message in messages if isinstance(message, Mapping)]
    said = [
        turn.get("content", turn.get("value")) for turn in turns if turn.get("role", turn.get("from")) in USER
    ]
    return "\n".join(text for text in said if isinstance(text, str)).strip()


def _longest(items: Sequence[tuple[int, Any]]) -> Iterator[Question]:
    """The texts under the key whose texts are the longest on average."""
    columns: dict[Any, list[Question]] = defaultdict(list)
    for n, record in items:
        for key, value in record.items() if isinstance(record, Mapping) else ():
            if (
                isinstance(value, str)
                and value.strip()
                and str(key).lower() not in BESIDE
                and not _is_number(value)
            ):
                columns[key].append((n, value.strip()))
    if columns:
        yield from max(columns.values(), key=lambda found: sum(len(text) for _, text in found) / len(found))


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()

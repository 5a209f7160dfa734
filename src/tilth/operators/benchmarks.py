"""Reads the questions of benchmark files: JSONL, JSON, CSV, TSV, or plain text with one question a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tilth.errors import UserError

KEYS = ("question", "instruction", "prompt", "problem", "query", "messages", "conversations", "text")
"""Where a record's question stands, the likeliest key first, whatever its case."""

USER = ("user", "human")

Question = tuple[int, str]
"""The item's number in its file, from 1 (a line number where items are lines), and its question."""


def read_questions(path: str) -> list[Question]:
    """The items of a benchmark file that hold a question.

    Raises:
        UserError: the file cannot be read, or holds no question.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"the benchmark {path} cannot be read: {error.strerror}.", "Name a file.") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"the benchmark {path} is not UTF-8 at byte {error.start}.", "Save it as UTF-8."
        ) from error
    found = [(number, question) for number, record in _records(path, text) if (question := _question(record))]
    if not found:
        raise UserError(f"the benchmark {path} holds no question.", f"Looked for: {', '.join(KEYS)}.")
    return found


def _records(path: str, text: str) -> Iterator[tuple[int, Any]]:
    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t" if suffix == ".tsv" else ",")
        yield from enumerate(rows, 1)
    elif suffix in (".json", ".jsonl"):
        yield from _json_records(path, text)
    else:
        yield from enumerate(text.split("\n"), 1)


def _json_records(path: str, text: str) -> Iterator[tuple[int, Any]]:
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        whole = None
    if isinstance(whole, dict) and not any(key.lower() in KEYS for key in whole):
        whole = next((value for value in whole.values() if _is_table(value)), [whole])
    if isinstance(whole, list | dict):
        yield from enumerate(whole if isinstance(whole, list) else [whole], 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(f"{path}:{number} is not JSON: {error.msg}.", "Mend the line.") from error


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _question(record: Any) -> str:
    """The question of a record, or nothing: a string itself, the text under a known key, or the first text."""
    if isinstance(record, str):
        return record.strip()
    if isinstance(record, list):
        return _user_text(record)
    if not isinstance(record, Mapping):
        return ""
    values = {str(key).lower(): value for key, value in record.items()}
    for key in KEYS:
        value = values.get(key)
        if isinstance(value, list):
            value = _user_text(value)
        if isinstance(value, str) and value.strip():
            more = values.get("input") if key == "instruction" else None
            return f"{value}\n{more}".strip() if isinstance(more, str) and more.strip() else value.strip()
    texts = (value for value in values.values() if isinstance(value, str))
    return next((text.strip() for text in texts if text.strip() and not _is_number(text)), "")


def _user_text(messages: list[Any]) -> str:
    turns = [message for message in messages if isinstance(message, Mapping)]
    said = [
        turn.get("content", turn.get("value")) for turn in turns if turn.get("role", turn.get("from")) in USER
    ]
    return "\n".join(text for text in said if isinstance(text, str)).strip()


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdigit()

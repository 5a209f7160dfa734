"""Where questions and ready answers come from: the test side of a run, a list, or a file of several shapes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tilth.errors import FormatError, SourceError, UserError
from tilth.evaluation.protocol import Question, question_of
from tilth.formats import detect
from tilth.formats.base import kind_of
from tilth.recipe.plan import content_key
from tilth.sample import Message, Sample

QUESTION = ("question", "问题")
BEFORE = ("before", "微调前")
AFTER = ("after", "微调后")
ANALYSIS = ("analysis", "分析")
EXPECTED = ("expected", "reference", "answer", "参考回答", "参考答案", "回答", "答案")


class Line(NamedTuple):
    """One record of a file, and where it stands."""

    number: int
    record: Any


@dataclass(frozen=True)
class Answered:
    """One line of an answers file."""

    question: Question
    before: str
    after: str
    analysis: str
    """What the author of the file says about it; empty where there is nothing."""


def questions_from_texts(texts: Iterable[str]) -> list[Question]:
    """Questions as they stand in a recipe, at the places `question:1`, `question:2` and so on."""
    return [_question(text, "", f"question:{n}") for n, text in enumerate(texts, start=1)]


def questions_from_samples(samples: Iterable[Sample]) -> list[Question]:
    """What the samples of a run ask; samples in which no user speaks ask nothing."""
    return [question for sample in samples if (question := question_of(sample)) is not None]


def questions_from_file(path: Path) -> list[Question]:
    """The questions of a text file (one a line), a table with a column `question` or 问题, or records of any format.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line has no question; the message names it.
    """
    if path.suffix.lower() in (".txt", ".md"):
        lines = [Line(n, text) for n, text in enumerate(_text(path).split("\n"), start=1) if text.strip()]
        questions = [_question(line.record.strip(), "", f"{path.name}:{line.number}") for line in lines]
    else:
        questions = list(_questions(path, list(read_lines(path))))
    if not questions:
        raise SourceError(f"{path} holds no question.", "Give at least one.")
    return questions


def _questions(path: Path, lines: Sequence[Line]) -> Iterator[Question]:
    named = all(isinstance(line.record, dict) and _key(line.record, QUESTION) for line in lines)
    shape = None if named else detect([line.record for line in lines[:100]])
    for number, record in lines:
        place = f"{path.name}:{number}"
        if shape is None:
            yield _question(_need(record, QUESTION, path, number), _maybe(record, EXPECTED), place)
            continue
        try:
            question = question_of(shape.read(record, content_key(record)[:16], place))
        except FormatError as error:
            raise UserError(f"{path}:{number}: {error}") from error
        if question is None:
            raise UserError(
                f"{path}:{number}: no user speaks in this {shape.name} record.", "Add a question."
            )
        yield question


def read_answers_file(path: Path) -> list[Answered]:
    """The lines of an answers file: question, before, after, and an analysis if there is one.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line lacks one of the three or has something else than text there; the message names it.
    """
    found = []
    for number, record in read_lines(path):
        question, before, after = (_need(record, names, path, number) for names in (QUESTION, BEFORE, AFTER))
        place = f"{path.name}:{number}"
        asked = _question(question, _maybe(record, EXPECTED), place)
        found.append(Answered(asked, before, after, _maybe(record, ANALYSIS)))
    if not found:
        raise SourceError(f"{path} holds no answers.", "Give lines with question, before and after.")
    return found


def read_side_file(path: Path, side: Sequence[str]) -> dict[str, str]:
    """Question → answer of one model: its column is named after the side, or `answer` where there is only one.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line lacks the question or the answer.
    """
    names = (*side, *EXPECTED)
    return {_need(record, QUESTION, path, n): _need(record, names, path, n) for n, record in read_lines(path)}


def read_lines(path: Path) -> Iterator[Line]:
    """The records of a JSON Lines or CSV file with their line numbers; Excel's habits are tolerated.

    Raises:
        SourceError: the file is missing or unreadable.
        UserError: a line is no JSON.
    """
    text = _text(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        yield from _table(text)
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield Line(number, json.loads(line))
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path}:{number}: this is no JSON: {error.msg} (character {error.colno}).",
                    "Give one JSON object a line.",
                ) from None


def _text(path: Path) -> str:
    """The text of a file in UTF-8 or one of the encodings in which Excel saves Chinese."""
    if not path.is_file():
        raise SourceError(f"{path} does not exist.", "Check the path; it is relative to the current folder.")
    raw = path.read_bytes()
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SourceError(f"{path} is neither UTF-8 nor GB18030 text.", "Save it as UTF-8.")


def _table(text: str) -> Iterator[Line]:
    """Rows of a table whose header says which of comma, semicolon and tab parts the cells."""
    lines = text.splitlines(keepends=True)
    declared = lines[0].strip().lower() if lines else ""
    skipped = 1 if declared.startswith("sep=") else 0
    header = lines[skipped] if len(lines) > skipped else ""
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(lines[skipped:], delimiter=delimiter)
    columns = [name.strip() for name in next(reader, [])]
    number = reader.line_num
    for cells in reader:
        first, number = number + 1 + skipped, reader.line_num
        if any(cell.strip() for cell in cells):
            yield Line(first, dict(zip(columns, cells, strict=False)))


def _key(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """The record's own spelling of the first of these names that it has; empty where it has none."""
    known = {key.strip().lower(): key for key in record if isinstance(key, str)}
    return next((known[name] for name in names if name in known), "")


def _need(record: Any, names: Sequence[str], path: Path, number: int) -> str:
    where = f"{path}:{number}"
    if not isinstance(record, dict):
        raise UserError(f"{where}: expected an object, got {kind_of(record)}.", "Give one object a line.")
    key = _key(record, names)
    if not key:
        seen = ", ".join(map(str, record)) or "nothing"
        raise UserError(f"{where}: there is no `{names[0]}` (or {names[1]}).", f"The keys here are: {seen}.")
    if not isinstance(record[key], str):
        raise UserError(f"{where}: `{key}` is {kind_of(record[key])}, expected text.")
    value: str = record[key]
    return value


def _maybe(record: Mapping[str, Any], names: Sequence[str]) -> str:
    value = record.get(_key(record, names))
    return value if isinstance(value, str) else ""


def _question(text: str, expected: str, place: str) -> Question:
    return Question(content_key(text)[:16], place, (Message("user", text),), expected)

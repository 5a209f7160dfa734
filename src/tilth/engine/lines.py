"""The records of files that people write by hand or save from Excel, with the lines they stand on."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tilth.errors import SourceError, UserError
from tilth.formats.base import kind_of

TABLES = (".csv", ".tsv")


class Line(NamedTuple):
    """One record of a file, and where it stands."""

    number: int
    record: Any


def read_lines(path: Path) -> Iterator[Line]:
    """The records of a JSON Lines or CSV file with their line numbers; Excel's habits are tolerated.

    Of a JSON array the records' numbers stand for the lines.

    Raises:
        SourceError: the file is missing or unreadable.
        UserError: a line is no JSON.
    """
    text = read_text(path)
    if path.suffix.lower() in TABLES:
        yield from _table(text)
        return
    if (array := _array(text)) is not None:
        yield from (Line(number, record) for number, record in enumerate(array, start=1))
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


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or one of the encodings in which Excel saves Chinese.

    Raises:
        SourceError: the file is missing, or in another encoding.
    """
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


def _array(text: str) -> list[Any] | None:
    """The records of a JSON array of objects; `None` where the text is something else."""
    try:
        found = json.loads(text) if text.lstrip()[:1] == "[" else None
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, list) else None


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


def key_of(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """The record's own spelling of the first of these names that it has; empty where it has none."""
    known = {key.strip().lower(): key for key in record if isinstance(key, str)}
    return next((known[name] for name in names if name in known), "")


def need(record: Any, names: Sequence[str], path: Path, number: int) -> str:
    """The text under one of these names.

    Raises:
        UserError: there is none; the message names the line.
    """
    where = f"{path}:{number}"
    if not isinstance(record, dict):
        raise UserError(f"{where}: expected an object, got {kind_of(record)}.", "Give one object a line.")
    key = key_of(record, names)
    if not key:
        seen = ", ".join(map(str, record)) or "nothing"
        raise UserError(f"{where}: there is no `{names[0]}` (or {names[1]}).", f"The keys here are: {seen}.")
    if not isinstance(record[key], str):
        raise UserError(f"{where}: `{key}` is {kind_of(record[key])}, expected text.")
    value: str = record[key]
    return value


def maybe(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """The text under one of these names; empty where there is none."""
    value = record.get(key_of(record, names))
    return value if isinstance(value, str) else ""

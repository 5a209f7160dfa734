"""Parquet: row groups are the parts, and each row is the object of its columns."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from typing import IO, Any

from tilth.errors import MissingExtra, SourceError
from tilth.sources.base import Entry, Part
from tilth.sources.streams import is_compressed, open_bytes
from tilth.sources.tables import unique_names

SUFFIX = ".parquet"
ROWS = 1024
"""Rows held in memory as Python objects at a time."""
_UNREADABLE = (ValueError, OverflowError, OSError, NotImplementedError)
"""What Arrow raises for a value or a row group that it cannot read; its own errors descend from these."""


def row_groups(path: str) -> list[tuple[int, int]]:
    """Rows and uncompressed bytes of each row group.

    Raises:
        SourceError: the file is no Parquet file, or its footer is damaged.
        MissingExtra: pyarrow is not installed.
    """
    with _opened(path) as file:
        groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
        return [(group.num_rows, group.total_byte_size) for group in groups]


def parquet_entries(part: Part) -> Iterator[Entry]:
    """The rows of a part's row groups. A row group that cannot be read is one entry; its neighbours come through.

    Dates and times become ISO 8601 text, decimals and durations text, bytes text where they are UTF-8.

    Raises:
        SourceError: the file is no Parquet file, or its footer is damaged.
        MissingExtra: pyarrow is not installed.
    """
    with _opened(part.path) as file:
        end = file.metadata.num_row_groups if part.end < 0 else part.end
        n = part.first
        for group in range(part.start, end):
            after = n + file.metadata.row_group(group).num_rows
            try:
                # The engine already keeps every core busy with a process.
                for batch in file.iter_batches(ROWS, [group], use_threads=False):
                    for entry in _rows(batch, n):
                        yield entry
                        n += 1
            except _UNREADABLE as error:
                wrong = (
                    f"row group {group + 1} is damaged, its rows {n} to {after - 1} cannot be read: {error}"
                )
                yield Entry(n, b"", error=wrong)
            n = after


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        from pyarrow.parquet import ParquetFile  # type: ignore[import-untyped,unused-ignore]
    except ImportError as error:
        raise MissingExtra("reading .parquet files", "parquet") from error
    stream: str | IO[bytes] = open_bytes(path) if is_compressed(path) else path
    try:
        file = ParquetFile(stream)
    except _UNREADABLE as error:
        raise SourceError(
            f"{path} cannot be read as Parquet: {error}.", "Download or write it again."
        ) from None
    with file:
        yield file


def _rows(batch: Any, first: int) -> Iterator[Entry]:
    batch = batch.rename_columns(unique_names(batch.schema.names))
    try:
        records = batch.to_pylist()
    except _UNREADABLE:
        for index in range(batch.num_rows):
            yield _row(batch.slice(index, 1), first + index)
        return
    for n, record in enumerate(records, first):
        yield _entry(n, record)


def _row(batch: Any, n: int) -> Entry:
    """A row of a batch in which some value has no counterpart in Python."""
    values: dict[str, Any] = {}
    wrong = ""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[0].as_py()
        except _UNREADABLE as error:
            wrong = wrong or f"the value in the column `{name}` cannot be read: {error}"
    return Entry(n, _raw(values), error=wrong) if wrong else _entry(n, values)


def _entry(n: int, values: dict[str, Any]) -> Entry:
    record = {}
    for name, value in values.items():
        try:
            record[name] = plain(value)
        except ValueError as error:
            return Entry(n, _raw(values), error=f"the column `{name}` holds {error}")
    return Entry(n, _raw(record), record)


def plain(value: Any) -> Any:
    """A column's value as JSON has it.

    Raises:
        ValueError: it is something that no JSON value stands for.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta):
        return str(value)
    if isinstance(value, bytes):
        return _text(value)
    raise ValueError(f"a {type(value).__name__}, which is no JSON value")


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{len(value)} bytes that are no UTF-8 text") from None


def _raw(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, default=_shown).encode("utf-8", "surrogatepass")


def _shown(value: Any) -> str:
    return b64encode(value).decode("ascii") if isinstance(value, bytes) else str(value)

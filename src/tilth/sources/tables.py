"""Rows of CSV and TSV, one by one, each with its own bytes, so that a broken row harms no other."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO, NamedTuple

from tilth.errors import SourceError
from tilth.sources.json_text import decode_error
from tilth.sources.streams import skip_bom

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
_LONGEST_CELL = 2**31 - 1


class Row(NamedTuple):
    """One row of a table."""

    size: int
    """How many bytes of the file it takes, line ends included."""
    raw: bytes
    cells: list[str]
    error: str = ""


class _Feed:
    """Lines for `csv.reader`, which asks for as many as the row needs; a row that fails gives lines back."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._back: list[bytes] = []
        self.taken: list[bytes] = []

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else next(self._lines)
        self.taken.append(line)
        return line.decode("utf-8", "surrogateescape")

    def keep_first(self) -> None:
        """Give back all lines of the row but the first."""
        self._back += reversed(self.taken[1:])
        del self.taken[1:]


def rows(lines: Iterator[bytes], delimiter: str) -> Iterator[Row]:
    """The rows of a table; quoted cells may hold line feeds.

    A line whose quotes do not come out even is a row of its own with an error, and reading goes on at the next line.
    Empty lines are rows without cells.

    Args:
        lines: the lines of the table with their line ends.
        delimiter: what stands between cells.
    """
    # The limit is the module's own and would refuse long answers.
    csv.field_size_limit(_LONGEST_CELL)
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.taken = []
        error = ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            feed.keep_first()
            cells, error = [], "the quotes of this row do not match"
        whole = b"".join(feed.taken)
        raw = whole.removesuffix(b"\n").removesuffix(b"\r")
        yield Row(len(whole), raw, cells, decode_error(raw) or error)


def column_names(stream: IO[bytes], delimiter: str, path: str) -> tuple[list[str], int]:
    """The names of the columns, and the offset where the rows begin; no names where the table is empty.

    A column without a name is called `column_3` after its position; a name that comes again gets its position too.

    Raises:
        SourceError: the header cannot be read.
    """
    offset = skip_bom(stream)
    for row in rows(iter(stream), delimiter):
        offset += row.size
        if row.error:
            raise SourceError(
                f"the header of {path} cannot be read: {row.error}.",
                "Where the file is no UTF-8, set for example `encoding: gb18030`.",
            )
        if row.cells:
            return unique_names(row.cells), offset
    return [], offset


def unique_names(cells: list[str]) -> list[str]:
    """Names of columns, each of them once: empty ones and repeated ones carry their position."""
    names: list[str] = []
    for number, cell in enumerate(cells, 1):
        name = cell.strip() or f"column_{number}"
        names.append(f"{name}_{number}" if name in names else name)
    return names


def row_record(row: Row, names: list[str], delimiter: str) -> tuple[dict[str, str] | None, str]:
    """The row as an object, or what is wrong with it. Cells that a short row lacks are not in the object."""
    cells = row.cells
    if row.error:
        cells = _unquoted(row, len(names)) if delimiter == "\t" else []
    if not cells:
        return None, row.error
    if any(cells[len(names) :]):
        return None, f"the row has {len(cells)} cells, the header has {len(names)}"
    return dict(zip(names, cells, strict=False)), ""


def _unquoted(row: Row, width: int) -> list[str]:
    """Many TSV files quote nothing: there a quotation mark is a character like any other."""
    cells = row.raw.split(b"\t")
    return [] if len(cells) != width or decode_error(row.raw) else [cell.decode("utf-8") for cell in cells]

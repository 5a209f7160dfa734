"""Rows of CSV and TSV, one by one, each with its own bytes, so that a broken row harms no other."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, NamedTuple

from tilth.errors import SourceError
from tilth.sources.json_text import decode_error
from tilth.sources.streams import skip_bom, suffix_of

DELIMITERS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
"""What stands between cells, by the suffix, where the first row does not show something else."""
LONG_NAME = 30
SENTENCE = tuple("?？。!！：:_")
OTHERS = (";", "\t", "|", ",")
_SEP = re.compile(rb"\s*\"?sep=(.)\"?\s*", re.IGNORECASE)
"""The line by which Excel is told the delimiter; it is no row."""
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


class Header(NamedTuple):
    """What the first row says of a table."""

    names: list[str]
    """The names of the columns; none where the table is empty."""
    offset: int
    """Where the rows begin."""
    delimiter: str


def header_of(stream: IO[bytes], path: str, *, named: bool = True) -> Header:
    """The header of a table, and the delimiter that the first row shows.

    A column without a name is called `column_3` after its position; a name that comes again gets its position too.

    Args:
        stream: the table from its first byte, as UTF-8.
        path: the file, whose suffix tells the usual delimiter.
        named: whether the first row holds names; where it does not, it is a row like the others.

    Raises:
        SourceError: the header cannot be read.
    """
    offset = skip_bom(stream)
    first = stream.readline()
    told = _SEP.fullmatch(first)
    if told:
        offset += len(first)
        first = stream.readline()
    delimiter = (
        told[1].decode("ascii", "replace")
        if told
        else _delimiter(first, DELIMITERS.get(suffix_of(path), "\t"))
    )
    for row in rows(chain([first] if first else [], stream), delimiter):
        if row.error:
            raise SourceError(
                f"the header of {path} cannot be read: {row.error}.",
                "Where the file is no UTF-8, set for example `encoding: gb18030`.",
            )
        if row.cells and not named:
            return Header([f"column_{number}" for number in range(1, len(row.cells) + 1)], offset, delimiter)
        offset += row.size
        if row.cells:
            return Header(unique_names(row.cells), offset, delimiter)
    return Header([], offset, delimiter)


def _delimiter(first: bytes, usual: str) -> str:
    """The delimiter that cuts the first line into most cells; the usual one where it cuts as many.

    A tab never stands inside a cell, so where it is the usual one and there is one, it is it.
    """
    line = first.decode("utf-8", "replace").rstrip("\r\n")
    if usual == "\t" in line:
        return usual
    return max((usual, *OTHERS), key=lambda delimiter: _cells(line, delimiter))


def _cells(line: str, delimiter: str) -> int:
    try:
        return sum(map(len, csv.reader([line], delimiter=delimiter)))
    except csv.Error:
        return 0


def are_names(cells: list[str]) -> bool:
    """Whether the first row of a table looks like a header: no cell is long or ends like a sentence."""
    return not any(len(cell) > LONG_NAME or cell.rstrip().endswith(SENTENCE) for cell in cells)


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

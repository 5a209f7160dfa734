"""What lies in a part: its entries, in order, each good or bad on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import IO

from tilth.errors import SourceError
from tilth.sources.base import Entry, Layout, Part
from tilth.sources.json_scan import HEAD, Kind, Piece, list_in, pieces
from tilth.sources.json_text import decode_error, parse
from tilth.sources.listing import TEXT
from tilth.sources.pages import page_entries
from tilth.sources.parquet import parquet_entries
from tilth.sources.streams import (
    BOM,
    DAMAGED,
    is_compressed,
    keeps_lines,
    open_bytes,
    open_utf8,
    skip_bom,
    suffix_of,
)
from tilth.sources.tables import header_of, row_record, rows

_TROUBLE: dict[Kind, str] = {
    "endless": "this element of the array has no end: what follows it is set aside with it",
    "unclosed": "the array is not closed: the file seems to be cut short",
    "after": "this stands behind the end of the array",
}


def entries(part: Part) -> Iterator[Entry]:
    """The entries of a part. What cannot be read is an entry with an error; its neighbours come through.

    Raises:
        SourceError: the file cannot be opened or read, or a table has no header.
    """
    n = part.first - 1
    try:
        for entry in _READERS[part.layout](part):
            n = entry.n
            yield entry
    except (*DAMAGED, OSError) as error:
        if not is_compressed(part.path):
            raise SourceError(f"{part.path} cannot be read: {error}.") from None
        yield Entry(n + 1, b"", error=f"the compressed file is damaged, the rest cannot be read: {error}")


def entry_at(part: Part, n: int) -> Entry | None:
    """The entry with a number in a part; lines before it are passed over without being parsed.

    Raises:
        SourceError: the file cannot be opened or read.
    """
    if part.layout == "lines" and n > part.first:
        by_line = part.encoding != "utf-8" and keeps_lines(part.encoding)
        try:
            with open_bytes(part.path) if by_line else open_utf8(part.path, part.encoding) as stream:
                passed = sum(map(len, islice(_between(stream, part.start, part.end), n - part.first)))
        except (*DAMAGED, OSError):
            return next((entry for entry in entries(part) if entry.n == n), None)
        part = replace(part, start=part.start + passed, first=n)
    return next((entry for entry in entries(part) if entry.n == n), None)


def _lines(part: Part) -> Iterator[Entry]:
    entry = _text_entry if suffix_of(part.path) in TEXT else _json_entry
    by_line = part.encoding != "utf-8" and keeps_lines(part.encoding)
    stream = open_bytes(part.path) if by_line else open_utf8(part.path, part.encoding)
    with stream:
        for n, line in enumerate(_between(stream, part.start, part.end), part.first):
            raw = line.removesuffix(b"\n").removesuffix(b"\r")
            if by_line and not raw.isascii():
                wrong = decode_error(raw, part.encoding)
                if wrong:
                    yield Entry(n, raw, error=wrong)
                    continue
                raw = raw.decode(part.encoding).encode("utf-8")
            if n == 1:
                raw = raw.removeprefix(BOM)
            yield Entry(n, raw, blank=True) if not raw or raw.isspace() else entry(n, raw)


def _array(part: Part) -> Iterator[Entry]:
    with open_utf8(part.path, part.encoding) as stream:
        stream.seek(part.start)
        yield from _of_pieces(pieces(stream, part.start, part.end), part.first)


def _items(part: Part) -> Iterator[Entry]:
    """The objects of the list in a JSON object; what stands behind the list is left alone."""
    with open_utf8(part.path, part.encoding) as stream:
        start = list_in(stream.read(HEAD))
        if not start:
            raise SourceError(
                f"{part.path} is no JSON object that holds a list of objects.", "Leave out `page: items`."
            )
        stream.seek(start)
        found = (piece for piece in pieces(stream, start) if piece.kind != "after")
        yield from _of_pieces(found, part.first)


def _of_pieces(found: Iterable[Piece], first: int) -> Iterator[Entry]:
    for n, piece in enumerate(found, first):
        if piece.kind == "element":
            yield _json_entry(n, piece.raw)
        elif piece.kind == "blank":
            yield Entry(n, piece.raw, blank=True)
        else:
            yield Entry(n, piece.raw, error=_TROUBLE[piece.kind])


def _object(part: Part) -> Iterator[Entry]:
    with open_utf8(part.path, part.encoding) as stream:
        skip_bom(stream)
        yield _json_entry(1, stream.read())


def _documents(part: Part) -> Iterator[Entry]:
    with open_utf8(part.path, part.encoding) as stream:
        skip_bom(stream)
        raw = stream.read()
    if raw:
        yield Entry(1, raw, blank=True) if raw.isspace() else _text_entry(1, raw)


def _blocks(part: Part) -> Iterator[Entry]:
    """Documents of several lines, each with the number of its first line; blank lines lie between them."""
    block: list[bytes] = []
    n = part.first
    with open_utf8(part.path, part.encoding) as stream:
        skip_bom(stream)
        for n, line in enumerate(chain(stream, [b""]), part.first):
            if line.strip():
                block.append(line)
                continue
            if block:
                yield _text_entry(n - len(block), b"".join(block).rstrip(b"\r\n").replace(b"\r\n", b"\n"))
                block = []
            if line:
                yield Entry(n, line.rstrip(b"\r\n"), blank=True)


def _table(part: Part) -> Iterator[Entry]:
    with open_utf8(part.path, part.encoding) as stream:
        names, body, delimiter = header_of(stream, part.path, named=part.layout == "table")
        n = part.first
        for row in rows(_between(stream, max(part.start, body), part.end), delimiter):
            if not row.cells and not row.error:
                yield Entry(n, row.raw, blank=True)
                continue
            record, error = row_record(row, names, delimiter)
            yield Entry(n, row.raw, record, error)
            n += 1


_READERS: dict[Layout, Callable[[Part], Iterator[Entry]]] = {
    "lines": _lines,
    "array": _array,
    "object": _object,
    "items": _items,
    "table": _table,
    "rows": _table,
    "documents": _documents,
    "blocks": _blocks,
    "parquet": parquet_entries,
    "article": page_entries,
    "list": page_entries,
    "thread": page_entries,
}


def _json_entry(n: int, raw: bytes) -> Entry:
    record, error = parse(raw)
    return Entry(n, raw, record, error)


def _text_entry(n: int, raw: bytes) -> Entry:
    wrong = decode_error(raw)
    return Entry(n, raw, error=wrong) if wrong else Entry(n, raw, {"text": raw.decode("utf-8")})


def _between(stream: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    """The lines of a byte range, with their line ends; -1 stands for the end of the stream."""
    stream.seek(start)
    at = start
    while end < 0 or at < end:
        line = stream.readline()
        if not line:
            return
        yield line
        at += len(line)

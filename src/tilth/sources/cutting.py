"""Cuts files into parts between records, by size alone, and counts what lies before each part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from tilth.sources.base import Layout, Part, Spec
from tilth.sources.json_scan import pieces
from tilth.sources.layout import layout_of
from tilth.sources.listing import Found
from tilth.sources.parquet import row_groups
from tilth.sources.streams import (
    canonical_encoding,
    is_compressed,
    keeps_lines,
    open_bytes,
    open_utf8,
    size_of,
)
from tilth.sources.tables import header_of, rows


class Cut(NamedTuple):
    """Where a part ends and the next begins."""

    end: int
    start: int
    first: int
    """Number of the first entry of the next part."""


def parts_of(found: Found, spec: Spec, shard_bytes: int) -> list[tuple[Part, int]]:
    """The parts of one file, each with its size in bytes as it lies on the disk.

    Compressed files and encodings that must be decoded as a whole are one part; Parquet is cut between row groups.

    Raises:
        SourceError: the file cannot be opened, the encoding is unknown, or a table has no header.
    """
    encoding = canonical_encoding(spec.encoding)
    layout = layout_of(found.path, encoding, spec.page)
    whole = Part(found.path, found.name, layout, encoding=encoding, source=found.source)
    size = size_of(found.path)
    if layout in ("table", "rows"):
        _check_header(whole)
    as_it_lies = encoding == "utf-8" or (layout == "lines" and keeps_lines(encoding))
    if layout == "parquet":
        return list(_row_groups(whole, shard_bytes))
    if size <= shard_bytes or is_compressed(found.path) or not as_it_lies or layout not in _CUTS:
        return [(whole, size)]
    parts, part = [], whole
    for cut in _CUTS[layout](whole, shard_bytes):
        parts.append((replace(part, end=cut.end), cut.end - part.start))
        part = replace(whole, start=cut.start, first=cut.first)
    return [*parts, (part, size - part.start)]


def _row_groups(part: Part, shard_bytes: int) -> Iterator[tuple[Part, int]]:
    """Parts of whole row groups, measured by what they hold once they are unpacked."""
    held, first = 0, 1
    for index, (rows_, size) in enumerate(row_groups(part.path)):
        if held and held + size > shard_bytes:
            yield replace(part, end=index), held
            part, held = replace(part, start=index, first=first), 0
        held += size
        first += rows_
    yield part, held


def _cut_lines(part: Part, shard_bytes: int) -> Iterator[Cut]:
    at, first = 0, 1
    with open_bytes(part.path) as stream:
        while block := stream.read(shard_bytes):
            tail = stream.readline()
            at += len(block) + len(tail)
            first += block.count(b"\n") + tail.count(b"\n")
            if stream.peek(1):  # type: ignore[attr-defined]  # the file is not compressed, so it is buffered
                yield Cut(at, at, first)


def _cut_array(part: Part, shard_bytes: int) -> Iterator[Cut]:
    start = end = 0
    with open_bytes(part.path) as stream:
        for n, piece in enumerate(pieces(stream), 1):
            if piece.kind == "element" and end and piece.start - start >= shard_bytes:
                yield Cut(end, piece.start, n)
                start = piece.start
            # A part that ended behind a blank element would not see it.
            end = piece.start + len(piece.raw) if piece.kind == "element" else 0


def _cut_table(part: Part, shard_bytes: int) -> Iterator[Cut]:
    with open_bytes(part.path) as stream:
        _, at, delimiter = header_of(stream, part.path, named=part.layout == "table")
        start, n = at, 1
        stream.seek(at)
        for row in rows(iter(stream), delimiter):
            if at - start >= shard_bytes:
                yield Cut(at, at, n)
                start = at
            at += row.size
            n += bool(row.cells or row.error)


def _check_header(part: Part) -> None:
    """Find a table without a header before the run starts."""
    with open_utf8(part.path, part.encoding) as stream:
        header_of(stream, part.path)


_CUTS: dict[Layout, Callable[[Part, int], Iterator[Cut]]] = {
    "lines": _cut_lines,
    "array": _cut_array,
    "table": _cut_table,
    "rows": _cut_table,
}

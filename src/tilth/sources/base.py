"""What a source yields: entries with a place, in shards cut by size; never a `Sample`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import msgspec

Layout = Literal[
    "lines",
    "array",
    "object",
    "items",
    "table",
    "rows",
    "documents",
    "blocks",
    "parquet",
    "article",
    "list",
    "thread",
]
"""How records lie in a file: one a line, elements of one JSON array, one JSON value, the list of objects in one JSON
object, rows of a table with a header or without one, one plain-text document a file, documents with blank lines
between them, rows in columns, or a web page that is one article, a list of links or a thread of posts."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One thing found in a source: a record, or what is left of one."""

    n: int
    """Global line number (1-based), or the record's number in arrays and tables."""
    raw: bytes
    """The bytes as they stand in the file (transcoded to UTF-8 where an encoding was declared)."""
    record: Any = None
    """The parsed record, where the source could parse it."""
    error: str = ""
    """Why there is no record. Empty when there is one."""
    blank: bool = False


@dataclass(frozen=True)
class Part:
    """A run of bytes of one file that starts and ends between records."""

    path: str
    """The file, as it is opened."""
    name: str
    """The file relative to the data root, with `/`; the part of a place before the colon."""
    layout: Layout
    start: int = 0
    end: int = -1
    """Byte range [start, end) of the uncompressed file, for Parquet the range of row groups; -1 stands for the end."""
    first: int = 1
    """The number of the first entry."""
    encoding: str = "utf-8"
    source: int = 0
    """Index into `data.from`: which spec this part belongs to."""


@dataclass(frozen=True)
class Shard:
    """The unit of work: about as many bytes as one worker should hold at a time."""

    index: int
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Spec:
    """One item of `data.from`."""

    path: str
    """A file, a folder or a glob; of an address the place it is downloaded to."""
    format: str | None = None
    encoding: str = "utf-8"
    columns: Mapping[str, str | None] = field(default_factory=dict)
    """The format's key → the record's key. `null` hides a key from the format (it stays in `meta`)."""
    page: str | None = None
    address: str = ""
    """`hf://…`, `ms://…` or `https://…`, where the files are fetched first."""


class Source(Protocol):
    """Where records come from."""

    def shards(self) -> list[Shard]:
        """The work, cut by size and never by the number of workers."""

    def entries(self, part: Part) -> Iterator[Entry]:
        """What lies in a part, in order."""

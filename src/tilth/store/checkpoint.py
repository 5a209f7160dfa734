"""Samples at a stage's end: plain JSON lines, so that `head` and `jq` read the file and we can fetch one row.

The shard's mark says where each block of about 32 KB starts and which row it starts with. Nothing is packed: gzip at its
fastest costs three times what reading and writing the whole data does, and one row of it a block to unpack.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import msgspec

from tilth.sample import Sample

BLOCK_BYTES = 32 << 10
CACHED_BLOCKS = 256

_encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Sample).decode
"""The sample of a line."""


@dataclass(frozen=True)
class Block:
    """Some lines of a checkpoint."""

    offset: int
    """First byte in the file."""
    size: int
    first: int
    """Row number of its first sample."""


class Writer:
    """Writes samples to an open file in blocks."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self._lines, self._bytes, self._offset = handle, list[bytes](), 0, 0
        self.rows = 0
        self.blocks: list[Block] = []

    def add(self, sample: Sample) -> None:
        """Append one sample."""
        line = _encode(sample)
        self._lines.append(line)
        self._bytes += len(line)
        self.rows += 1
        if self._bytes >= BLOCK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting as one block."""
        if not self._lines:
            return
        text = b"\n".join(self._lines) + b"\n"
        self._handle.write(text)
        self.blocks.append(Block(self._offset, len(text), self.rows - len(self._lines)))
        self._offset += len(text)
        self._lines, self._bytes = [], 0


def read_block(path: Path, block: Block) -> list[bytes]:
    """The lines of one block."""
    with path.open("rb") as handle:
        handle.seek(block.offset)
        return handle.read(block.size).splitlines()


def read_all(path: Path) -> Iterator[Sample]:
    """All samples of a checkpoint file, in order."""
    with path.open("rb") as handle:
        yield from map(decode, handle)


def read_rows(path: Path, wanted: Callable[[int], bool]) -> Iterator[tuple[int, bytes]]:
    """Number and line of the rows of a checkpoint file that are wanted, in order; the others are passed over."""
    with path.open("rb") as handle:
        for row, line in enumerate(handle):
            if wanted(row):
                yield row, line


class Rows:
    """Random access to the rows of several checkpoint files, with the last blocks kept in memory."""

    def __init__(self, files: list[tuple[Path, list[Block], int]]) -> None:
        """`files`: path, blocks and number of rows of each, in order."""
        self._rows = 0
        self._blocks: list[tuple[Path, Block]] = []
        self._starts: list[int] = []
        """First row of each block, counted over all files."""
        for path, blocks, rows in files:
            self._blocks += ((path, block) for block in blocks)
            self._starts += (self._rows + block.first for block in blocks)
            self._rows += rows
        self._cache: OrderedDict[int, list[bytes]] = OrderedDict()
        self._last, self._lines = -1, list[bytes]()

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> Sample:
        at = bisect_right(self._starts, row) - 1
        if at != self._last:
            self._last, self._lines = at, self._block(at)
        return decode(self._lines[row - self._starts[at]])

    def _block(self, at: int) -> list[bytes]:
        found = self._cache.get(at)
        if found is None:
            found = self._cache[at] = read_block(*self._blocks[at])
            if len(self._cache) > CACHED_BLOCKS:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(at)
        return found


class LineWriter:
    """Appends JSON lines to an open file."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle = handle

    def add(self, value: Any) -> None:
        """Append one JSON value."""
        self._handle.write(_encode(value) + b"\n")


def read_lines(path: Path, decode: Callable[[bytes], Any] = msgspec.json.decode) -> Iterator[Any]:
    """The JSON lines of a file."""
    with path.open("rb") as handle:
        for line in handle:
            yield decode(line)

"""Samples at a stage's end: plain JSON lines, so that `head` and `jq` read the file and we can fetch one row.

The shard's mark says at which byte every eighth row begins. Nothing is packed: gzip at its fastest costs three times what
reading and writing the whole data does, and one row of it a block to unpack.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from tilth.sample import Sample

BLOCK = 8
"""Rows that are fetched together."""
CACHED_BLOCKS = 512

_encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Sample).decode
"""The sample of a line."""


class Writer:
    """Writes samples to an open file, and notes where each block of them begins."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self._offset = handle, 0
        self.rows = 0
        self.blocks: list[int] = []
        """The first byte of each block of `BLOCK` rows."""

    def add(self, sample: Sample) -> None:
        """Append one sample."""
        if self.rows % BLOCK == 0:
            self.blocks.append(self._offset)
        self._offset += self._handle.write(_encode(sample) + b"\n")
        self.rows += 1


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

    def __init__(self, files: Sequence[tuple[Path, Sequence[int], int]]) -> None:
        """`files`: path, first bytes of the blocks and number of rows of each, in order."""
        self._files = [(path, [*blocks, -1]) for path, blocks, _ in files]
        self._starts = [0]
        """First row of each file, counted over all of them."""
        for _, _, rows in files:
            self._starts.append(self._starts[-1] + rows)
        self._cache: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, row: int) -> Sample:
        file = bisect_right(self._starts, row) - 1
        block, at = divmod(row - self._starts[file], BLOCK)
        found = self._cache.get((file, block))
        if found is None:
            found = self._cache[file, block] = self._block(file, block)
            if len(self._cache) > CACHED_BLOCKS:
                self._cache.popitem(last=False)
        return decode(found[at])

    def _block(self, file: int, block: int) -> list[bytes]:
        path, blocks = self._files[file]
        start, end = blocks[block], blocks[block + 1]
        with path.open("rb", buffering=0) as handle:
            handle.seek(start)
            return (handle.read(end - start) if end > 0 else handle.read()).splitlines()


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

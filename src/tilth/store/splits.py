"""`splits.jsonl`: which side each sample is on, read back by the next run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from tilth.errors import FolderError
from tilth.sample import Side
from tilth.store.files import atomic, json_line

BOM = b"\xef\xbb\xbf"


class Row(msgspec.Struct, frozen=True):
    """A line: the side of a sample in a split that was drawn with a seed."""

    id: str
    side: Side
    seed: Any = None


_decode = msgspec.json.Decoder(Row).decode


def read_splits(path: Path) -> Iterator[Row]:
    """The rows of a file that people may have edited; nothing where there is none.

    Raises:
        FolderError: a line is no such row; the message names it.
    """
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _decode(line.removeprefix(BOM))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                raise FolderError(
                    f'{path}:{number} is no side: expected {{"id": "…", "side": "train|validation|test"}}.',
                    "Mend the line, or delete the file to split anew.",
                ) from None


def sides_of(path: Path, seed: Any) -> dict[str, Side]:
    """Sample id → side of a split that was drawn with this seed; a new seed draws a new split."""
    return {row.id: row.side for row in read_splits(path) if row.seed == seed}


def keep_splits(path: Path, beside: Path) -> None:
    """Keep the rows as they are now, for a run that may be killed and begun again; none where there is no file.

    Raises:
        FolderError: as `read_splits`; then nothing is kept.
    """
    with atomic(beside) as handle:
        handle.writelines(msgspec.json.encode(row) + b"\n" for row in read_splits(path))


def write_splits(path: Path, sides: Iterable[tuple[str, str]], seed: Any) -> None:
    """Write a line for each (sample id, side); `seed` is left out where it is `None`."""
    drawn = "" if seed is None else f', "seed": {json_line(seed)[:-1]}'
    with atomic(path) as handle:
        for sample_id, side in sides:
            name = json_line(sample_id)[:-1]
            handle.write(f'{{"id": {name}, "side": "{side}"{drawn}}}\n'.encode())

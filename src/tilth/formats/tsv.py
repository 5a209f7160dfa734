"""A table with tabs between its columns `question`, `answer`, `system`; otherwise as `csv`."""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, register
from tilth.formats.csv import KEYS, read_as, write_as
from tilth.sample import Sample

NAME = "tsv"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample of one round.

    Raises:
        FormatError: `question` or `answer` is missing or no text.
    """
    return read_as(record, sample_id, place, NAME)


def write(sample: Sample) -> dict[str, Any]:
    """A row with all three columns.

    Raises:
        FormatError: there is more than one round, or tools, thinking, a mask or a preference.
    """
    return write_as(sample, NAME)


tsv = register(Format(NAME, read, write, columns=KEYS, container="tsv"))

"""A table that Excel opens: columns `question`, `answer`, `system`.

One round a row. An empty `system` means that there is none; other columns are kept in `meta`.
"""

from __future__ import annotations

from typing import Any

from tilth.formats.base import Format, Record, need_object, need_text, optional_text, refuse, register, rest
from tilth.formats.columns import has
from tilth.formats.rounds import of_rounds, rounds
from tilth.sample import Sample

NAME = "csv"
KEYS = ("question", "answer", "system")


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


def read_as(record: Record, sample_id: str, place: str, name: str) -> Sample:
    """The reader, for every kind of table.

    Raises:
        FormatError: as `read`.
    """
    found = need_object(record, name)
    question, answer = need_text(found, "question", name), need_text(found, "answer", name)
    system = optional_text(found, "system", name)
    return Sample(sample_id, place, of_rounds([(system, question, answer)]), meta=rest(found, KEYS))


def write_as(sample: Sample, name: str) -> dict[str, Any]:
    """The writer, for every kind of table.

    Raises:
        FormatError: as `write`.
    """
    refuse(sample, name, "calls", "tools", "thinking", "loss", "preference", "label")
    triples = rounds(sample, name)
    refuse(sample, name, "turns")
    system, question, answer = triples[0]
    return {"question": question, "answer": answer, "system": system or ""}


def fits(record: Record) -> bool:
    """A question and an answer."""
    return has(record, "question", "answer")


csv = register(Format(NAME, read, write, fits, rank=70, columns=KEYS, container="csv"))

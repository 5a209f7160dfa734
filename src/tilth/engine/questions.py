"""The one reader of files with questions: the leak check of a run and `compare` must see the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tilth.engine.lines import TABLES, Line, key_of, maybe, need, read_lines, read_text
from tilth.engine.reading import read_source
from tilth.errors import FormatError, SourceError, UserError
from tilth.formats import detect
from tilth.recipe.plan import content_key
from tilth.sample import Message, Sample
from tilth.sources.base import Spec

QUESTION = ("question", "问题")
EXPECTED = ("expected", "reference", "answer", "参考回答", "参考答案", "回答", "答案")
_TEXT = (".txt", ".md")
_BY_LINE = (*TABLES, ".jsonl", ".ndjson")


def read_questions(path: Path) -> list[Sample]:
    """The questions of a text file (one a line), a table with a column `question` or 问题, or records of any format.

    JSON arrays, packed files and Parquet are read as a recipe's source is.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        FormatError: no format fits its records.
        UserError: a line has no question; the message names it.
    """
    suffix = path.suffix.lower()
    if suffix in _TEXT:
        lines = enumerate(read_text(path).split("\n"), start=1)
        found = [asked(text.strip(), "", f"{path.name}:{n}") for n, text in lines if text.strip()]
    elif suffix in _BY_LINE or not path.exists():
        found = list(_records(path, list(read_lines(path))))
    else:
        found = list(_records(path, list(_source(path))))
    if not found:
        raise SourceError(f"{path} holds no question.", "Give at least one.")
    return found


def asked(text: str, expected: str, place: str) -> Sample:
    """A question alone, or with the answer that is expected; its id speaks of the question only."""
    answer = (Message("assistant", expected),) if expected else ()
    return Sample(content_key(text)[:16], place, (Message("user", text), *answer))


def _source(path: Path) -> Iterator[Line]:
    for entry, part, _ in read_source(Spec(str(path), format="tilth")):
        if entry.error:
            raise UserError(f"{part.name}:{entry.n}: {entry.error}.", "Mend the entry.")
        yield Line(entry.n, entry.record)


def _records(path: Path, lines: Sequence[Line]) -> Iterator[Sample]:
    named = all(isinstance(line.record, dict) and key_of(line.record, QUESTION) for line in lines)
    shape = None if named else detect([line.record for line in lines[:100]])
    for number, record in lines:
        place = f"{path.name}:{number}"
        if shape is None:
            yield asked(need(record, QUESTION, path, number), maybe(record, EXPECTED), place)
            continue
        try:
            sample = shape.read(record, content_key(record)[:16], place)
        except FormatError as error:
            raise UserError(f"{path}:{number}: {error}") from error
        if not any(message.role == "user" for message in sample.messages):
            raise UserError(
                f"{path}:{number}: no user speaks in this {shape.name} record.", "Add a question."
            )
        yield sample

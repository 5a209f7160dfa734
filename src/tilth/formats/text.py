"""Plain documents: `{"text": "…"}`, one a line or a file.

Also read: a list of lines under `text` (verses, paragraphs), and a record that is nothing but a string.
A document becomes a sample with one user message and no answer: material that `augment.qa_from_text` asks about, and
that every step on the question can clean, measure and compare.
"""

from __future__ import annotations

from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import Format, Record, need_object, need_text, refuse, register, rest, turn
from tilth.formats.columns import has
from tilth.formats.guess import MESSAGE
from tilth.formats.rounds import refuse_names
from tilth.sample import Sample

NAME = "text"


def read(record: Record, sample_id: str, place: str) -> Sample:
    """A sample whose only message is the document.

    Raises:
        FormatError: `text` is missing or no text.
    """
    found = {"text": record} if isinstance(record, str) else need_object(record, NAME)
    lines = found.get("text")
    if isinstance(lines, list) and lines and all(isinstance(line, str) for line in lines):
        found = {**found, "text": "\n".join(lines)}
    document = need_text(found, "text", NAME)
    return Sample(sample_id, place, (turn("user", document),), meta=rest(found, ("text",)))


def write(sample: Sample) -> dict[str, Any]:
    """The document alone.

    Raises:
        FormatError: the sample is a conversation.
    """
    refuse(sample, NAME, "system", "calls", "tools", "thinking", "loss", "preference", "label")
    refuse_names(sample, NAME)
    if [message.role for message in sample.messages] != ["user"]:
        raise FormatError("text can carry one document, not a conversation.", "Choose for example `openai`.")
    return {"text": sample.question}


def fits(record: Record) -> bool:
    """There is a text, and it is no message of a conversation whose other messages are records too."""
    return (has(record, "text") and not has(record, *MESSAGE)) or isinstance(record, str)


text = register(Format(NAME, read, write, fits, rank=90, columns=("text",)))

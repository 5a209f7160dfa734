"""Where questions and ready answers come from: the test side of a run, a list, or a file of several shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tilth.engine.lines import maybe, need, read_lines
from tilth.engine.questions import EXPECTED, QUESTION, asked, read_questions
from tilth.errors import SourceError
from tilth.evaluation.protocol import Question, question_of
from tilth.sample import Sample

BEFORE = ("before", "微调前")
AFTER = ("after", "微调后")
ANALYSIS = ("analysis", "分析")


@dataclass(frozen=True)
class Answered:
    """One line of an answers file."""

    question: Question
    before: str
    after: str
    analysis: str
    """What the author of the file says about it; empty where there is nothing."""


def questions_from_texts(texts: Iterable[str]) -> list[Question]:
    """Questions as they stand in a recipe, at the places `question:1`, `question:2` and so on."""
    return questions_from_samples(asked(text, "", f"question:{n}") for n, text in enumerate(texts, start=1))


def questions_from_samples(samples: Iterable[Sample]) -> list[Question]:
    """What the samples of a run ask; samples in which no user speaks ask nothing."""
    return [question for sample in samples if (question := question_of(sample)) is not None]


def questions_from_file(path: Path) -> list[Question]:
    """The questions of a file, as the leak check of a run reads them too.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        FormatError: no format fits its records.
        UserError: a line has no question; the message names it.
    """
    return questions_from_samples(read_questions(path))


def read_answers_file(path: Path) -> list[Answered]:
    """The lines of an answers file: question, before, after, and an analysis if there is one.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line lacks one of the three or has something else than text there; the message names it.
    """
    found = []
    for number, record in read_lines(path):
        text, before, after = (need(record, names, path, number) for names in (QUESTION, BEFORE, AFTER))
        place = f"{path.name}:{number}"
        (question,) = questions_from_samples([asked(text, maybe(record, EXPECTED), place)])
        found.append(Answered(question, before, after, maybe(record, ANALYSIS)))
    if not found:
        raise SourceError(f"{path} holds no answers.", "Give lines with question, before and after.")
    return found


def read_side_file(path: Path, side: Sequence[str]) -> dict[str, str]:
    """Question → answer of one model: its column is named after the side, or `answer` where there is only one.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line lacks the question or the answer.
    """
    names = (*side, *EXPECTED)
    return {need(record, QUESTION, path, n): need(record, names, path, n) for n, record in read_lines(path)}

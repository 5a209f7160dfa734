"""Where questions and ready answers come from: the test side of a run, a list, or a file of several shapes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tilth.engine.lines import key_of, maybe, need, read_lines
from tilth.engine.questions import EXPECTED, QUESTION, asked, read_questions
from tilth.errors import SourceError
from tilth.evaluation.protocol import Question, question_of
from tilth.sample import Sample

BEFORE = ("before", "微调前")
AFTER = ("after", "微调后")
ANALYSIS = ("analysis", "分析")
OTHERS_ASK = (*QUESTION, "prompt", "instruction", "query", "题目", "提问")
OTHERS_BEFORE = (
    *BEFORE, "answer_before", "before_answer", "base", "base_answer", "baseline", "original", "微调前回答", "微调前的回答",
    "原模型", "基座", "response1", "response_1", "response_a", "answer1", "answer_1", "answer_a", "output_1", "model_a",
)  # fmt: skip
OTHERS_AFTER = (
    *AFTER, "answer_after", "after_answer", "tuned", "tuned_answer", "finetuned", "fine_tuned", "微调后回答",
    "微调后的回答", "微调模型", "微调", "response2", "response_2", "response_b", "answer2", "answer_2", "answer_b", "output_2",
    "model_b",
)  # fmt: skip
"""What other people's files call the columns, our own names first; of two that are only numbered the first is before."""


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

    An `instruction` is asked with its `input`.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line lacks one of the three or has something else than text there; the message names it.
    """
    found = []
    for number, record in read_lines(path):
        names = (OTHERS_ASK, OTHERS_BEFORE, OTHERS_AFTER)
        text, before, after = (need(record, known, path, number) for known in names)
        if key_of(record, OTHERS_ASK).lower() == "instruction":
            text = f"{text}\n{maybe(record, ('input',))}".strip()
        place = f"{path.name}:{number}"
        (question,) = questions_from_samples([asked(text, maybe(record, EXPECTED), place)])
        found.append(Answered(question, before, after, maybe(record, ANALYSIS)))
    if not found:
        raise SourceError(f"{path} holds no answers.", "Give lines with question, before and after.")
    return found


def columns_taken(path: Path) -> dict[str, str]:
    """Which columns of an answers file stand for question, before and after, where they have other names than ours.

    Raises:
        SourceError: the file is missing or unreadable.
    """
    first = next(read_lines(path), None)
    if first is None or not isinstance(first.record, dict):
        return {}
    wanted = {
        "question": (QUESTION, OTHERS_ASK),
        "before": (BEFORE, OTHERS_BEFORE),
        "after": (AFTER, OTHERS_AFTER),
    }
    found = {
        ours: key_of(first.record, others)
        for ours, (own, others) in wanted.items()
        if not key_of(first.record, own)
    }
    return {ours: key for ours, key in found.items() if key}


def read_side_file(path: Path, side: Sequence[str]) -> dict[str, str]:
    """Question → answer of one model: its column is named after the side, or `answer` where there is only one.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line lacks the question or the answer.
    """
    names = (*side, *EXPECTED)
    return {need(record, QUESTION, path, n): need(record, names, path, n) for n, record in read_lines(path)}

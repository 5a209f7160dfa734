"""The three ways to a comparison: a trained run, any two models, or a file in which both have answered already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from tilth.errors import FolderError
from tilth.evaluation.ask import Answer, Answers, Progress, ask
from tilth.evaluation.compare import Comparison, Training, compare
from tilth.evaluation.contestants import Pair, is_stale, open_pair
from tilth.evaluation.inputs import (
    questions_from_file,
    questions_from_samples,
    questions_from_texts,
    read_answers_file,
)
from tilth.evaluation.losses import held_out
from tilth.evaluation.protocol import BOTH, Contestant, Protocol, Question, SideName
from tilth.evaluation.report import write_protocol, write_report
from tilth.evaluation.verdicts import Verdict
from tilth.models.base import ChatModel, Generation
from tilth.pages.render import Language
from tilth.pages.render import language as reader_language
from tilth.recipe.plan import digest_of_file
from tilth.recipe.schema import Compare
from tilth.sample import Sample, Side
from tilth.store.folder import RunFolder
from tilth.training.data import format_of, read_data


def compare_run(
    run: RunFolder,
    settings: Compare | None = None,
    *,
    verdicts: Sequence[Verdict] = (),
    language: Language | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the model before and after the training of a run, and write `report/`.

    Args:
        run: a finished run.
        settings: what to ask and of whom; by default the run's own recipe. Paths are relative to the current folder.
        verdicts: what people or a judge have said so far.
        language: what the report speaks; by default the reader's language.
        progress: called with the answers that are there and the answers wanted.

    Raises:
        FolderError: the run failed, has not finished, has no test side or no trained model.
        NotFoundError, SourceError, UserError: what the settings name is missing or cannot be read.
    """
    run.require_done()
    wanted = settings or settings_of(run)
    questions = _questions(run, wanted.questions)
    pair = open_pair(wanted.before, wanted.after, run)
    return compare_pair(
        pair,
        questions,
        run.report,
        wanted,
        verdicts=verdicts,
        language=language,
        training=Training(data_of(run), is_stale(run) if wanted.after is None else None),
        progress=progress,
    )


def compare_pair(
    pair: Pair,
    questions: Sequence[Question],
    folder: Path,
    settings: Compare,
    *,
    verdicts: Sequence[Verdict] = (),
    language: Language | None = None,
    training: Training | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Ask both models, and write the report into `folder`. A second call asks only what is missing."""
    generation = Generation(
        settings.generation.max_new_tokens, settings.generation.temperature, seed=settings.seed
    )
    protocol = Protocol(tuple(questions), *pair.contestants, generation, settings.seed)
    write_protocol(protocol, folder)
    models: dict[SideName, ChatModel] = {"before": pair.before, "after": pair.after}
    answers = ask(protocol, models, folder / "answers.jsonl", progress)
    heldout = held_out(questions, *pair.scorers, seed=settings.seed) if pair.scorers else None
    comparison = compare(
        protocol,
        answers,
        language=language or reader_language(),
        heldout=heldout,
        verdicts=verdicts,
        training=training,
    )
    write_report(comparison, folder)
    return comparison


def compare_answers(
    file: Path,
    out: Path,
    *,
    seed: int = 42,
    verdicts: Sequence[Verdict] = (),
    language: Language | None = None,
) -> Comparison:
    """Compare answers that are there already, and write `report/` into the folder `out`.

    Args:
        file: JSON Lines or CSV with question, before and after, or 问题, 微调前 and 微调后; 分析 is shown as the
            author's remark.
        out: where the report goes.
        seed: draws the rows that the table shows.
        verdicts: what people or a judge have said; places are `file:line`.
        language: what the report speaks; by default the reader's language.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line is not as it should be; the message names it.
    """
    lines = read_answers_file(file)
    identity = f"file:{digest_of_file(str(file))[:16]}"
    before, after = (Contestant(file.name, f"{identity}:{side}") for side in BOTH)
    protocol = Protocol(tuple(line.question for line in lines), before, after, Generation(), seed)
    answers: Answers = {
        "before": _ready("before", protocol, [line.before for line in lines]),
        "after": _ready("after", protocol, [line.after for line in lines]),
    }
    comparison = compare(
        protocol,
        answers,
        language=language or reader_language(),
        verdicts=verdicts,
        notes={line.question.place: line.analysis for line in lines if line.analysis},
    )
    folder = RunFolder(out).report
    write_protocol(protocol, folder)
    write_report(comparison, folder)
    return comparison


def _ready(side: SideName, protocol: Protocol, texts: Sequence[str]) -> dict[str, Answer]:
    """Answers from a file, as if they had just been given."""
    identity = protocol.side(side).identity
    return {
        q.place: Answer(q.id, q.place, side, identity, text, "done", "", 0, 0, protocol.key(side, q))
        for q, text in zip(protocol.questions, texts, strict=True)
    }


def settings_of(run: RunFolder) -> Compare:
    """The `compare` section that the run was made with; all defaults where its recipe has none."""
    lock = yaml.safe_load(run.lock.read_text(encoding="utf-8"))
    return Compare.model_validate(lock.get("compare") or {})


def data_of(run: RunFolder) -> dict[Side, Sequence[Sample]]:
    """The sides of a run that its model learned from or was chosen by."""
    shape = format_of(run)
    sides: tuple[Side, ...] = ("train", "validation")
    return {s: list(read_data(run.side(s), run.index, shape)) for s in sides if run.side(s).exists()}


def _questions(run: RunFolder, wanted: str | list[str]) -> list[Question]:
    if isinstance(wanted, list):
        return questions_from_texts(wanted)
    if wanted != "test":
        return questions_from_file(Path(wanted))
    file = run.side("test")
    questions = questions_from_samples(read_data(file, run.index, format_of(run))) if file.exists() else []
    if not questions:
        raise FolderError(
            f"{run.path} has no test side to ask about.",
            "Add a split step such as `split.grouped`, or name a file in compare.questions.",
        )
    return questions

"""The ways to a comparison: a trained run, any two models, a file in which both have answered, or the files of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tilth.errors import FolderError
from tilth.evaluation.ask import Answer, Answers, Speaker, ask
from tilth.evaluation.compare import Comparison, Training, compare
from tilth.evaluation.contestants import Pair, is_stale, open_pair
from tilth.evaluation.evidence import Evidence, evidence
from tilth.evaluation.general import General, Regression, general_set, remembered
from tilth.evaluation.inputs import (
    questions_from_file,
    questions_from_samples,
    questions_from_texts,
    read_answers_file,
)
from tilth.evaluation.judge import judge_pairs
from tilth.evaluation.kept_losses import score
from tilth.evaluation.named import Named
from tilth.evaluation.protocol import BOTH, Contestant, Protocol, Question, SideName
from tilth.evaluation.referee import Referee
from tilth.evaluation.report import write_protocol, write_report
from tilth.evaluation.three_h import mark_answers
from tilth.evaluation.versions import changes
from tilth.evaluation.votes import make_booth, pairings
from tilth.evaluation.votes import verdicts as votes_of
from tilth.models.base import Generation
from tilth.pages.render import Language
from tilth.pages.render import language as reader_language
from tilth.recipe.anchor import anchored_compare
from tilth.recipe.plan import digest_of_file
from tilth.recipe.schema import Compare
from tilth.sample import Sample, Side
from tilth.store.files import read_json, write_jsonl
from tilth.store.folder import RunFolder
from tilth.training.data import format_of, read_data

Told = Callable[[str, int, int], None]
"""Called with what is being asked for, how much of it is there, and how much is wanted."""


@dataclass(frozen=True)
class Reader:
    """For whom a comparison is made."""

    language: Language | None = None
    """What the report speaks; by default the reader's language."""
    told: Told = lambda what, done, wanted: None

    @property
    def speaks(self) -> Language:
        """The language, decided."""
        return self.language or reader_language()


def compare_run(
    run: RunFolder,
    settings: Compare | None = None,
    *,
    named: Named | None = None,
    reader: Reader | None = None,
) -> Comparison:
    """Compare the model before and after the training of a run, and write `report/`.

    Args:
        run: a finished run.
        settings: what to ask and of whom, with paths relative to the current folder; by default what the run's own
            recipe says, with paths relative to that.
        named: the models of the recipe.
        reader: for whom.

    Raises:
        FolderError: the run failed, has not finished, has no test side or no trained model.
        NotFoundError, SourceError, UserError: what the settings name is missing or cannot be read.
    """
    run.require_done()
    wanted = settings or settings_of(run)
    questions = _questions(run, wanted.questions)
    return compare_pair(
        open_pair(wanted.before, wanted.after, run, named),
        questions,
        run,
        wanted,
        judge=judge_of(wanted, named),
        training=training_of(run, wanted.after is None, Path(wanted.before) if wanted.before else None),
        reader=reader,
    )


def training_of(run: RunFolder, own_model: bool, before: Path | None) -> Training:
    """What is known of the data: of the run's own, and of that of the run that `before` may be."""
    older = None if before is None else RunFolder(before)
    stale = is_stale(run) if own_model else None
    if older is None or not older.run_json.exists():
        return Training(data_of(run), stale)
    return Training(data_of(run), stale, data_of(older), changes(older, run))


def compare_models(
    pair: Pair,
    questions: Path,
    out: Path,
    settings: Compare,
    *,
    named: Named | None = None,
    reader: Reader | None = None,
) -> Comparison:
    """Compare any two models on the questions of a file, and write `report/` into the folder `out`.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line has no question; the message names it.
    """
    judge = judge_of(settings, named)
    return compare_pair(
        pair, questions_from_file(questions), RunFolder(out), settings, judge=judge, reader=reader
    )


def judge_of(settings: Compare, named: Named | None) -> Referee | None:
    """The judge that the settings name; `None` where they name none.

    Raises:
        NotFoundError: the recipe has no model of this name.
    """
    return None if settings.judge is None else Referee((named or Named()).ask(settings.judge))


def compare_pair(
    pair: Pair,
    questions: Sequence[Question],
    run: RunFolder,
    settings: Compare,
    *,
    judge: Referee | None = None,
    training: Training | None = None,
    reader: Reader | None = None,
) -> Comparison:
    """Ask both models, and write the report into `run.report`. A second call asks only what is missing."""
    reader, folder = reader or Reader(), run.report
    drawn = Generation(
        settings.generation.max_new_tokens, settings.generation.temperature, seed=settings.seed
    )
    protocol = Protocol(tuple(questions), *pair.contestants, drawn, settings.seed, _as_contestant(judge))
    write_protocol(protocol, folder)
    models: dict[SideName, Speaker] = {"before": pair.before, "after": pair.after}
    answers = ask(protocol, models, folder / "answers.jsonl", _part(reader, "answers"))
    losses = folder / "losses.jsonl"
    heldout = (
        score(questions, pair.contestants, pair.scorers, losses, settings.seed) if pair.scorers else None
    )
    comparison = compare(
        protocol,
        answers,
        language=reader.speaks,
        heldout=heldout,
        said=hear(protocol, answers, run, judge, settings.three_h, reader),
        training=training,
        general=_general(pair, protocol, settings.general, folder, reader),
    )
    write_report(comparison, folder)
    return comparison


def _as_contestant(judge: Referee | None) -> Contestant | None:
    return None if judge is None else Contestant(judge.model.name, judge.identity)


def _part(reader: Reader, what: str) -> Callable[[int, int], None]:
    return lambda done, wanted: reader.told(what, done, wanted)


def hear(
    protocol: Protocol,
    answers: Answers,
    run: RunFolder,
    judge: Referee | None,
    with_three_h: bool,
    reader: Reader,
) -> Evidence:
    """The votes cast so far, and what the judge says; it is asked only for what it has not said yet."""
    pairs = pairings(protocol, answers)
    opinions, marks = [], []
    if judge is not None:
        file, told = run.report / "judge.jsonl", _part(reader, "verdicts")
        opinions = judge_pairs(pairs, judge.pick, judge.identity, file, told, judge.model)
        if with_three_h:
            file, told = run.report / "three_h.jsonl", _part(reader, "three H")
            marks = mark_answers(pairs, judge.look, judge.identity, file, told, judge.model)
    return evidence(
        pairs,
        votes=votes_of(make_booth(pairs, protocol.seed, run.votes)),
        opinions=opinions,
        marks=marks,
        judge=judge.model.name if judge else "",
        seed=protocol.seed,
    )


def _general(
    pair: Pair, protocol: Protocol, name: str | None, folder: Path, reader: Reader
) -> Regression | None:
    """The general questions on both sides, with the settings of the comparison; `None` where a side is a file."""
    kept = folder / "general_set.jsonl"
    if name is None or not pair.answers_anything:
        kept.unlink(missing_ok=True)
        return None
    asked: tuple[General, ...] = general_set(name)
    questions = tuple(general.asked() for general in asked)
    same = Protocol(questions, *pair.contestants, protocol.generation, protocol.seed)
    models: dict[SideName, Speaker] = {"before": pair.before, "after": pair.after}
    answers = ask(same, models, folder / "general.jsonl", _part(reader, "general questions"))
    file = folder / "general_losses.jsonl"
    loss = score(questions, pair.contestants, pair.scorers, file, protocol.seed) if pair.scorers else None
    write_jsonl(kept, map(General.as_dict, asked))
    return remembered(asked, answers, loss)


def compare_answers(
    file: Path,
    out: Path,
    *,
    settings: Compare | None = None,
    judge: Referee | None = None,
    reader: Reader | None = None,
) -> Comparison:
    """Compare answers that are there already, and write `report/` into the folder `out`.

    Args:
        file: JSON Lines or CSV with question, before and after, or 问题, 微调前 and 微调后; 分析 is shown as the
            author's remark.
        out: where the report goes, and where votes are kept.
        settings: the seed, and whether the judge looks at the three H.
        judge: who judges, if anyone.
        reader: for whom.

    Raises:
        SourceError: the file is missing, empty or unreadable.
        UserError: a line is not as it should be; the message names it.
    """
    reader, settings, run = reader or Reader(), settings or Compare(), RunFolder(out)
    lines = read_answers_file(file)
    identity = f"file:{digest_of_file(str(file))[:16]}"
    before, after = (Contestant(file.name, f"{identity}:{side}") for side in BOTH)
    questions = tuple(line.question for line in lines)
    protocol = Protocol(questions, before, after, Generation(), settings.seed, _as_contestant(judge))
    answers: Answers = {
        "before": _ready("before", protocol, [line.before for line in lines]),
        "after": _ready("after", protocol, [line.after for line in lines]),
    }
    write_protocol(protocol, run.report)
    (run.report / "general_set.jsonl").unlink(missing_ok=True)
    comparison = compare(
        protocol,
        answers,
        language=reader.speaks,
        said=hear(protocol, answers, run, judge, settings.three_h, reader),
        notes={line.question.place: line.analysis for line in lines if line.analysis},
    )
    write_report(comparison, run.report)
    return comparison


def _ready(side: SideName, protocol: Protocol, texts: Sequence[str]) -> dict[str, Answer]:
    """Answers from a file, as if they had just been given."""
    identity = protocol.side(side).identity
    return {
        q.place: Answer(q.id, q.place, side, identity, text, "done", "", 0, 0, protocol.key(side, q))
        for q, text in zip(protocol.questions, texts, strict=True)
    }


def settings_of(run: RunFolder) -> Compare:
    """The `compare` section that the run was made with, its files found from where the recipe lies.

    All defaults where the recipe has none.
    """
    lock = yaml.safe_load(run.lock.read_text(encoding="utf-8"))
    folder = Path(read_json(run.origin)["folder"]) if run.origin.exists() else Path()
    return anchored_compare(
        Compare.model_validate(lock.get("compare") or {}), lock.get("models") or {}, folder
    )


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

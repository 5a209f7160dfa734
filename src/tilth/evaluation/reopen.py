"""A comparison put together again from its files, with the votes cast since: no model is opened for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tilth.errors import FolderError
from tilth.evaluation.ask import read_sides
from tilth.evaluation.compare import Comparison, Training, compare
from tilth.evaluation.evidence import evidence
from tilth.evaluation.general import General, Regression, remembered
from tilth.evaluation.judge import known_opinions
from tilth.evaluation.kept_losses import kept_score
from tilth.evaluation.protocol import Protocol
from tilth.evaluation.report import write_report
from tilth.evaluation.studies import Reader, training_of
from tilth.evaluation.three_h import known_marks
from tilth.evaluation.votes import make_booth, pairings, read_protocol
from tilth.evaluation.votes import verdicts as votes_of
from tilth.store.files import read_json, read_jsonl
from tilth.store.folder import RunFolder


def reopen(run: RunFolder, reader: Reader | None = None) -> Comparison:
    """The last comparison of a folder, as its files and the votes tell it now.

    Raises:
        FolderError: the folder holds no comparison, or not all of its answers.
    """
    reader, report = reader or Reader(), run.report
    protocol = read_protocol(report)
    answers = read_sides(report / "answers.jsonl")
    if any(q.place not in side for q in protocol.questions for side in answers.values()):
        raise FolderError(
            f"{report} lacks answers.", "Run `tilth compare` again: it asks for what is missing."
        )
    pairs = pairings(protocol, answers)
    judge = protocol.judge
    sides, seed = (protocol.before, protocol.after), protocol.seed
    return compare(
        protocol,
        answers,
        language=reader.speaks,
        heldout=kept_score(protocol.questions, sides, report / "losses.jsonl", seed),
        said=evidence(
            pairs,
            votes=votes_of(make_booth(pairs, seed, run.votes)),
            opinions=known_opinions(pairs, judge.identity, report / "judge.jsonl") if judge else [],
            marks=known_marks(pairs, judge.identity, report / "three_h.jsonl") if judge else [],
            judge=judge.name if judge else "",
            seed=seed,
        ),
        training=_training(run),
        notes=_kept(report).get("notes", {}),
        general=_general(protocol, report),
    )


def refresh(run: RunFolder, reader: Reader | None = None) -> Comparison:
    """Reopen the last comparison and write its report anew, with the votes cast since."""
    comparison = reopen(run, reader)
    write_report(comparison, run.report)
    return comparison


def _training(run: RunFolder) -> Training:
    """The data of the run, where the folder is one, and of the run that its model was held against."""
    if not run.run_json.exists() or not run.side("train").exists():
        return Training()
    kept = _kept(run.report)
    older = (kept.get("versions") or {}).get("older")
    return training_of(run, kept.get("stale") is not None, Path(older) if older else None)


def _kept(report: Path) -> dict[str, Any]:
    """What the last report says."""
    path = report / "compare.json"
    found: dict[str, Any] = read_json(path) if path.exists() else {}
    return found


def _general(protocol: Protocol, report: Path) -> Regression | None:
    lines = read_jsonl(report / "general_set.jsonl")
    asked = [msgspec.convert(line, General) for line in lines]
    if not asked:
        return None
    questions = [general.asked() for general in asked]
    answers = read_sides(report / "general.jsonl")
    sides = (protocol.before, protocol.after)
    loss = kept_score(questions, sides, report / "general_losses.jsonl", protocol.seed)
    return remembered(asked, answers, loss)

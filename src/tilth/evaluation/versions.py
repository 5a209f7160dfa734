"""Two versions of the data, and what the models trained on them answer: side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tilth.engine.diff import diff
from tilth.evaluation.ask import read_sides
from tilth.evaluation.cached import read_lines
from tilth.evaluation.kept_losses import Kept
from tilth.evaluation.nearest import nearest
from tilth.evaluation.protocol import Question
from tilth.evaluation.votes import read_protocol
from tilth.sample import Message, Sample
from tilth.store.folder import RunFolder

SHOWN = 10
"""Changed samples that a report shows in full."""


@dataclass(frozen=True)
class Changes:
    """What the newer version of the data says differently."""

    older: Path
    newer: Path
    added: Sequence[Mapping[str, Any]]
    """`place`, `id`, `question`, `answer`."""
    removed: Sequence[Mapping[str, Any]]
    changed: Sequence[Mapping[str, Any]]
    """`place`, `before`, `after`: the whole conversations."""
    moved: Sequence[Mapping[str, Any]]

    @property
    def shown(self) -> Sequence[Mapping[str, Any]]:
        """The changed samples that a report shows."""
        return self.changed[:SHOWN]

    def as_dict(self) -> dict[str, Any]:
        """The part `versions` of `compare.json`."""
        counts = {name: len(getattr(self, name)) for name in ("added", "removed", "changed", "moved")}
        return {"older": str(self.older), "newer": str(self.newer), **counts}

    def near(self, questions: Sequence[Question]) -> dict[str, tuple[str, str]]:
        """The question's place → the place of the added or changed sample nearest to it, and what became of that."""
        told = {str(row["place"]): "added" for row in self.added}
        told |= {str(row["place"]): "changed" for row in self.changed}
        texts = {
            str(row["place"]): str(row.get("question") or row.get("after"))
            for row in (*self.added, *self.changed)
        }
        samples = [Sample("", place, (Message("user", text),)) for place, text in texts.items()]
        found = nearest(questions, samples, k=1)
        return {asked: (near[0].place, told[near[0].place]) for asked, near in found.items() if near}


def changes(older: RunFolder, newer: RunFolder) -> Changes:
    """Hold two runs against each other.

    Raises:
        FolderError: one of the two is no finished run.
    """
    found = diff(older.path, newer.path)
    return Changes(
        older.path, newer.path, **{name: found[name] for name in ("added", "removed", "changed", "moved")}
    )


@dataclass(frozen=True)
class Answered:
    """One question that both versions were asked, and what the tuned models said."""

    question: str
    place: str
    """In the newer run."""
    before: str
    """The older model's answer."""
    after: str
    """The newer model's answer."""
    loss_before: float | None
    """Nats a token on the expected answer."""
    loss_after: float | None

    def as_dict(self) -> dict[str, Any]:
        """An item of `answers` in `tilth diff --json`."""
        losses = {"loss_before": self.loss_before, "loss_after": self.loss_after}
        return {
            "question": self.question,
            "place": self.place,
            "before": self.before,
            "after": self.after,
            **losses,
        }


def answers_of_both(older: RunFolder, newer: RunFolder) -> list[Answered] | None:
    """What the tuned models of two runs said to the questions that both were asked; `None` where one was never compared."""
    if not all((run.report / "protocol.json").exists() for run in (older, newer)):
        return None
    old = {said.text: said for said in _tuned(older)}
    return [
        Answered(said.text, said.place, old[said.text].answer, said.answer, old[said.text].loss, said.loss)
        for said in _tuned(newer)
        if said.text in old
    ]


class _Said(NamedTuple):
    """What a tuned model said to one question."""

    text: str
    place: str
    answer: str
    loss: float | None


def _tuned(run: RunFolder) -> Iterator[_Said]:
    answers = read_sides(run.report / "answers.jsonl")["after"]
    losses = {k.place: k.mean for k in read_lines(run.report / "losses.jsonl", Kept) if k.side == "after"}
    for question in read_protocol(run.report).questions:
        if question.place in answers:
            found = answers[question.place].text
            yield _Said(question.text, question.place, found, losses.get(question.place))

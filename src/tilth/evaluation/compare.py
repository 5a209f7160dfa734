"""The same questions before and after training, put together: answers, losses, verdicts, and what may be said of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tilth.evaluation.ask import Answers
from tilth.evaluation.evidence import Evidence
from tilth.evaluation.general import Regression
from tilth.evaluation.losses import HeldOut, without
from tilth.evaluation.measures import char_f, is_empty, refuses, repeats
from tilth.evaluation.nearest import Leak, Near, leaks, nearest
from tilth.evaluation.protocol import BOTH, Protocol, SideName
from tilth.evaluation.sentences import in_words
from tilth.evaluation.statistics import paired_bootstrap
from tilth.evaluation.table import Remark, Row
from tilth.evaluation.verdicts import Tally, Verdict, settle, tally
from tilth.evaluation.versions import Changes
from tilth.pages.render import Language
from tilth.sample import Sample, Side


@dataclass(frozen=True)
class Training:
    """What is known of the data the model was trained on."""

    data: Mapping[Side, Sequence[Sample]] = field(default_factory=dict)
    """The sides it learned from or was chosen by: `train` and `validation`."""
    stale: bool | None = None
    """Whether it was trained on other data than the run now holds; `None` where that is not known."""
    older: Mapping[Side, Sequence[Sample]] = field(default_factory=dict)
    """The same sides of the run that the other model was trained on, where that is one."""
    changes: Changes | None = None
    """What this data says differently from that of the other side, where that is a run too."""


@dataclass(frozen=True)
class Comparison:
    """Everything a report says."""

    protocol: Protocol
    rows: tuple[Row, ...]
    evidence: Evidence
    """What people and a judge said."""
    tally: Tally
    """The verdicts of the headline, with answers that failed as errors."""
    heldout: HeldOut | None
    near: Mapping[str, Sequence[Near]]
    """The question's place → the training samples nearest to it."""
    leaks: tuple[Leak, ...]
    language: Language
    training: Training = field(default_factory=Training)
    notes: Mapping[str, str] = field(default_factory=dict)
    """The question's place → what the author of an answers file wrote about it."""
    general: Regression | None = None
    """What the general questions say about forgetting."""

    @property
    def sentence(self) -> str:
        """The result in words: people's votes, the judge's verdicts, the held-out loss, and what was forgotten."""
        return in_words(self)

    @property
    def failed(self) -> int:
        """Answers that never came, on both sides."""
        return sum(answer.state == "failed" for row in self.rows for answer in (row.before, row.after))

    def as_dict(self) -> dict[str, Any]:
        """What `compare.json` holds."""
        return {
            **self.tally.as_dict(),
            **self.evidence.as_dict(),
            "sentence": self.sentence,
            "questions": len(self.rows),
            "heldout": None if self.heldout is None else self.heldout.as_dict(),
            "lengths": {side: measured(self.rows, side)["length_median"] for side in BOTH},
            "answers": {side: measured(self.rows, side) for side in BOTH},
            "char_f": wording(self.rows, self.protocol.seed),
            "general": None if self.general is None else self.general.as_dict(),
            "leaks": [
                {
                    "question": x.question.text,
                    "place": x.place,
                    "similarity": x.similarity,
                    "split": x.split,
                    "older": x.older,
                }
                for x in self.leaks
            ],
            "stale": self.training.stale,
            "versions": self.training.changes and self.training.changes.as_dict(),
            "seed": self.protocol.seed,
            "protocol": self.protocol.digest,
            "notes": dict(self.notes),
        }


def compare(
    protocol: Protocol,
    answers: Answers,
    *,
    language: Language,
    heldout: HeldOut | None = None,
    said: Evidence | None = None,
    training: Training | None = None,
    notes: Mapping[str, str] | None = None,
    general: Regression | None = None,
) -> Comparison:
    """Put a comparison together. A question whose answer failed counts as an error where nobody judged it.

    Args:
        protocol: what was asked.
        answers: side → place → answer.
        language: what the report speaks.
        heldout: the loss on the expected answers; what an older run's model has learned from is left out of it here.
        said: what people and a judge said.
        training: the data the model was trained on.
        notes: place → remarks of the author of an answers file.
        general: the general questions before and after.
    """
    training, said = training or Training(), said or Evidence()
    failed = sorted({a.place for side in BOTH for a in answers[side].values() if a.state == "failed"})
    verdicts = [*said.headline.verdicts, *(Verdict(place, "error", "tilth") for place in failed)]
    leaked = (
        *leaks(protocol.questions, training.data),
        *leaks(protocol.questions, training.older, older=True),
    )
    # What the other model knows by heart is nothing that the newer one has lost.
    heldout = without(heldout, {leak.question.place for leak in leaked if leak.older}, protocol.seed)
    winners, losses = settle(verdicts), {} if heldout is None else heldout.by_place()
    remarks, bad = _remarks(said), {verdict.place for verdict in verdicts if verdict.both_bad}
    rows = tuple(
        Row(
            q,
            answers["before"][q.place],
            answers["after"][q.place],
            losses.get(q.place),
            winners.get(q.place),
            remarks.get(q.place, ()),
            q.place in bad,
        )
        for q in protocol.questions
    )
    return Comparison(
        protocol=protocol,
        rows=rows,
        evidence=said,
        tally=tally(verdicts),
        heldout=heldout,
        near=nearest(protocol.questions, training.data.get("train", ())),
        leaks=leaked,
        language=language,
        training=training,
        notes=notes or {},
        general=general,
    )


def _remarks(said: Evidence) -> dict[str, tuple[Remark, ...]]:
    """Place → what voters wrote, people first."""
    found: dict[str, tuple[Remark, ...]] = {}
    for voice in (said.people, said.judge):
        for verdict in voice.verdicts:
            if verdict.reason:
                remark = Remark(verdict.by, verdict.reason, voice is said.judge)
                found[verdict.place] = (*found.get(verdict.place, ()), remark)
    return found


def measured(rows: Iterable[Row], side: SideName) -> dict[str, float | int | None]:
    """What was counted in the answers of one side; shares are of the answers that came."""
    all_answers = [row.before if side == "before" else row.after for row in rows]
    came = [answer for answer in all_answers if answer.state != "failed"]
    texts = [answer.text for answer in came]
    return {
        "answers": len(came),
        "failed": len(all_answers) - len(came),
        "length_median": median(map(len, texts)) if texts else None,
        "empty": _share(is_empty, texts),
        "repeating": _share(repeats, texts),
        "refusing": _share(refuses, texts),
        "truncated": sum(answer.state == "truncated" for answer in came) / len(came) if came else None,
    }


def _share(fault: Callable[[str], bool], texts: Sequence[str]) -> float | None:
    return sum(map(fault, texts)) / len(texts) if texts else None


def wording(rows: Iterable[Row], seed: int) -> dict[str, Any] | None:
    """Mean character F-score against the expected answers; `None` where there are none."""
    scores = [
        (char_f(row.before.text, row.question.expected), char_f(row.after.text, row.question.expected))
        for row in rows
        if row.question.expected and "failed" not in (row.before.state, row.after.state)
    ]
    if not scores:
        return None
    differences = [after - before for before, after in scores]
    return {
        "before": sum(before for before, _ in scores) / len(scores),
        "after": sum(after for _, after in scores) / len(scores),
        "difference": sum(differences) / len(scores),
        "interval": list(paired_bootstrap(differences, seed=seed)),
    }

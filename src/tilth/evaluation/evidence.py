"""What people and a judge said, kept apart: tallies, leanings, the pull of length, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from tilth.evaluation.judge import Bias, Opinion, bias
from tilth.evaluation.judge import verdicts as judge_verdicts
from tilth.evaluation.statistics import Controlled, Interval, length_controlled, paired_bootstrap
from tilth.evaluation.three_h import Marks, ThreeH, three_h
from tilth.evaluation.verdicts import Tally, Verdict, settle, tally
from tilth.evaluation.votes import SAME, Pairing
from tilth.review.agreement import Agreement, alpha, kappa, percent

Source = Literal["people", "judge"]
_ORDINAL = {"before": -1.0, "tie": 0.0, "after": 1.0}


@dataclass(frozen=True)
class Voice:
    """What one kind of voter said about the questions."""

    verdicts: tuple[Verdict, ...] = ()
    tally: Tally = field(default_factory=Tally)
    bootstrap: Interval | None = None
    """95 % of the win rate by resampling whole questions; beside the score interval of the tally, to hold it against."""
    controlled: Controlled | None = None
    """The win rate at equal length."""

    @property
    def voters(self) -> list[str]:
        """Who spoke, in alphabetical order."""
        return sorted({verdict.by for verdict in self.verdicts if verdict.by != SAME})

    def as_dict(self) -> dict[str, Any]:
        """The parts `people` and `judge` of `compare.json`."""
        pulled = self.controlled
        rate = pulled and {"rate": pulled.rate, "interval": list(pulled.interval)}
        resampled = self.bootstrap and list(self.bootstrap)
        return {
            **self.tally.as_dict(),
            "voters": self.voters,
            "bootstrap": resampled,
            "length_controlled": rate,
        }


@dataclass(frozen=True)
class Agreements:
    """How far voters agree on better, equal, worse."""

    questions: int
    """Questions that both have spoken about."""
    percent: Agreement
    alpha: Agreement
    """Ordinal."""
    kappa: Agreement
    """Quadratic, of two."""

    def as_dict(self) -> dict[str, Any]:
        """A part of `compare.json`; where a figure means nothing it says why."""
        figures = {"percent": self.percent, "alpha": self.alpha, "kappa": self.kappa}
        return {"questions": self.questions} | {
            name: found.why if found.value is None else found.value for name, found in figures.items()
        }


@dataclass(frozen=True)
class Evidence:
    """Everything that was judged, by whom, and how far it may be believed."""

    people: Voice = field(default_factory=Voice)
    judge: Voice = field(default_factory=Voice)
    bias: Bias | None = None
    """How the judge leans; `None` where none was asked."""
    three_h: ThreeH | None = None
    among_people: Agreements | None = None
    """`None` where fewer than two people voted."""
    with_judge: Agreements | None = None
    """The judge against what most people say; `None` where one of them said nothing."""

    @property
    def source(self) -> Source | None:
        """Whose verdicts the headline gives: people's where there are any."""
        if self.people.tally.judged:
            return "people"
        return "judge" if self.judge.tally.judged or self.judge.tally.errors else None

    @property
    def headline(self) -> Voice:
        """Those verdicts."""
        return self.judge if self.source == "judge" else self.people

    def as_dict(self) -> dict[str, Any]:
        """Parts of `compare.json`."""
        return {
            "judged_by": self.source,
            "people": self.people.as_dict(),
            "judge": self.judge.as_dict(),
            "bias": self.bias and self.bias.as_dict(),
            "three_h": self.three_h and self.three_h.as_dict(),
            "agreement": {
                "people": self.among_people and self.among_people.as_dict(),
                "judge": self.with_judge and self.with_judge.as_dict(),
            },
        }


def evidence(
    pairs: Sequence[Pairing],
    *,
    votes: Sequence[Verdict] = (),
    opinions: Sequence[Opinion] = (),
    marks: Sequence[Marks] = (),
    judge: str = "judge",
    seed: int = 42,
) -> Evidence:
    """Put together what was said about these pairs.

    Args:
        pairs: the answers.
        votes: people's, with the blinding undone.
        opinions: a judge's, two a pair.
        marks: a judge's, one an answer.
        judge: its name.
        seed: draws the resamples behind the length-controlled rate.
    """
    judged = judge_verdicts(pairs, opinions, judge) if opinions else []
    return Evidence(
        people=_voice(pairs, votes, seed),
        judge=_voice(pairs, judged, seed),
        bias=bias(pairs, opinions) if opinions else None,
        three_h=three_h(marks),
        among_people=_among(votes),
        with_judge=_against(votes, judged),
    )


def _voice(pairs: Sequence[Pairing], verdicts: Sequence[Verdict], seed: int) -> Voice:
    gaps = {pair.question.place: len(pair.after) - len(pair.before) for pair in pairs}
    won = {place: (_ORDINAL[w] + 1) / 2 for place, w in settle(verdicts).items() if w in _ORDINAL}
    places = [place for place in won if place in gaps]
    controlled = length_controlled([won[p] for p in places], [gaps[p] for p in places], seed=seed)
    resampled = paired_bootstrap([*won.values()], seed=seed) if won else None
    return Voice(tuple(verdicts), tally(verdicts), resampled, controlled)


def _among(votes: Sequence[Verdict]) -> Agreements | None:
    cast = {(v.place, v.by): _ORDINAL[v.winner] for v in votes if v.by != SAME and v.winner in _ORDINAL}
    people = sorted({by for _, by in cast})
    if len(people) < 2:
        return None
    return _agreements(
        [[cast.get((place, by), np.nan) for by in people] for place in dict.fromkeys(p for p, _ in cast)]
    )


def _against(votes: Sequence[Verdict], judged: Sequence[Verdict]) -> Agreements | None:
    people = settle(vote for vote in votes if vote.by != SAME)
    said = settle(verdict for verdict in judged if verdict.by != SAME)
    both = [place for place in people if {people[place], said.get(place)} <= _ORDINAL.keys()]
    return _agreements([[_ORDINAL[people[p]], _ORDINAL[said[p]]] for p in both]) if both else None


def _agreements(rows: list[list[float]]) -> Agreements:
    table = np.array(rows, dtype=np.float64)
    paired = int(((~np.isnan(table)).sum(axis=1) >= 2).sum())
    return Agreements(paired, percent(table), alpha(table), kappa(table))

"""Which answer is better, as said by people or by a judge: the one door through which verdicts come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tilth.evaluation.statistics import Interval, sign_test, win_interval

Winner = Literal["before", "after", "tie", "error"]


@dataclass(frozen=True)
class Verdict:
    """One vote on one question, with the blinding already undone."""

    place: str
    """The question's place."""
    winner: Winner
    """`error` where a judge gave no usable verdict. It is counted, and never a tie."""
    by: str
    """The person, or the judge's name."""
    flipped: bool | None = None
    """Whether a judge changed sides when the answers changed places; `None` for people, who see one order."""
    reason: str = ""
    both_bad: bool = False
    """A tie because neither answer is good."""


@dataclass(frozen=True)
class Tally:
    """What the verdicts add up to. A question counts once, however many people voted on it."""

    wins: int = 0
    losses: int = 0
    ties: int = 0
    errors: int = 0
    """Questions on which every verdict is an error."""
    flip_rate: float | None = None
    """The share of verdicts in both orders that changed with the order."""

    @property
    def judged(self) -> int:
        """Questions with a verdict."""
        return self.wins + self.losses + self.ties

    @property
    def win_rate(self) -> float | None:
        """Wins plus half the ties among the judged questions."""
        return (self.wins + self.ties / 2) / self.judged if self.judged else None

    @property
    def interval(self) -> Interval | None:
        """95 % of the win rate."""
        return win_interval(self.wins, self.losses, self.ties) if self.judged else None

    @property
    def p_value(self) -> float | None:
        """The exact sign test on wins and losses; ties are no part of it."""
        return sign_test(self.wins, self.losses) if self.judged else None

    @property
    def distinguishable(self) -> bool:
        """Whether the interval leaves out one half, the rate of two equally good models."""
        return self.interval is not None and not self.interval.straddles(0.5)

    def as_dict(self) -> dict[str, Any]:
        """The keys that `compare.json` has at its top."""
        return {
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.ties,
            "errors": self.errors,
            "flip_rate": self.flip_rate,
            "win_rate": self.win_rate,
            "interval": None if self.interval is None else list(self.interval),
            "p_value": self.p_value,
            "distinguishable": self.distinguishable,
        }


def settle(verdicts: Iterable[Verdict]) -> dict[str, Winner]:
    """Place → what most voters say; as many for each side is a tie, errors only count where nothing else is there."""
    votes: dict[str, Counter[Winner]] = {}
    for verdict in verdicts:
        votes.setdefault(verdict.place, Counter())[verdict.winner] += 1
    return {place: _majority(counts) for place, counts in votes.items()}


def _majority(counts: Counter[Winner]) -> Winner:
    if not counts.total() - counts["error"]:
        return "error"
    if counts["after"] == counts["before"]:
        return "tie"
    side: Winner = "after" if counts["after"] > counts["before"] else "before"
    return side if counts[side] > counts["tie"] else "tie"


def tally(verdicts: Sequence[Verdict]) -> Tally:
    """Wins, losses, ties and errors of the tuned model by question."""
    counts = Counter(settle(verdicts).values())
    flips = [verdict.flipped for verdict in verdicts if verdict.flipped is not None]
    rate = sum(flips) / len(flips) if flips else None
    return Tally(counts["after"], counts["before"], counts["tie"], counts["error"], rate)

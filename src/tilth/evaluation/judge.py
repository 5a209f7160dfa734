"""A judge asked about each pair twice, once in each order: it has said something only where both times agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from tilth.evaluation.cached import Progress, cached_each, read_lines
from tilth.evaluation.statistics import Interval, sign_test, wilson
from tilth.evaluation.verdicts import Verdict, Winner
from tilth.evaluation.votes import SAME, Pairing
from tilth.recipe.plan import content_key

Said = Literal["A", "B", "tie", "error"]
Order = Literal["before_first", "after_first"]
ORDERS: tuple[Order, Order] = ("before_first", "after_first")


class Pick(NamedTuple):
    """What a judge says about one pair in one order."""

    said: Said
    """Which answer is better by its letter; `error` where it gave no usable verdict."""
    reason: str = ""


class Case(NamedTuple):
    """One pair in one order, as a judge sees it."""

    pair: Pairing
    order: Order

    @property
    def first(self) -> str:
        """The answer called A."""
        return self.pair.before if self.order == "before_first" else self.pair.after

    @property
    def second(self) -> str:
        """The answer called B."""
        return self.pair.after if self.order == "before_first" else self.pair.before


Judge = Callable[[Case], Awaitable[Pick]]
"""Looks at one case."""


@dataclass(frozen=True)
class Opinion:
    """A pick and what it was about: a line of `report/judge.jsonl`."""

    place: str
    order: Order
    said: Said
    reason: str
    key: str
    """Digest of judge, question and both texts in their order."""

    @property
    def winner(self) -> Winner:
        """Whose answer was found better."""
        if self.said in ("tie", "error"):
            return "tie" if self.said == "tie" else "error"
        return "before" if (self.said == "A") == (self.order == "before_first") else "after"


def judge_pairs(
    pairs: Sequence[Pairing],
    judge: Judge,
    identity: str,
    file: Path,
    progress: Progress | None = None,
    model: object = None,
) -> list[Opinion]:
    """Both opinions on each pair of different answers; `file` keeps them, and errors are asked for again.

    Args:
        pairs: what is judged.
        judge: looks at one pair in one order; all cases are handed over at once.
        identity: stands for the judge, its settings and its prompt.
        file: `judge.jsonl`.
        progress: called with the opinions that are there and the opinions wanted.
        model: what the judge asks; its connections are closed in the end.
    """
    cases = {_key(case, identity): case for case in _cases(pairs)}

    async def ask(key: str, case: Case) -> Opinion:
        pick = await judge(case)
        return Opinion(case.pair.question.place, case.order, pick.said, pick.reason, key)

    found = cached_each(file, Opinion, cases, ask, lambda opinion: opinion.said != "error", progress, model)
    return [*found.values()]


def _cases(pairs: Iterable[Pairing]) -> list[Case]:
    return [Case(pair, order) for pair in pairs if pair.before != pair.after for order in ORDERS]


def known_opinions(pairs: Sequence[Pairing], identity: str, file: Path) -> list[Opinion]:
    """The opinions of this judge on these answers that `file` holds."""
    wanted = {_key(case, identity) for case in _cases(pairs)}
    return [opinion for opinion in read_lines(file, Opinion) if opinion.key in wanted]


def _key(case: Case, identity: str) -> str:
    question = case.pair.question
    asked = msgspec.to_builtins(list(question.messages))
    return content_key(
        identity, question.place, asked, question.expected, case.first, case.second, case.order
    )


def verdicts(pairs: Sequence[Pairing], opinions: Iterable[Opinion], by: str) -> list[Verdict]:
    """One verdict a pair: a winner only where both orders name it, an error where one of them failed.

    Equal answers are a tie that nobody had to be asked for; pairs that were not judged are left out.
    """
    said: dict[str, dict[Order, Opinion]] = {}
    for opinion in opinions:
        said.setdefault(opinion.place, {})[opinion.order] = opinion
    found = []
    for pair in pairs:
        place = pair.question.place
        if pair.before == pair.after:
            found.append(Verdict(place, "tie", SAME))
        elif len(said.get(place, ())) == len(ORDERS):
            first, second = (said[place][order] for order in ORDERS)
            found.append(_both(place, first, second, by))
    return found


def _both(place: str, first: Opinion, second: Opinion, by: str) -> Verdict:
    if "error" in (first.winner, second.winner):
        reason = next(o.reason for o in (first, second) if o.winner == "error")
        return Verdict(place, "error", by, reason=reason)
    flipped = first.winner != second.winner
    return Verdict(place, "tie" if flipped else first.winner, by, flipped, first.reason)


@dataclass(frozen=True)
class Bias:
    """How a judge leans, whatever the answers say."""

    first_share: float | None
    """The share of its decisions for the answer shown first; a fair judge's is one half."""
    first_twice: int
    """Pairs on which it chose the first answer in both orders, whichever that was."""
    second_twice: int
    longer_share: float | None
    """The share of its winners that are the longer answer."""
    longer: Interval | None
    """95 % of that share."""

    @property
    def by_position(self) -> bool:
        """Whether the order of the answers decides more than chance allows: an exact sign test at 5 %."""
        return sign_test(self.first_twice, self.second_twice) < 0.05

    @property
    def by_length(self) -> bool:
        """Whether the longer answer wins more often, or less often, than half the time beyond chance."""
        return self.longer is not None and not self.longer.straddles(0.5)

    def as_dict(self) -> dict[str, Any]:
        """The part `bias` of `compare.json`."""
        return {
            **asdict(self),
            "longer": self.longer and list(self.longer),
            "by_position": self.by_position,
            "by_length": self.by_length,
        }


def bias(pairs: Sequence[Pairing], opinions: Sequence[Opinion]) -> Bias:
    """Whether a judge leans towards what it reads first, or towards what is longer."""
    letters: dict[str, list[Said]] = {}
    for opinion in opinions:
        letters.setdefault(opinion.place, []).append(opinion.said)
    said = Counter(letter for both in letters.values() for letter in both)
    decided = said["A"] + said["B"]
    gaps = {pair.question.place: len(pair.after) - len(pair.before) for pair in pairs}
    winners = [v for v in verdicts(pairs, opinions, "") if v.winner in ("before", "after") and gaps[v.place]]
    longer = sum((v.winner == "after") == (gaps[v.place] > 0) for v in winners)
    return Bias(
        first_share=said["A"] / decided if decided else None,
        first_twice=sum(both == ["A", "A"] for both in letters.values()),
        second_twice=sum(both == ["B", "B"] for both in letters.values()),
        longer_share=longer / len(winners) if winners else None,
        longer=wilson(longer, len(winners)) if winners else None,
    )

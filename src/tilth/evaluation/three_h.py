"""Each answer of both sides held against the three H: is it harmless, honest, helpful?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tilth.evaluation.cached import Progress, cached_each, read_lines
from tilth.evaluation.protocol import BOTH, SideName
from tilth.evaluation.statistics import Interval, win_interval
from tilth.evaluation.votes import Pairing
from tilth.operators.judging import DIMENSIONS
from tilth.recipe.plan import content_key


class Said(NamedTuple):
    """One answer to be looked at."""

    pair: Pairing
    side: SideName

    @property
    def text(self) -> str:
        """The answer."""
        return self.pair.before if self.side == "before" else self.pair.after


@dataclass(frozen=True)
class Marks:
    """What a judge found in one answer: a line of `report/three_h.jsonl`."""

    place: str
    side: SideName
    passed: dict[str, bool]
    """Dimension → whether the answer passes; empty where the judge gave no usable verdict."""
    reason: str
    """Why it failed what it failed, or why there is no verdict."""
    key: str


Look = Callable[[Said], Awaitable[tuple[dict[str, bool], str]]]
"""Gives what an answer passes, and the reason."""


@dataclass(frozen=True)
class Share:
    """How many answers pass one dimension."""

    before: int
    after: int
    of: int
    """Questions with a verdict on both sides."""
    interval: Interval
    """95 % of the change of the share, after minus before."""


@dataclass(frozen=True)
class ThreeH:
    """The three H before and after."""

    shares: Mapping[str, Share]
    errors: int
    """Answers on which the judge gave no usable verdict."""

    def as_dict(self) -> dict[str, Any]:
        """The part `three_h` of `compare.json`."""
        shares = {
            name: {"before": s.before, "after": s.after, "of": s.of, "interval": list(s.interval)}
            for name, s in self.shares.items()
        }
        return {**shares, "errors": self.errors}


def mark_answers(
    pairs: Sequence[Pairing],
    look: Look,
    identity: str,
    file: Path,
    progress: Progress | None = None,
    model: object = None,
) -> list[Marks]:
    """Marks for both answers of each pair; `file` keeps them, and errors are asked for again."""
    wanted = _wanted(pairs, identity)

    async def ask(key: str, said: Said) -> Marks:
        passed, reason = await look(said)
        return Marks(said.pair.question.place, said.side, passed, reason, key)

    return [
        *cached_each(file, Marks, wanted, ask, lambda marks: bool(marks.passed), progress, model).values()
    ]


def known_marks(pairs: Sequence[Pairing], identity: str, file: Path) -> list[Marks]:
    """The marks of this judge for these answers that `file` holds."""
    wanted = _wanted(pairs, identity)
    return [marks for marks in read_lines(file, Marks) if marks.key in wanted]


def _wanted(pairs: Sequence[Pairing], identity: str) -> dict[str, Said]:
    return {_key(said, identity): said for pair in pairs for said in (Said(pair, side) for side in BOTH)}


def _key(said: Said, identity: str) -> str:
    question = said.pair.question
    return content_key(
        identity, question.place, said.side, msgspec.to_builtins(list(question.messages)), said.text
    )


def three_h(marks: Iterable[Marks]) -> ThreeH | None:
    """The shares; `None` where nothing was looked at."""
    by_place: dict[str, dict[SideName, Marks]] = {}
    for mark in marks:
        by_place.setdefault(mark.place, {})[mark.side] = mark
    if not by_place:
        return None
    errors = sum(not mark.passed for sides in by_place.values() for mark in sides.values())
    both = [(s["before"].passed, s["after"].passed) for s in by_place.values() if len(s) == len(BOTH)]
    whole = [(before, after) for before, after in both if before and after]
    return ThreeH({name: _share(name, whole) for name in DIMENSIONS}, errors)


def _share(name: str, rows: Sequence[tuple[dict[str, bool], dict[str, bool]]]) -> Share:
    pairs = [(before[name], after[name]) for before, after in rows]
    gained = sum(after and not before for before, after in pairs)
    lost = sum(before and not after for before, after in pairs)
    low, high = win_interval(gained, lost, len(pairs) - gained - lost)
    return Share(
        before=sum(before for before, _ in pairs),
        after=sum(after for _, after in pairs),
        of=len(pairs),
        interval=Interval(2 * low - 1, 2 * high - 1),
    )

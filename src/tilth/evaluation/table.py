"""The table 问题 / 微调前 / 微调后 / 分析: which rows it shows, decided by seed and extremes, and what was measured in each."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tilth.evaluation.ask import Answer
from tilth.evaluation.losses import Scored
from tilth.evaluation.measures import char_f, is_empty, refuses, repeats
from tilth.evaluation.protocol import Question
from tilth.evaluation.verdicts import Winner
from tilth.evaluation.words import join, say
from tilth.pages.render import Language

Why = Literal["gain", "loss", "seed"]

LENGTH_RATIO = 1.5
"""From this ratio on an answer is said to be longer or shorter."""
WORDING = 0.05
"""From this change of the character F-score on the wording is said to be nearer or farther."""


@dataclass(frozen=True)
class Remark:
    """What a voter wrote about a pair."""

    by: str
    text: str
    by_judge: bool


@dataclass(frozen=True)
class Row:
    """One question with both answers and what was measured."""

    question: Question
    before: Answer
    after: Answer
    loss: Scored | None
    winner: Winner | None
    remarks: tuple[Remark, ...] = ()
    both_bad: bool = False
    """Whether somebody found neither answer good."""


@dataclass(frozen=True)
class Shown:
    """A row of the table."""

    row: Row
    reason: str
    """Why it is shown: the largest gain or loss, or drawn by the seed."""
    analysis: str
    """What was measured, and what the author of an answers file wrote."""


def choose(rows: Sequence[Row], seed: int, count: int = 8) -> list[tuple[Row, tuple[Why, ...]]]:
    """`count` rows drawn by the seed, and the largest gain and loss, in the order of the questions.

    Gain and loss are by held-out loss; where nothing was scored, by verdict and then by wording shared with the
    expected answer.
    """
    why: dict[int, list[Why]] = {}
    measure = _by_loss if any(row.loss for row in rows) else _by_verdict
    gains = [(gain, -i) for i, row in enumerate(rows) if (gain := measure(row)) is not None]
    best, worst = max(gains, default=None), min(gains, key=lambda item: (item[0], -item[1]), default=None)
    if best and best[0] > NOTHING:
        why.setdefault(-best[1], []).append("gain")
    if worst and worst[0] < NOTHING:
        why.setdefault(-worst[1], []).append("loss")
    for i in random.Random(seed).sample(range(len(rows)), min(count, len(rows))):
        why.setdefault(i, []).append("seed")
    return [(rows[i], tuple(why[i])) for i in sorted(why)]


NOTHING = (0.0, 0.0)


def _by_loss(row: Row) -> tuple[float, float] | None:
    return None if row.loss is None else (-row.loss.difference, 0.0)


def _by_verdict(row: Row) -> tuple[float, float] | None:
    expected = row.question.expected
    if "failed" in (row.before.state, row.after.state) or not (row.winner or expected):
        return None
    wording = char_f(row.after.text, expected) - char_f(row.before.text, expected) if expected else 0.0
    return {"after": 1.0, "before": -1.0}.get(row.winner or "", 0.0), wording


def analysis(row: Row, language: Language) -> str:
    """What was measured in one row, in words, and below it what voters wrote, by name."""
    parts = [say(language, phrase, **values) for phrase, values in _findings(row, language)]
    lines = [join(language, parts or [say(language, "no_difference")])]
    for remark in row.remarks:
        lines.append(
            say(
                language, "judge_says" if remark.by_judge else "person_says", name=remark.by, text=remark.text
            )
        )
    return "\n".join(lines)


Finding = tuple[str, Mapping[str, object]]


def _findings(row: Row, language: Language) -> Iterator[Finding]:
    if row.winner is not None:
        yield f"vote_{row.winner}", {}
    failed = [answer for answer in (row.before, row.after) if answer.state == "failed"]
    for answer in failed:
        yield "no_answer", {"side": say(language, answer.side), "reason": answer.reason}
    if not failed:
        yield from _answers(row)
    if row.loss is not None and row.loss.difference:
        phrase = "loss_fell" if row.loss.difference < 0 else "loss_rose"
        yield phrase, {"before": row.loss.before, "after": row.loss.after}


def _answers(row: Row) -> Iterator[Finding]:
    before, after = row.before.text, row.after.text
    if before == after:
        yield "same_answer", {}
        if repeats(after):
            yield "both_repeat", {}
        return
    yield from _faults(row)
    if not is_empty(before) and not is_empty(after):
        yield from _sizes(len(before), len(after))
    if row.question.expected:
        near, nearer = char_f(before, row.question.expected), char_f(after, row.question.expected)
        if abs(nearer - near) >= WORDING:
            yield ("nearer" if nearer > near else "farther"), {"before": near, "after": nearer}


def _faults(row: Row) -> Iterator[Finding]:
    before, after = row.before, row.after
    checks = [
        ("empty", is_empty(before.text), is_empty(after.text)),
        ("repeats", repeats(before.text), repeats(after.text)),
        ("refuses", refuses(before.text), refuses(after.text)),
        ("truncated", before.state == "truncated", after.state == "truncated"),
    ]
    for name, was, now in checks:
        if was != now:
            yield f"{'now' if now else 'was'}_{name}", {}
        elif was and name == "repeats":
            yield "both_repeat", {}


def _sizes(before: int, after: int) -> Iterator[Finding]:
    if after * LENGTH_RATIO <= before:
        yield "shorter", {"before": before, "after": after}
    elif after >= before * LENGTH_RATIO:
        yield "longer", {"before": before, "after": after}

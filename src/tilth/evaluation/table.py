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
class Row:
    """One question with both answers and what was measured."""

    question: Question
    before: Answer
    after: Answer
    loss: Scored | None
    winner: Winner | None


@dataclass(frozen=True)
class Shown:
    """A row of the table."""

    row: Row
    reason: str
    """Why it is shown: the largest gain or loss by held-out loss, or drawn by the seed."""
    analysis: str
    """What was measured, and what the author of an answers file wrote."""


def choose(rows: Sequence[Row], seed: int, count: int = 8) -> list[tuple[Row, tuple[Why, ...]]]:
    """`count` rows drawn by the seed, and the largest gain and loss by held-out loss, in the order of the questions."""
    why: dict[int, list[Why]] = {}
    scored = [(row.loss.difference, i) for i, row in enumerate(rows) if row.loss is not None]
    best, worst = min(scored, default=(0.0, -1)), max(scored, default=(0.0, -1))
    if best[0] < 0:
        why.setdefault(best[1], []).append("gain")
    if worst[0] > 0:
        why.setdefault(worst[1], []).append("loss")
    for i in random.Random(seed).sample(range(len(rows)), min(count, len(rows))):
        why.setdefault(i, []).append("seed")
    return [(rows[i], tuple(why[i])) for i in sorted(why)]


def analysis(row: Row, language: Language) -> str:
    """What was measured in one row, in words; nothing in it is an opinion."""
    parts = [say(language, phrase, **values) for phrase, values in _findings(row, language)]
    return join(language, parts or [say(language, "no_difference")])


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

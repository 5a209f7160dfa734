"""General questions asked before and after, so that what the training made the model forget is seen.

The shipped set (`data/general.jsonl`) is small and easy on purpose: a model that could answer such questions and no
longer can has lost something. Most answers can be checked without a judge.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from tilth.errors import SourceError, UserError
from tilth.evaluation.ask import Answers
from tilth.evaluation.losses import HeldOut
from tilth.evaluation.protocol import Question
from tilth.evaluation.statistics import Interval, sign_test, win_interval
from tilth.sample import Message

SHIPPED = "general"
"""What a recipe calls the set that comes with Tilth."""

_THINKING = re.compile(r"^\s*<think>.*?</think>\s*", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How an answer is known to be right: any one of these is enough."""

    exact: list[str] | None = None
    """The whole answer, but for marks, white space and case, is one of these."""
    any_of: list[str] | None = None
    """One of these stands in the answer; words of letters and digits stand there as whole words."""
    number: float | None = None
    """This number stands in the answer."""
    regex: str | None = None
    """This pattern is found in the answer."""


class General(msgspec.Struct, frozen=True):
    """One line of a regression set."""

    id: str
    question: str
    answer: str = ""
    """One good answer."""
    language: str = ""
    topic: str = ""
    check: Check | None = None
    """`None` where no rule can tell a right answer from a wrong one."""

    def as_dict(self) -> dict[str, Any]:
        """The line."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found

    def asked(self) -> Question:
        """The question as it is asked."""
        return Question(self.id, f"general:{self.id}", (Message("user", self.question),), self.answer)


def general_set(name: str) -> tuple[General, ...]:
    """The shipped set, or one of the user's own.

    Args:
        name: `general`, or a JSON Lines file with `id`, `question` and, if known, `answer`, `language`, `topic` and
            `check`.

    Raises:
        SourceError: there is no such file, or nothing in it.
        UserError: a line is not as it should be; the message names it.
    """
    shipped = name == SHIPPED
    path = Path(name)
    if not shipped and not path.is_file():
        raise SourceError(
            f"{name} does not exist.", "Name a JSON Lines file, or `general` for the shipped set."
        )
    folder = resources.files("tilth.evaluation") / "data"
    raw = (folder / "general.jsonl").read_bytes() if shipped else path.read_bytes()
    found = []
    for number, line in enumerate(raw.splitlines(), 1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=General))
                re.compile((found[-1].check and found[-1].check.regex) or "")
            except (msgspec.DecodeError, msgspec.ValidationError, re.error) as error:
                raise UserError(
                    f"{name}:{number} is no general question: {error}.", "Mend the line."
                ) from None
    if not found:
        raise SourceError(f"{name} holds no question.", "Give at least one.")
    return tuple(found)


def passes(check: Check, answer: str) -> bool:
    """Whether an answer is right. What a reasoning model thinks first is no part of its answer."""
    said = _THINKING.sub("", answer).strip()
    plain = _plain(said)
    numbers = _NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", plain))
    return (
        _letters(said) in {_letters(text) for text in check.exact or ()}
        or any(_stands(_plain(text), plain) for text in check.any_of or ())
        or (check.number is not None and any(float(number) == check.number for number in numbers))
        or (check.regex is not None and re.search(check.regex, said) is not None)
    )


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, _plain(text)))


def _stands(text: str, answer: str) -> bool:
    if not text.isascii():
        return text in answer
    return re.search(rf"(?<![a-z0-9.]){re.escape(text)}(?![a-z0-9])", answer) is not None


class Remembered(msgspec.Struct, frozen=True):
    """One general question before and after."""

    general: General
    before: str
    after: str
    right_before: bool | None
    """`None` where the question has no check."""
    right_after: bool | None


@dataclass(frozen=True)
class Regression:
    """What the general questions say."""

    rows: tuple[Remembered, ...]
    loss: HeldOut | None = None
    """The loss on the good answers, where both models can tell it."""

    @property
    def checked(self) -> tuple[Remembered, ...]:
        """The rows that could be checked."""
        return tuple(row for row in self.rows if row.right_before is not None)

    @property
    def right_before(self) -> int:
        """Right answers before."""
        return sum(row.right_before is True for row in self.rows)

    @property
    def right_after(self) -> int:
        """Right answers after."""
        return sum(row.right_after is True for row in self.rows)

    @property
    def lost(self) -> tuple[Remembered, ...]:
        """Right before, wrong after."""
        return tuple(row for row in self.checked if row.right_before and not row.right_after)

    @property
    def gained(self) -> tuple[Remembered, ...]:
        """Wrong before, right after."""
        return tuple(row for row in self.checked if row.right_after and not row.right_before)

    @property
    def interval(self) -> Interval:
        """95 % of the change of the share of right answers, after minus before (Tango 1998)."""
        same = len(self.checked) - len(self.lost) - len(self.gained)
        low, high = win_interval(len(self.gained), len(self.lost), same)
        return Interval(2 * low - 1, 2 * high - 1)

    @property
    def p_value(self) -> float:
        """The exact sign test on what was lost and gained."""
        return sign_test(len(self.gained), len(self.lost))

    @property
    def forgot(self) -> bool:
        """Whether the share of right answers fell beyond chance."""
        return bool(self.checked) and self.interval.high < 0

    def as_dict(self) -> dict[str, Any]:
        """The part `general` of `compare.json`."""
        return {
            "questions": len(self.rows),
            "checked": len(self.checked),
            "right_before": self.right_before,
            "right_after": self.right_after,
            "lost": [row.general.id for row in self.lost],
            "gained": [row.general.id for row in self.gained],
            "interval": list(self.interval),
            "p_value": self.p_value,
            "forgot": self.forgot,
            "loss": None if self.loss is None else self.loss.as_dict(),
        }


def remembered(asked: Sequence[General], answers: Answers, loss: HeldOut | None = None) -> Regression:
    """Check the answers of both sides. A question whose answer failed on one side is left out."""
    rows = []
    for general in asked:
        before, after = (answers[side].get(f"general:{general.id}") for side in ("before", "after"))
        if before is None or after is None or "failed" in (before.state, after.state):
            continue
        rows.append(
            Remembered(
                general, before.text, after.text, _right(general, before.text), _right(general, after.text)
            )
        )
    return Regression(tuple(rows), loss)


def _right(general: General, answer: str) -> bool | None:
    return None if general.check is None else passes(general.check, answer)


def by_language(found: Regression) -> Mapping[str, tuple[int, int, int]]:
    """Language → questions checked, right before, right after."""
    names = sorted({row.general.language for row in found.checked})
    parts = {name: Regression(tuple(r for r in found.rows if r.general.language == name)) for name in names}
    return {name: (len(p.checked), p.right_before, p.right_after) for name, p in parts.items()}

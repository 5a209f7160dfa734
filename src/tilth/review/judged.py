"""What judges said about a sample, read from its signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

HS = ("harmless", "honest", "helpful")
"""What people score from 1 to 5 and judges pass or fail, in the order of the gate."""


Judged = Literal["", "pass", "fail", "mixed"]


class Said(NamedTuple):
    """One judgement."""

    name: str
    """`harmless`, or a criterion of the recipe's own."""
    verdict: str
    """`pass`, `fail`, or a score."""
    reason: str


def judgements(signals: Mapping[str, Any]) -> list[Said]:
    """Every judgement among the signals of a sample, the three H first."""
    reasons = signals.get("judge_reasons")
    why: Mapping[str, Any] = reasons if isinstance(reasons, Mapping) else {}
    names = dict.fromkeys((*HS, *why))
    return [Said(name, str(signals[name]), str(why.get(name, ""))) for name in names if name in signals]


def judged(signals: Mapping[str, Any]) -> Judged:
    """All that was said of the three H, in one word."""
    verdicts = {str(signals[name]) for name in HS if name in signals}
    if verdicts >= {"pass", "fail"}:
        return "mixed"
    return "pass" if "pass" in verdicts else "fail" if "fail" in verdicts else ""


def contradicts(said: Judged, verdicts: Iterable[str]) -> bool:
    """Whether people decided otherwise than the judge: rejected what it passes, or took what it fails."""
    if said == "pass":
        return "reject" in verdicts
    return said != "" and not {"accept", "edit"}.isdisjoint(verdicts)

"""What judges said about a sample, read from its signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

HS = ("harmless", "honest", "helpful")
"""What people score from 1 to 5 and judges pass or fail, in the order of the gate."""


class Said(NamedTuple):
    """One judgement."""

    name: str
    """`harmless`, or a criterion of the recipe's own."""
    verdict: str
    """`pass`, `fail`, or a score."""
    reason: str


def judgements(signals: Mapping[str, Any]) -> list[Said]:
    """Every judgement among the signals of a sample."""
    return list(_said("", signals))


def _said(name: str, value: Mapping[str, Any]) -> Iterator[Said]:
    if "verdict" in value or "score" in value:
        yield Said(name, str(value.get("verdict", value.get("score"))), str(value.get("reason", "")))
        return
    for inner, one in value.items():
        if isinstance(one, Mapping):
            yield from _said(inner, one)


def of_two_minds(signals: Mapping[str, Any]) -> bool:
    """Whether judges disagree: one passes what another fails, or one passes one H and fails another."""
    verdicts = {said.verdict for said in judgements(signals)}
    return {"pass", "fail"} <= verdicts

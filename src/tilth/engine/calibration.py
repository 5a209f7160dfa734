"""How far a judge says what people say: agreement by dimension, with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import sqrt
from typing import Any, NamedTuple

import msgspec

from tilth.engine.stage import StageState
from tilth.sample import Sample
from tilth.store.decisions import Event, content_hash
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder

PASSES = 3
"""A score of people from 1 to 5 that counts as a pass; of a judge's scores too."""
THREE_H = ("harmless", "honest", "helpful")
Z2 = 1.959964**2
"""Of the 95 % interval."""


class _Pair(NamedTuple):
    judge: bool
    person: bool


def calibration(samples: Iterable[Sample], events: Iterable[Event]) -> list[dict[str, Any]]:
    """`[{dimension, labels, agreement, low, high, too_kind, too_strict, kappa}]`, one row a dimension that both spoke of.

    People's scores are whole numbers from 1 to 5 and pass from 3 on; `verdict` compares accepting and rejecting with
    a judge who passed all three H. Only decisions about the very text that the judge saw count; each person's last one.

    Args:
        samples: with what a judge wrote into their signals.
        events: the decisions that stand, oldest first.
    """
    last: dict[tuple[str, str], Event] = {(e["sample_id"], e.get("person", "")): e for e in events}
    if not last:
        return []
    said: dict[str, list[Event]] = {}
    for (sample_id, _), e in last.items():
        said.setdefault(sample_id, []).append(e)
    pairs: dict[str, list[_Pair]] = {}
    for sample in samples:
        seen = content_hash(sample) if sample.id in said else ""
        for e in said.pop(sample.id, ()):
            if e.get("content_hash") in (None, "", seen):
                _compare(sample.signals, e, pairs)
    return [_row(name, found) for name, found in sorted(pairs.items(), key=lambda item: _order(item[0]))]


def _compare(signals: Mapping[str, Any], event: Event, pairs: dict[str, list[_Pair]]) -> None:
    for name, score in (event.get("scores") or {}).items():
        judged = _passed(signals.get(name))
        if judged is not None:
            pairs.setdefault(name, []).append(_Pair(judged, score >= PASSES))
    verdicts = [_passed(signals.get(name)) for name in THREE_H]
    if event["verdict"] in ("accept", "reject") and not event.get("proposal") and None not in verdicts:
        pairs.setdefault("verdict", []).append(_Pair(all(verdicts), event["verdict"] == "accept"))


def _passed(value: Any) -> bool | None:
    if value in ("pass", "fail"):
        return bool(value == "pass")
    return bool(value >= PASSES) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _row(name: str, pairs: list[_Pair]) -> dict[str, Any]:
    n = len(pairs)
    equal = sum(pair.judge == pair.person for pair in pairs)
    low, high = wilson(equal, n)
    chance = sum(
        (sum(p.judge == value for p in pairs) / n) * (sum(p.person == value for p in pairs) / n)
        for value in (True, False)
    )
    return {
        "dimension": name,
        "labels": n,
        "agreement": equal / n,
        "low": low,
        "high": high,
        "too_kind": sum(pair.judge and not pair.person for pair in pairs),
        "too_strict": sum(pair.person and not pair.judge for pair in pairs),
        "kappa": (equal / n - chance) / (1 - chance) if chance < 1 else None,
    }


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    share, scale = hits / n, 1 + Z2 / n
    middle = share + Z2 / (2 * n)
    reach = sqrt(Z2 * (share * (1 - share) + Z2 / (4 * n)) / n)
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def _order(name: str) -> tuple[int, str]:
    return (THREE_H.index(name) if name in THREE_H else 9 if name == "verdict" else 5), name


def judged(folder: RunFolder, state: StageState) -> Iterator[Sample]:
    """All samples of the run that could be read: kept ones, then those behind the other doors."""
    for mark in state.marks:
        yield from state.layer(mark.index).kept()
    for door in ("dropped", "held"):
        for line in read_jsonl(folder.door(door)):
            yield msgspec.convert(line["sample"], Sample)

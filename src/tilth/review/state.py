"""Where the review stands: folds over the decisions that no one has taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from tilth.store.decisions import VERDICTS, Event

MS_AN_HOUR = 3_600_000


@dataclass(frozen=True)
class Progress:
    """How far the work is."""

    samples: int
    decided: int
    """Samples with at least `wanted` people's decisions."""
    verdicts: Mapping[str, int]
    """Verdict → decisions that stand."""
    disputed: tuple[str, ...]
    """Ids of samples about which people gave different verdicts, in the order of their first decision."""


@dataclass(frozen=True)
class Throughput:
    """How much one person did."""

    decisions: int
    median_ms: float | None
    """Milliseconds a sample was on screen; `None` where no event says."""
    per_hour: float | None
    """Decisions in an hour on screen; pauses between samples do not count."""


def latest(events: Iterable[Event]) -> dict[tuple[str, str], Event]:
    """(Sample id, person) → the last decision of that person about that sample.

    Args:
        events: the events that stand, oldest first, as `store.decisions.standing` gives them.
    """
    return {(e["sample_id"], e["person"]): e for e in events if e["verdict"] in VERDICTS}


def progress(events: Iterable[Event], samples: Collection[str], wanted: int = 1) -> Progress:
    """How far the review of some samples is.

    Args:
        events: the events that stand, oldest first.
        samples: the ids to be decided.
        wanted: how many people's decisions each sample needs.
    """
    asked = frozenset(samples)
    verdicts: dict[str, list[str]] = {}
    for (sample_id, _), event in latest(events).items():
        if sample_id in asked:
            verdicts.setdefault(sample_id, []).append(event["verdict"])
    return Progress(
        samples=len(asked),
        decided=sum(len(said) >= wanted for said in verdicts.values()),
        verdicts=Counter(verdict for said in verdicts.values() for verdict in said),
        disputed=tuple(sample_id for sample_id, said in verdicts.items() if len(set(said)) > 1),
    )


def throughput(events: Iterable[Event]) -> dict[str, Throughput]:
    """Person → how much that person decided, and how fast."""
    times: dict[str, list[float | None]] = {}
    for event in events:
        if event["verdict"] in VERDICTS:
            times.setdefault(event["person"], []).append(event.get("ms"))
    return {person: _throughput(said) for person, said in sorted(times.items())}


def _throughput(times: list[float | None]) -> Throughput:
    timed = [ms for ms in times if ms]
    if not timed:
        return Throughput(len(times), None, None)
    return Throughput(len(times), median(timed), len(timed) * MS_AN_HOUR / sum(timed))

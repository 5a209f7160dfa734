"""How well people agree when they cannot see each other's votes; in words where a figure would mean nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tilth.review.state import latest
from tilth.store.decisions import Event

Table = NDArray[np.float64]
"""One row a sample, one column a person; NaN where that person did not vote."""

NOBODY = "fewer than two people voted on the same sample"
ALL_EQUAL = "every vote is the same, so chance cannot be told from agreement"
NOT_TWO = "this figure compares two people; use α for more"


@dataclass(frozen=True)
class Agreement:
    """A figure, or why there is none."""

    value: float | None
    votes: int
    """Votes that could be compared: those on samples with at least two."""
    why: str = ""


def blind_votes(events: Iterable[Event], score: str) -> Table:
    """The scores that were given without seeing another's, as a table.

    Args:
        events: the events that stand, oldest first; only those that say `blind: true` count.
        score: the name in `scores`, for example `helpful`.
    """
    cast = {
        key: event["scores"][score]
        for key, event in latest(event for event in events if event.get("blind") is True).items()
        if (event.get("scores") or {}).get(score) is not None
    }
    rows = {sample_id: n for n, sample_id in enumerate(dict.fromkeys(sample_id for sample_id, _ in cast))}
    columns = {person: n for n, person in enumerate(sorted({person for _, person in cast}))}
    table = np.full((len(rows), len(columns)), np.nan)
    for (sample_id, person), value in cast.items():
        table[rows[sample_id], columns[person]] = value
    return table


def blind_verdicts(events: Iterable[Event]) -> Table:
    """Who wanted a sample in the data (1) and who wanted it out (0), from blind votes; flags say neither."""
    wishes = {"accept": 1, "edit": 1, "reject": 0}
    votes = [
        {**event, "scores": {"verdict": wishes[event["verdict"]]}}
        for event in events
        if event["verdict"] in wishes
    ]
    return blind_votes(votes, "verdict")


def in_words(found: Agreement) -> str:
    """What an α means for using the votes, by Krippendorff's own bounds.

    Krippendorff (2004), "Content Analysis", 2nd ed., p. 241: 0.8 to rely on, 0.667 for tentative conclusions.
    """
    if found.value is None:
        return found.why
    if found.value >= 0.8:
        return "people agree: rely on it"
    if found.value >= 0.667:
        return "people agree roughly: draw tentative conclusions only"
    return "people do not agree: talk over what the scores mean before you use them"


def percent(table: Table) -> Agreement:
    """The share of pairs of votes on one sample that are equal, 0 to 1; chance is not taken off."""
    pairable = _pairable(table)
    if not len(pairable):
        return Agreement(None, 0, NOBODY)
    equal = pairs = 0
    for row in pairable:
        votes = row[~np.isnan(row)]
        _, counts = np.unique(votes, return_counts=True)
        equal += int((counts * (counts - 1)).sum())
        pairs += len(votes) * (len(votes) - 1)
    return Agreement(equal / pairs, _count(pairable))


def alpha(table: Table) -> Agreement:
    """Ordinal α: 1 is full agreement, 0 what chance gives; any number of people, gaps allowed.

    Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", section D with the ordinal metric.
    """
    pairable = _pairable(table)
    if not len(pairable):
        return Agreement(None, 0, NOBODY)
    values, ranks = np.unique(pairable[~np.isnan(pairable)], return_inverse=True)
    if len(values) == 1:
        return Agreement(None, _count(pairable), ALL_EQUAL)
    coincidences = _coincidences(pairable, values)
    of_value = np.bincount(ranks, minlength=len(values)).astype(float)
    between = np.cumsum(of_value) - of_value / 2
    distance = (between[:, None] - between[None, :]) ** 2
    observed = (coincidences * distance).sum()
    expected = (np.outer(of_value, of_value) * distance).sum() / (of_value.sum() - 1)
    return Agreement(float(1 - observed / expected), _count(pairable))


def kappa(table: Table) -> Agreement:
    """Quadratic-weighted κ of two people: 1 is full agreement, 0 what chance gives.

    Cohen (1968), "Weighted kappa", Psychological Bulletin 70:213, with the squared difference as weight.
    """
    pairable = _pairable(table)
    if not len(pairable):
        return Agreement(None, 0, NOBODY)
    people = pairable[:, ~np.isnan(pairable).all(axis=0)]
    if people.shape[1] != 2:
        return Agreement(None, _count(pairable), NOT_TWO)
    first, second = people.T
    observed = ((first - second) ** 2).mean()
    expected = ((first[:, None] - second[None, :]) ** 2).mean()
    if not expected:
        return Agreement(None, _count(pairable), ALL_EQUAL)
    return Agreement(float(1 - observed / expected), _count(pairable))


def _pairable(table: Table) -> Table:
    found: Table = table[(~np.isnan(table)).sum(axis=1) >= 2]
    return found


def _count(table: Table) -> int:
    return int((~np.isnan(table)).sum())


def _coincidences(table: Table, values: Table) -> Table:
    """How often two values meet in a row, each row weighted by 1 / (its votes - 1)."""
    found = np.zeros((len(values), len(values)))
    for row in table:
        counts = (row[:, None] == values[None, :]).sum(axis=0).astype(float)
        found += (np.outer(counts, counts) - np.diag(counts)) / (counts.sum() - 1)
    return found

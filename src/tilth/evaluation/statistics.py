"""How sure a comparison may be: intervals, an exact test and sample sizes, with numpy and the standard library only."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, comb, copysign, inf, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

_CHUNK = 1_000_000
"""Resampled values held at a time: 10,000 resamples of any number of questions stay under about 50 MB."""


class Interval(NamedTuple):
    """The values that agree with what was seen."""

    low: float
    high: float

    def straddles(self, value: float) -> bool:
        """Whether `value` is one of them: then the data cannot tell the truth from it."""
        return self.low <= value <= self.high


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(hits: float, n: float, confidence: float = 0.95) -> Interval:
    """The score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22:209); (0, 1) where nothing was counted."""
    if n == 0:
        return Interval(0.0, 1.0)
    z2 = _z(confidence) ** 2
    share = hits / n
    middle = share + z2 / (2 * n)
    reach = sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n)
    scale = 1 + z2 / n
    return Interval(max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale))


def sign_test(wins: int, losses: int) -> float:
    """The exact two-sided p-value of the sign test. Ties are no part of it; 1 where nobody won or lost."""
    n = wins + losses
    tail = sum(comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << n))


def win_interval(wins: int, losses: int, ties: int, confidence: float = 0.95) -> Interval:
    """The interval of the win rate with a tie as half a win.

    The score interval for paired proportions (Tango 1998, Statistics in Medicine 17:891), mapped from the difference
    of wins and losses to the win rate. Without ties it is Wilson's. It straddles 0.5 exactly where the score test of
    wins against losses finds nothing.
    """
    n = wins + losses + ties
    if n == 0:
        return Interval(0.0, 1.0)
    limit = _z(confidence)
    low, high = -_upper(losses, wins, n, limit), _upper(wins, losses, n, limit)
    return Interval((1 + low) / 2, (1 + high) / 2)


def _upper(wins: int, losses: int, n: int, limit: float) -> float:
    """The largest difference between the shares of wins and losses that the score test still allows."""
    low, high = (wins - losses) / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if -_score(wins, losses, n, middle) <= limit:
            low = middle
        else:
            high = middle
    return low


def _score(wins: int, losses: int, n: int, difference: float) -> float:
    """Tango's statistic: how far what was seen lies from a true difference, in standard errors."""
    b = (2 * n - wins + losses) * difference - wins - losses
    c = -losses * difference * (1 - difference)
    share = (sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    spread = n * (2 * share + difference * (1 - difference))
    distance = wins - losses - n * difference
    return distance / sqrt(spread) if spread > 0 else copysign(inf, distance)


def paired_bootstrap(
    differences: Sequence[float],
    weights: Sequence[float] | None = None,
    *,
    seed: int = 42,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """The percentile interval of the weighted mean of paired differences, by resampling whole pairs (Efron 1979).

    Raises:
        ValueError: there is nothing to resample.
    """
    if not len(differences):
        raise ValueError("no pairs to resample")
    values = np.asarray(differences, dtype=np.float64)
    mass = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    random = np.random.default_rng(seed)
    means: list[np.ndarray] = []
    step = max(1, _CHUNK // len(values))
    for start in range(0, resamples, step):
        picks = random.integers(0, len(values), size=(min(step, resamples - start), len(values)))
        picked = mass[picks]
        means.append((values[picks] * picked).sum(axis=1) / picked.sum(axis=1))
    edge = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [edge, 1 - edge])
    return Interval(float(low), float(high))


def sample_size(rate: float = 0.6, against: float = 0.5, power: float = 0.8, confidence: float = 0.95) -> int:
    """How many decided questions it takes to tell a true win rate from another one.

    The normal approximation for one proportion (Fleiss, Levin and Paik 2003, section 2.5). Ties decide nothing and
    come on top.
    """
    spread = _z(confidence) * sqrt(against * (1 - against)) + NormalDist().inv_cdf(power) * sqrt(
        rate * (1 - rate)
    )
    return ceil((spread / (rate - against)) ** 2)


class Controlled(NamedTuple):
    """A win rate with the pull of length taken out."""

    rate: float
    """What the win rate would be if both answers were of one length."""
    interval: Interval
    """95 % by resampling whole questions."""


_PRIOR_SD = 2.0
"""Of intercept and slope, in logits: keeps a fit finite where one side wins everything, and moves 72 questions by a
hundredth."""


def length_controlled(
    wins: Sequence[float], longer_by: Sequence[float], *, seed: int = 42, resamples: int = 2_000
) -> Controlled | None:
    """The win rate at equal length: a logistic regression on the difference in length, read where that is zero.

    As AlpacaEval does it (Dubois et al. 2024, arXiv 2404.04475): the difference enters as the hyperbolic tangent of
    its standard score, so that a few very long answers do not decide. `None` where nothing was judged.

    Args:
        wins: for each question 1 (won), 0.5 (tie) or 0 (lost).
        longer_by: how many characters longer the tuned model's answer is.
        seed: draws the resamples.
        resamples: how many.
    """
    if not len(wins):
        return None
    won, lengths = np.asarray(wins, dtype=np.float64), np.asarray(longer_by, dtype=np.float64)
    spread = float(np.sqrt((lengths**2).mean()))
    pull = np.tanh(lengths / spread) if spread else np.zeros_like(lengths)
    rate = float(_rate_at_zero(won[None, :], pull[None, :])[0])
    random = np.random.default_rng(seed)
    rates: list[np.ndarray] = []
    step = max(1, _CHUNK // len(won))
    for start in range(0, resamples, step):
        picks = random.integers(0, len(won), size=(min(step, resamples - start), len(won)))
        rates.append(_rate_at_zero(won[picks], pull[picks]))
    low, high = np.quantile(np.concatenate(rates), [0.025, 0.975])
    return Controlled(rate, Interval(float(low), float(high)))


def _rate_at_zero(won: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Newton's method for many fits at once; one row a fit."""
    intercept, slope = np.zeros(len(won)), np.zeros(len(won))
    prior = _PRIOR_SD**-2
    for _ in range(15):
        expected = 1 / (1 + np.exp(-(intercept[:, None] + slope[:, None] * pull)))
        weight = expected * (1 - expected)
        miss = won - expected
        g0, g1 = miss.sum(axis=1) - prior * intercept, (miss * pull).sum(axis=1) - prior * slope
        h00, h01 = weight.sum(axis=1) + prior, (weight * pull).sum(axis=1)
        h11 = (weight * pull**2).sum(axis=1) + prior
        determinant = h00 * h11 - h01**2
        intercept = intercept + (h11 * g0 - h01 * g1) / determinant
        slope = slope + (h00 * g1 - h01 * g0) / determinant
    found: np.ndarray = 1 / (1 + np.exp(-intercept))
    return found

"""Agreement against published and hand-computed figures, and in words where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from tilth.review.agreement import ALL_EQUAL, NOBODY, NOT_TWO, alpha, blind_votes, kappa, percent

GAP = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
        [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
    ]
).T
"""Four observers, twelve units: the worked example of Krippendorff (2011), section C; ordinal α there is 0.815."""


def test_alpha_is_the_published_one():
    found = alpha(KRIPPENDORFF)
    assert found.value == pytest.approx(0.815, abs=5e-4)
    assert found.votes == 40


def test_percent_counts_equal_pairs():
    # Unit 1 has 6 equal ordered pairs of 6; unit 2 has 2 of 6; the last has one vote and counts for nothing.
    table = np.array([[1, 1, 1], [1, 1, 2], [3, GAP, GAP]], dtype=float)
    assert percent(table).value == pytest.approx(8 / 12)
    assert percent(table).votes == 6


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3], [1, 2, 2], 2 / 3),  # observed 1/3, expected (2 + 1 + 6) / 9 = 1
        ([1, 5], [5, 1], -1.0),  # observed 16, expected 8
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
    ],
)
def test_kappa_by_hand(first, second, expected):
    assert kappa(np.array([first, second], dtype=float).T).value == pytest.approx(expected)


def test_kappa_leaves_out_people_who_share_no_sample():
    table = np.array([[1, 1, GAP], [2, 2, GAP], [3, 2, GAP], [GAP, GAP, 5]], dtype=float)
    assert kappa(table).value == pytest.approx(2 / 3)


@pytest.mark.parametrize("figure", [percent, alpha, kappa])
@pytest.mark.parametrize("table", [np.empty((0, 0)), np.array([[4.0], [2.0]]), np.array([[4.0, GAP]])])
def test_one_person_alone_agrees_with_nobody(figure, table):
    assert (figure(table).value, figure(table).why) == (None, NOBODY)


@pytest.mark.parametrize("figure", [alpha, kappa])
def test_equal_votes_are_told_in_words(figure):
    table = np.full((5, 2), 3.0)
    assert (figure(table).value, figure(table).why) == (None, ALL_EQUAL)
    assert percent(table).value == 1.0


def test_kappa_is_for_two():
    assert kappa(KRIPPENDORFF).why == NOT_TWO


def test_only_blind_votes_count_and_the_last_one_does():
    def vote(sample_id, person, helpful, blind=True):
        scores = None if helpful is None else {"helpful": helpful}
        return {
            "sample_id": sample_id,
            "person": person,
            "verdict": "accept",
            "scores": scores,
            "blind": blind,
        }

    events = [
        vote("a", "小李", 1),
        vote("a", "小李", 4),
        vote("a", "小王", 5),
        vote("b", "小王", 2),
        vote("b", "小李", 3, blind=False),
        vote("c", "小李", None),
    ]
    assert np.array_equal(blind_votes(events, "helpful"), [[4, 5], [GAP, 2]], equal_nan=True)
    assert blind_votes(events, "honest").shape == (0, 0)

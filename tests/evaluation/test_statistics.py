import random

import pytest

from tilth.evaluation.statistics import (
    Interval,
    paired_bootstrap,
    sample_size,
    sign_test,
    wilson,
    win_interval,
)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_published_values(hits, n, low, high):
    found = wilson(hits, n)
    assert found == pytest.approx((low, high), abs=5e-5)


def test_wilson_of_nothing_allows_everything():
    assert wilson(0, 0) == Interval(0.0, 1.0)


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    # By hand: 2 * (1 + 10 + 45) / 1024, 2 * 1 / 32, and so on.
    [(8, 2, 112 / 1024), (2, 8, 112 / 1024), (5, 0, 2 / 32), (3, 3, 1.0), (0, 0, 1.0), (1, 0, 1.0)],
)
def test_sign_test_is_exact(wins, losses, p):
    assert sign_test(wins, losses) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize(("wins", "losses"), [(72, 0), (0, 72), (45, 27), (36, 36), (1, 0), (7, 13)])
def test_without_ties_the_win_interval_is_wilsons(wins, losses):
    assert win_interval(wins, losses, 0) == pytest.approx(wilson(wins, wins + losses), abs=1e-9)


@pytest.mark.parametrize(
    ("wins", "losses", "ties"), [(10, 0, 62), (20, 9, 40), (9, 20, 3), (14, 6, 50), (15, 5, 50)]
)
def test_ties_never_hide_or_make_a_difference(wins, losses, ties):
    apart = (wins - losses) ** 2 / (wins + losses) > 1.959963984540054**2
    assert win_interval(wins, losses, ties).straddles(0.5) is not apart


def test_only_ties_are_not_a_certainty():
    low, high = win_interval(0, 0, 72)
    assert low == pytest.approx(0.5 - 0.0253, abs=1e-3)
    assert high == pytest.approx(0.5 + 0.0253, abs=1e-3)
    assert win_interval(0, 0, 0) == Interval(0.0, 1.0)


def test_the_win_interval_covers_the_truth():
    draw = random.Random(7)
    covered = 0
    for _ in range(1000):
        votes = draw.choices(("win", "loss", "tie"), weights=(0.4, 0.2, 0.4), k=72)
        covered += win_interval(votes.count("win"), votes.count("loss"), votes.count("tie")).straddles(0.6)
    assert 930 <= covered <= 975


def _studies(rate, n, times, seed):
    draw = random.Random(seed)
    for _ in range(times):
        wins = sum(draw.random() < rate for _ in range(n))
        yield win_interval(wins, n - wins, 0)


def test_a_fair_coin_is_called_not_distinguishable():
    called = sum(study.straddles(0.5) for study in _studies(0.5, 72, 300, seed=11))
    assert called >= 0.93 * 300


def test_a_real_gain_is_found_with_the_tutorials_72_questions():
    found = sum(study.low > 0.5 for study in _studies(0.75, 72, 300, seed=12))
    assert found >= 0.90 * 300


def test_bootstrap_is_seeded_and_paired():
    draw = random.Random(3)
    differences = [draw.gauss(-0.2, 0.1) for _ in range(50)]
    first = paired_bootstrap(differences, seed=1)
    assert first == paired_bootstrap(differences, seed=1)
    assert first != paired_bootstrap(differences, seed=2)
    mean = sum(differences) / 50
    assert first.low < mean < first.high < 0
    assert first.high - first.low == pytest.approx(2 * 1.96 * 0.1 / 50**0.5, rel=0.25)


def test_bootstrap_weighs_pairs():
    low, high = paired_bootstrap([0.0, 1.0], [1.0, 3.0])
    assert (low, high) == (0.0, 1.0)
    assert paired_bootstrap([0.5] * 9) == Interval(0.5, 0.5)


def test_bootstrap_does_not_depend_on_how_it_is_cut(monkeypatch):
    from tilth.evaluation import statistics

    differences = [0.1, -0.4, 0.3, 0.0, -0.2]
    whole = paired_bootstrap(differences, resamples=300)
    monkeypatch.setattr(statistics, "_CHUNK", 35)
    assert paired_bootstrap(differences, resamples=300) == whole


def test_bootstrap_of_nothing_says_so():
    with pytest.raises(ValueError, match="no pairs"):
        paired_bootstrap([])


@pytest.mark.parametrize(("rate", "n"), [(0.6, 194), (0.75, 29), (0.55, 783)])
def test_sample_size(rate, n):
    assert sample_size(rate) == n


def test_sample_size_gives_the_power_it_promises():
    found = sum(study.low > 0.5 for study in _studies(0.6, sample_size(), 1000, seed=5))
    assert 0.76 * 1000 <= found <= 0.86 * 1000

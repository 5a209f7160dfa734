import pytest

from tilth.evaluation.verdicts import Tally, Verdict, settle, tally


def votes(*winners, by="甲"):
    return [Verdict(f"t:{n}", winner, by) for n, winner in enumerate(winners, start=1)]


def test_nobody_has_judged():
    nothing = tally([])
    assert nothing == Tally()
    assert nothing.as_dict()["win_rate"] is None
    assert nothing.as_dict()["interval"] is None
    assert nothing.distinguishable is False


def test_wins_losses_ties_and_errors():
    counted = tally(votes("after", "after", "before", "tie", "error"))
    assert (counted.wins, counted.losses, counted.ties, counted.errors) == (2, 1, 1, 1)
    assert counted.win_rate == pytest.approx(2.5 / 4)
    assert counted.distinguishable is False


def test_an_error_is_never_a_tie():
    assert tally(votes("error", "error")).win_rate is None
    assert settle([Verdict("t:1", "error", "judge"), Verdict("t:1", "after", "甲")]) == {"t:1": "after"}


@pytest.mark.parametrize(
    ("winners", "settled"),
    [
        (["after", "after", "before"], "after"),
        (["after", "before"], "tie"),
        (["after", "tie", "tie"], "tie"),
        (["before", "tie"], "tie"),
        (["before", "before", "tie"], "before"),
    ],
)
def test_a_question_counts_once(winners, settled):
    found = settle(Verdict("t:1", winner, str(n)) for n, winner in enumerate(winners))
    assert found == {"t:1": settled}


def test_a_judge_that_always_says_a_wins_nothing():
    always_a = [Verdict(f"t:{n}", "tie", "judge", flipped=True) for n in range(72)]
    counted = tally(always_a)
    assert (counted.wins, counted.losses, counted.ties) == (0, 0, 72)
    assert counted.flip_rate == 1.0
    assert counted.win_rate == 0.5
    assert counted.distinguishable is False


def test_flip_rate_is_none_for_people():
    assert tally(votes("after")).flip_rate is None


def test_a_clear_gain_is_distinguishable():
    counted = tally(votes(*["after"] * 54, *["before"] * 18))
    assert counted.distinguishable is True
    assert counted.p_value < 0.001

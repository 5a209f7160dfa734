from math import exp, inf, nan

import pytest

from tests.evaluation.pieces import question
from tilth.errors import TilthError
from tilth.evaluation.losses import Scored, held_out, perplexity, summary
from tilth.evaluation.statistics import paired_bootstrap


class Known:
    """A model whose losses are written down: expected answer → (mean, tokens)."""

    def __init__(self, name, losses):
        self.name, self._losses = name, losses

    def losses(self, samples):
        return [self._losses[sample.messages[-1].content] for sample in samples]


QUESTIONS = [question(1, "一", "甲甲"), question(2, "二", "乙乙乙乙"), question(3, "三")]


def test_means_by_hand():
    before = Known("base", {"甲甲": (2.0, 1), "乙乙乙乙": (4.0, 3)})
    after = Known("tuned", {"甲甲": (1.0, 1), "乙乙乙乙": (3.5, 3)})
    found = held_out(QUESTIONS, before, after)
    assert found.unit == "token"
    assert found.before == pytest.approx((2 + 12) / 4)
    assert found.after == pytest.approx((1 + 10.5) / 4)
    assert (found.question_before, found.question_after) == (3.0, 2.25)
    assert found.interval == paired_bootstrap([-1.0, -0.5], [1, 3])
    assert found.unscored == 1
    assert found.distinguishable is True
    numbers = found.as_dict()
    assert numbers["perplexity_before"] == pytest.approx(exp(3.5))
    assert numbers["difference"] == pytest.approx(-0.625)
    assert (numbers["questions"], numbers["units"]) == (2, 4)


def test_long_answers_weigh_more_in_the_interval():
    rows = [Scored(f"t:{n}", 3.0, 3.0 - n / 20, n) for n in range(1, 21)]
    units = [row.units for row in rows]
    found = summary(rows, "token", 0, seed=5)
    assert found.interval == paired_bootstrap([row.difference for row in rows], units, seed=5)
    assert found.interval.low < found.difference < found.interval.high
    assert found.interval != paired_bootstrap([row.difference for row in rows], seed=5)


def test_other_tokens_are_compared_by_character():
    before = Known("base", {"甲甲": (2.0, 1), "乙乙乙乙": (4.0, 3)})
    after = Known("tuned", {"甲甲": (1.0, 2), "乙乙乙乙": (2.0, 6)})
    found = held_out(QUESTIONS, before, after)
    assert found.unit == "character"
    assert [(row.before, row.after, row.units) for row in found.rows] == [(1.0, 1.0, 2), (3.0, 3.0, 4)]
    assert found.difference == 0.0
    assert found.distinguishable is False


def test_answers_without_a_scored_token_are_counted():
    before = Known("base", {"甲甲": (None, 0), "乙乙乙乙": (4.0, 3)})
    found = held_out(QUESTIONS, before, before)
    assert ([row.place for row in found.rows], found.unscored) == (["t.jsonl:2"], 2)


def test_nothing_to_score():
    assert held_out([question(1)], Known("base", {}), Known("tuned", {})) is None


@pytest.mark.parametrize("broken", [nan, inf])
def test_a_loss_that_is_no_number_is_said(broken):
    good = Known("base", {"甲甲": (2.0, 1), "乙乙乙乙": (4.0, 3)})
    bad = Known("tuned", {"甲甲": (broken, 1), "乙乙乙乙": (4.0, 3)})
    with pytest.raises(TilthError, match="tuned gives no finite loss on 1 of 2"):
        held_out(QUESTIONS, good, bad)


def test_perplexity_beyond_floats():
    assert perplexity(0.0) == 1.0
    assert perplexity(1000.0) is None

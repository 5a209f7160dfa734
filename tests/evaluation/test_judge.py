"""What judges of known character make of pairs whose truth is known."""

import math
import random
from functools import partial

import pytest

from tests.evaluation.pieces import question
from tilth.evaluation.judge import ORDERS, Case, Opinion, Pick, bias, judge_pairs, known_opinions, verdicts
from tilth.evaluation.statistics import length_controlled
from tilth.evaluation.verdicts import tally
from tilth.evaluation.votes import Pairing


def pairs(n=72, before=10, after=10):
    return [Pairing(question(k, f"第{k}题"), "旧" * before + str(k), "新" * after + str(k)) for k in range(n)]


def always(letter, cases):
    return [Pick(letter, "先入为主") for _ in cases]


def asked_one_by_one(judge):
    """A judge of many cases as one of single cases."""

    async def one(case):
        return next(iter(judge([case])))

    return one


def studied(asked, judge, folder):
    opinions = judge_pairs(asked, asked_one_by_one(judge), "judge:1", folder / "judge.jsonl")
    return opinions, tally(verdicts(asked, opinions, "judge")), bias(asked, opinions)


def simulated(asked, judge):
    """The same without the file, which hundreds of studies need not write."""
    cases = [Case(pair, order) for pair in asked for order in ORDERS]
    opinions = [
        Opinion(case.pair.question.place, case.order, pick.said, "", "")
        for case, pick in zip(cases, judge(cases), strict=True)
    ]
    return opinions, tally(verdicts(asked, opinions, "judge")), bias(asked, opinions)


def leaning(cases, *, rate, position=0.0, length=0.0, spread=1.0, seed=1):
    """A judge whose truth is `rate` for the tuned answer; leanings are in logits."""
    draw = random.Random(seed)
    truths: dict[str, float] = {}
    for case in cases:
        place = case.pair.question.place
        truth = truths.setdefault(place, math.log(rate / (1 - rate)) + draw.gauss(0, 2))
        gap = (len(case.pair.after) - len(case.pair.before)) / spread
        tuned_first = case.order == "after_first"
        pull = truth + length * gap
        pull = (pull if tuned_first else -pull) + position
        yield Pick("A" if draw.random() < 1 / (1 + math.exp(-pull)) else "B")


@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_judge_that_always_says_one_letter_decides_nothing(tmp_path, letter):
    opinions, counted, leans = studied(pairs(), partial(always, letter), tmp_path)
    assert len(opinions) == 2 * 72
    assert (counted.wins, counted.losses, counted.ties, counted.errors) == (0, 0, 72, 0)
    assert counted.flip_rate == 1.0
    assert counted.distinguishable is False
    assert leans.by_position is True
    assert leans.first_share == (letter == "A")


def knowing(better, cases):
    return [Pick("A" if better[c.pair.question.place] == (c.order == "after_first") else "B") for c in cases]


def studies(rate, n, times, seed):
    """Studies with a judge that always knows which answer is better; the tuned one is, at this rate."""
    draw = random.Random(seed)
    for _ in range(times):
        asked = pairs(n)
        better = {pair.question.place: draw.random() < rate for pair in asked}
        _, counted, _ = simulated(asked, partial(knowing, better))
        assert counted.flip_rate == 0.0
        yield counted


def test_of_300_studies_of_two_equal_models_93_in_100_say_so():
    said = [compared.distinguishable for compared in studies(0.5, 72, 300, seed=21)]
    assert len(said) == 300
    assert said.count(False) >= 0.93 * 300


def test_of_300_studies_of_a_true_three_quarters_90_in_100_find_it():
    said = [
        compared.distinguishable and compared.win_rate > 0.5 for compared in studies(0.75, 72, 300, seed=22)
    ]
    assert len(said) == 300
    assert said.count(True) >= 0.90 * 300


def test_a_fair_judge_leans_nowhere():
    exposed = 0
    for seed in range(40):
        judge = partial(leaning, rate=0.5, seed=seed)
        _, counted, leans = simulated(pairs(), judge)
        exposed += leans.by_position
        assert counted.errors == 0
    assert exposed <= 4


def test_a_judge_that_likes_what_it_reads_first_is_exposed_and_undone():
    exposed, single, both = 0, 0.0, 0.0
    for seed in range(40):
        judge = partial(leaning, rate=0.6, position=1.5, seed=seed)
        opinions, counted, leans = simulated(pairs(), judge)
        exposed += leans.by_position
        once = [o.winner == "after" for o in opinions if o.order == "after_first"]
        single, both = single + sum(once) / len(once) / 40, both + counted.win_rate / 40
    assert exposed >= 36
    assert single > 0.7
    assert 0.52 < both < 0.62


def test_a_judge_that_likes_length_is_exposed_and_controlled():
    """The truth is 0.69 for answers that became shorter; the raw rate says the opposite."""
    exposed = reversed_ = 0
    raw, controlled = 0.0, 0.0
    for seed in range(20):
        draw = random.Random(seed)
        asked = [
            Pairing(
                question(k, f"第{k}题"),
                "旧" * max(1, round(draw.gauss(150, 40))),
                "新" * max(1, round(draw.gauss(90, 40))),
            )
            for k in range(150)
        ]
        judge = partial(leaning, rate=0.69, length=2.0, spread=56.0, seed=seed)
        opinions, counted, leans = simulated(asked, judge)
        wins = {"after": 1.0, "before": 0.0, "tie": 0.5}
        said = {v.place: wins[v.winner] for v in verdicts(asked, opinions, "")}
        gaps = [len(pair.after) - len(pair.before) for pair in asked]
        found = length_controlled([said[p.question.place] for p in asked], gaps, resamples=200)
        exposed += leans.by_length and leans.longer_share > 0.5
        reversed_ += counted.win_rate < 0.5
        raw, controlled = raw + counted.win_rate / 20, controlled + found.rate / 20
        assert found.interval.low < found.rate < found.interval.high
    assert exposed >= 18
    assert reversed_ >= 15
    assert raw < 0.45
    assert 0.55 < controlled < 0.75


def test_an_error_is_never_a_tie_and_is_asked_for_again(tmp_path):
    asked = pairs(3)

    def failing(cases):
        return [Pick("error", "no JSON") if c.pair is asked[0] else Pick("tie") for c in cases]

    _, counted, _ = studied(asked, failing, tmp_path)
    assert (counted.errors, counted.ties, counted.flip_rate) == (1, 2, 0.0)
    seen = []
    judge = lambda cases: [seen.append(c) or Pick("A" if c.order == "after_first" else "B") for c in cases]  # noqa: E731
    _, counted, _ = studied(asked, judge, tmp_path)
    assert [case.pair for case in seen] == [asked[0], asked[0]]
    assert (counted.errors, counted.wins, counted.ties) == (0, 1, 2)


def test_a_kill_loses_no_opinion_that_came(tmp_path):
    asked, calls, file = pairs(4), [], tmp_path / "judge.jsonl"

    async def dying(case):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(case)
        return Pick("A")

    with pytest.raises(KeyboardInterrupt):
        judge_pairs(asked, dying, "judge:1", file)
    again = []
    judge = lambda cases: [again.append(c) or Pick("B") for c in cases]  # noqa: E731
    judge_pairs(asked, asked_one_by_one(judge), "judge:1", file)
    assert len(again) == 8 - 3
    found = judge_pairs(asked, None, "judge:1", file)
    assert [(o.place, o.order) for o in found] == [(p.question.place, o) for p in asked for o in ORDERS]
    assert known_opinions(asked, "judge:1", file) == found
    assert known_opinions(asked, "judge:2", file) == []


def test_another_judge_or_another_answer_is_asked_anew(tmp_path):
    file, seen = tmp_path / "judge.jsonl", []
    judge = asked_one_by_one(lambda cases: [seen.append(c) or Pick("A") for c in cases])
    for asked, identity in ((pairs(3), "judge:1"), (pairs(3), "judge:2"), (pairs(3, after=11), "judge:2")):
        seen.clear()
        judge_pairs(asked, judge, identity, file)
        assert len(seen) == 6


def test_all_cases_are_asked_at_once(tmp_path):
    import asyncio

    flying, most = 0, 0

    async def slow(case):
        nonlocal flying, most
        flying, most = flying + 1, max(most, flying + 1)
        await asyncio.sleep(0)
        flying -= 1
        return Pick("tie")

    judge_pairs(pairs(10), slow, "judge:1", tmp_path / "judge.jsonl")
    assert most == 20

    async def within_a_loop():
        return judge_pairs(pairs(2), slow, "judge:2", tmp_path / "judge.jsonl")

    assert len(asyncio.run(within_a_loop())) == 4


def test_equal_answers_are_a_tie_that_nobody_is_asked_about(tmp_path):
    asked = [Pairing(question(99), "一样", "一样"), *pairs(2)]
    opinions, counted, leans = studied(asked, partial(always, "A"), tmp_path)
    assert len(opinions) == 4
    assert (counted.ties, counted.flip_rate) == (3, 1.0)
    assert leans.longer_share is None


def test_both_orders_show_both_answers():
    pair = pairs(1)[0]
    assert [(Case(pair, o).first, Case(pair, o).second) for o in ORDERS] == [
        (pair.before, pair.after),
        (pair.after, pair.before),
    ]


def test_length_control_of_equal_lengths_changes_nothing_and_nothing_is_no_rate():
    wins = [1.0] * 30 + [0.0] * 20 + [0.5] * 10
    found = length_controlled(wins, [0] * 60)
    assert found.rate == pytest.approx(35 / 60, abs=0.01)
    assert found.interval.low < 0.5 < found.interval.high
    assert length_controlled([], []) is None
    all_won = length_controlled([1.0] * 20, [5] * 20)
    assert 0.5 < all_won.rate <= 1.0

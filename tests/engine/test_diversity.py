"""New questions show as diversity, copies do not."""

from __future__ import annotations

import pytest

from tests.engine.conftest import QUESTIONS
from tilth.engine.diversity import diversity, maker, nearest


def table(made):
    read = [(f"raw.jsonl:{n}", q) for n, q in enumerate(QUESTIONS, 1)]
    new = [(f"raw.jsonl:{n}/augment.paraphrase#0", q) for n, q in enumerate(made, 1)]
    return {row["group"]: row for row in diversity([*read, *new])}


def test_copies_lower_what_new_questions_keep():
    copies = table(QUESTIONS)
    fresh = table([f"{q[::-1]}第{n}回" for n, q in enumerate(QUESTIONS)])
    assert list(copies) == ["sources", "augment.paraphrase", "together"]
    assert copies["together"]["samples"] == 24
    assert copies["together"]["nearest"] == pytest.approx(1)
    assert copies["sources"]["nearest"] < 0.9
    assert fresh["together"]["nearest"] < copies["together"]["nearest"]


def test_the_share_of_distinct_pairs_is_of_the_same_number_of_pairs():
    rows = diversity([("a.jsonl:1", "甲乙丙丁戊己庚辛"), ("a.jsonl:1/augment.evolve#0", "甲乙甲乙甲乙")])
    assert [row["distinct"] for row in rows[:2]] == [1.0, 2 / 5]


def test_nothing_made_is_nothing_to_say():
    assert diversity([("a.jsonl:1", "你好"), ("a.jsonl:2", "再见")]) == []


@pytest.mark.parametrize(
    ("place", "step"),
    [
        ("a.jsonl:1", ""),
        ("a.jsonl:1/augment.evolve#0", "augment.evolve"),
        ("a:1/x.y#0/augment.rules@2#3", "augment.rules@2"),
    ],
)
def test_the_maker_is_the_last_step_of_a_place(place, step):
    assert maker(place) == step


def test_texts_without_letters_are_like_nothing():
    assert nearest(["？", "！"]) == 0
    assert nearest(["你好"]) is None

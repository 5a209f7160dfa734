"""What each selector keeps, that chance is stable, and what it refuses."""

from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tilth.errors import UserError
from tilth.operators import select
from tilth.operators.base import OPERATORS, Facts
from tilth.operators.select import Balanced, Budget, Diverse, Random, Top
from tilth.operators.topics import _learn as group_centres
from tilth.operators.topics import topics
from tilth.sample import Drop, Message, Sample


def talk(n, question="问题", answer="答案", **fields):
    id = blake2b(f"{n}".encode(), digest_size=8).hexdigest()
    return Sample(id, f"a.jsonl:{n}", (Message("user", question), Message("assistant", answer)), **fields)


def kept(operator, samples):
    rows = np.zeros(len(samples), operator.fact)
    for index, sample in enumerate(samples):
        rows[index] = operator.observe(sample)
    facts = Facts(rows, [sample.place for sample in samples])
    verdicts = list(operator.decide(facts, {sample.place: sample for sample in samples}.__getitem__))
    assert all(isinstance(verdict, Drop) and verdict.reason == "not_selected" for _, verdict in verdicts)
    dropped = {place for place, _ in verdicts}
    assert len(dropped) == len(verdicts)
    return [sample.place for sample in samples if sample.place not in dropped]


MANY = [talk(n) for n in range(100)]


def test_random_keeps_the_number_asked_for():
    assert len(kept(Random(n=30), MANY)) == 30
    assert len(kept(Random(share=0.25), MANY)) == 25
    assert len(kept(Random(n=1000), MANY)) == 100
    assert kept(Random(n=5), []) == []


def test_random_depends_on_the_seed_and_the_id_only():
    chosen = kept(Random(n=30), MANY)
    assert set(kept(Random(n=30), MANY[::-1])) == set(chosen)
    assert set(kept(Random(n=30, seed=7), MANY)) != set(chosen)
    assert set(kept(Random(n=10), MANY)) < set(chosen)


def test_a_share_keeps_whom_it_kept_when_the_set_grows():
    grown = set(kept(Random(share=0.5), [*MANY, *(talk(n) for n in range(100, 110))]))
    assert len(set(kept(Random(share=0.5), MANY)) - grown) <= 5


def test_equal_records_have_equal_luck():
    twins = [talk(1), talk(1).replace(place="a.jsonl:2"), talk(3)]
    operator = Random(n=1)
    assert operator.observe(twins[0]) == operator.observe(twins[1])
    assert len(kept(Random(n=2), twins)) == 2


@pytest.mark.parametrize(
    ("by", "fields"),
    [
        ("domain", [{"meta": {"domain": ["甲"]}}, {"meta": {"domain": ["乙", "甲"]}}, {}]),
        ("task_type.major", [{"meta": {"task_type": {"major": kind}}} for kind in "abc"]),
        ("language", [{"signals": {"language": name}} for name in ("zh", "en", "ja")]),
        (
            "level",
            [
                {"signals": {"level": 1}, "meta": {"level": 9}},
                {"signals": {"level": 2}},
                {"meta": {"level": 1.5}},
            ],
        ),
        ("meta.level", [{"meta": {"level": n}} for n in range(3)]),
    ],
)
def test_balanced_keeps_n_of_each_value(by, fields):
    samples = [talk(n, **fields[0 if n < 20 else 1 if n < 25 else 2]) for n in range(26)]
    places = [int(place.split(":")[1]) for place in kept(Balanced(by=by, n=3), samples)]
    assert [sum(low <= n < high for n in places) for low, high in ((0, 20), (20, 25), (25, 26))] == [3, 3, 1]


def test_balanced_by_topic():
    samples = [talk(n, meta={"domain": "物理" if n % 10 else "语言"}) for n in range(40)]
    places = [int(place.split(":")[1]) for place in kept(Balanced(by="topic", n=4), samples)]
    assert (sum(n % 10 == 0 for n in places), len(places)) == (4, 8)


def test_top_keeps_the_largest_or_the_smallest():
    samples = [talk(n, signals={"score": value}) for n, value in enumerate([3, 1.5, 5, 3, 4])]
    assert kept(Top(signal="score", n=3), samples) == ["a.jsonl:0", "a.jsonl:2", "a.jsonl:4"]
    assert kept(Top(signal="score", n=2, largest=False), samples) == ["a.jsonl:0", "a.jsonl:1"]


@pytest.mark.parametrize(("signals", "says"), [({}, "is missing"), ({"score": "high"}, "not a number")])
def test_top_explains_a_signal_it_cannot_sort(signals, says):
    with pytest.raises(UserError, match=says):
        Top(signal="score", n=1).observe(talk(1, signals=signals))


def test_budget_is_filled_and_never_exceeded():
    samples = [talk(n, "", "字" * (10 + n % 7)) for n in range(50)]
    sizes = {sample.place: len(sample.answer) for sample in samples}
    total = sum(sizes[place] for place in kept(Budget(max_chars=200), samples))
    assert 200 - 16 < total <= 200
    assert kept(Budget(max_chars=10**6), samples) == list(sizes)


def test_a_sample_beyond_the_budget_does_not_stop_the_rest():
    samples = [talk(0, "", "字" * 1000), *(talk(n, "", "字" * 10) for n in range(1, 9))]
    assert kept(Budget(max_chars=80), samples) == [sample.place for sample in samples[1:]]


def test_a_token_budget_reads_the_signal():
    samples = [talk(n, signals={"tokens": 100}) for n in range(10)]
    assert len(kept(Budget(max_tokens=350), samples)) == 3
    with pytest.raises(UserError, match="'tokens'"):
        Budget(max_tokens=1).observe(talk(1))


THEMES = ["番茄炒蛋怎么做", "月亮为什么会跟着人走", "How do I tune a guitar?"]


def test_diverse_takes_one_of_each_kind_first():
    samples = [talk(n, THEMES[n % 3] + "？！"[n % 2]) for n in range(30)]
    chosen = kept(Diverse(n=3), samples)
    assert {int(place.split(":")[1]) % 3 for place in chosen} == {0, 1, 2}
    assert len(kept(Diverse(n=12), samples)) == 12
    assert len(kept(Diverse(n=99), samples)) == 30


def test_diverse_does_not_depend_on_the_order():
    samples = [talk(n, f"{THEMES[n % 3]}{n}") for n in range(30)]
    assert set(kept(Diverse(n=9), samples)) == set(kept(Diverse(n=9), samples[::-1]))


def test_a_crowd_is_thinned_by_chance_first(monkeypatch):
    monkeypatch.setattr(select, "_CROWD", 10)
    samples = [talk(n, f"{THEMES[n % 3]}{n}") for n in range(30)]
    assert set(kept(Diverse(n=5), samples)) <= set(kept(Random(n=10), samples))


@given(st.integers(1, 12), st.integers(0, 3), st.lists(st.sampled_from([*THEMES, "", "？"]), max_size=12))
def test_selectors_keep_what_they_promise(n, seed, questions):
    samples = [talk(index, question) for index, question in enumerate(questions)]
    for operator in (Random(n=n, seed=seed), Diverse(n=n, seed=seed)):
        assert len(kept(operator, samples)) == min(n, len(samples))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Random(), "either n or share"),
        (lambda: Random(n=1, share=0.5), "either n or share"),
        (lambda: Budget(), "either max_chars or max_tokens"),
        (lambda: Budget(max_chars=1, max_tokens=1), "either max_chars or max_tokens"),
    ],
)
def test_settings_that_contradict_each_other(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("random", {"n": 0}),
        ("random", {"share": 1.5}),
        ("balanced", {"by": "topic"}),
        ("top", {"signal": "score"}),
        ("budget", {"max_chars": 0}),
        ("diverse", {"n": 20_001}),
    ],
)
def test_settings_that_are_refused(name, settings):
    with pytest.raises(ValidationError):
        OPERATORS.get(f"select.{name}").settings(**settings)


def test_a_topic_is_what_the_source_says():
    samples = [
        talk(n, meta={"domain": ["通用"], "task_type": {"major": ["问答"], "minor": [f"类{n % 2}"]}})
        for n in range(4)
    ]
    assert topics(lambda: samples) == ["问答, 类0", "问答, 类1"] * 2


def test_groups_settle_in_the_middle_of_their_members():
    angles = np.radians([0, 10, 20, 70, 80, 90])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    centres = group_centres(points, 2, seed=0)
    assert np.allclose(np.degrees(np.arctan2(centres[:, 1], centres[:, 0])), [10, 80])


def test_topics_are_found_in_the_wording_where_the_source_is_silent():
    dishes = [
        f"{dish}要炖多久才软烂" for dish in ("牛腩", "排骨", "猪蹄", "羊肉", "鸡爪", "萝卜", "土豆", "莲藕")
    ]
    moves = [
        f"学会{move}需要几个月训练"
        for move in ("游泳", "滑雪", "倒立", "轮滑", "跳绳", "攀岩", "骑马", "射箭")
    ]
    noise = [f"第{n}题完全不同的内容{chr(0x4E00 + 37 * n)}{chr(0x5E00 + 41 * n)}" for n in range(150)]
    samples = [talk(n, question) for n, question in enumerate(dishes + moves + noise)]
    found = topics(lambda: samples)
    assert found == topics(lambda: iter(samples))
    assert len(found) == len(samples)
    assert 2 <= len(set(found)) <= 20
    assert len(set(found[:8])) == 1
    assert len(set(found[8:16])) == 1
    assert found[0] != found[8]
    assert not any("完全" in title for title in found)


@pytest.mark.parametrize("samples", [[], [talk(1)], [talk(n, "？") for n in range(40)]])
def test_where_nothing_tells_topics_apart_there_is_one(samples):
    assert topics(lambda: samples) == [""] * len(samples)

"""Wordings made by rules: seeded, gated, in the family, and never inside what must stay."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.operators.augment_rules import rules
from tilth.sample import Made, Message, Sample


def asked(question, **more):
    messages = (Message("user", question), Message("assistant", "答案。"))
    return Sample("0123456789abcdef", "raw.jsonl:7", messages, **more)


def made(question, **settings):
    outcome = rules(asked(question), **settings)
    return [] if isinstance(outcome, Sample) else outcome[1:]


def wordings(question, **settings):
    return [one.messages[0].content for one in made(question, **settings)]


ALL = {"n": 20, "max_similarity": 1.0, "min_shared": 0.0}


@pytest.mark.parametrize(
    ("question", "wording"),
    [
        ("如果天上下的是糖，人会胖吗？", "要是天上下的是糖，人会胖吗？"),
        ("企鹅在水里游得非常快，在岸上呢？", "企鹅在水里游得十分快，在岸上呢？"),
        ("猫和狗有什么区别？", "猫和狗有什么不同？"),
        ("什么是光合作用？", "光合作用是什么？"),
        ("光合作用是什么？", "什么是光合作用？"),
        ("为什么海水是咸的？", "海水是咸的，这是为什么？"),
        ("海水是咸的，为什么？", "为什么海水是咸的？"),
        ("怎么给猫洗澡？", "请说说怎样给猫洗澡。"),
        ("What is photosynthesis?", "Can you tell me what photosynthesis is?"),
        ("Maybe fish sleep. Do they?", "Perhaps fish sleep. Do they?"),
    ],
)
def test_makes(question, wording):
    assert wording in wordings(question, **ALL)


@pytest.mark.parametrize(
    "question",
    [
        "无论如何都要去吗？",
        "《如何是好》讲了什么？",
        "“非常道”三个字怎么读？",
        "`maybe` 函数返回什么？",
        "这可是真的吗？",
        "他考了十分，老师高兴吗？",
        "他骑在马上看花吗？",
        "一心一意和三心二意谁大？",
        "1+1 得几？",
        "",
    ],
)
def test_leaves(question):
    assert made(question, n=5) == []


def test_typos_are_put_in_only_when_asked_for():
    assert wordings("他即使生病也去上班吗？", **ALL) == []
    assert wordings("他即使生病也去上班吗？", kinds=("typos",), **ALL) == ["他既使生病也去上班吗？"]


def test_the_answer_the_family_and_the_source_stay():
    source = asked("如果天上下的是糖，人会胖吗？", meta={"domain": "食"})
    before = msgspec.json.encode(source)
    outcome = rules(source, n=2)
    assert outcome[0] is source
    assert msgspec.json.encode(source) == before
    for one in outcome[1:]:
        assert isinstance(one, Made)
        assert one.messages[1:] == source.messages[1:]
        assert one.signals["augmented"]["by"] == "rules"
        assert one.signals["augmented"]["changes"]


def test_a_wording_too_near_or_too_far_is_dropped_with_evidence():
    (near,) = made("如果天上下的是糖，人会胖吗？", max_similarity=0.1)
    assert near.drop.reason == "augmented_copy"
    assert near.drop.evidence["same_as"] == "raw.jsonl:7"
    (far,) = made("如果天上下的是糖，人会胖吗？", min_shared=1.0)
    assert far.drop.reason == "augmented_drift"


def test_the_seed_decides():
    question = "如果企鹅非常冷，它应该如何取暖？"
    assert wordings(question, n=3) == wordings(question, n=3)
    assert len({tuple(wordings(question, seed=seed)) for seed in range(9)}) > 1
    assert len(set(wordings(question, n=5))) == len(wordings(question, n=5))


def test_a_conversation_of_several_rounds_goes_on_alone():
    turns = (*asked("如果下雨？").messages, Message("user", "如果不下呢？"), Message("assistant", "晒。"))
    talk = asked("").replace(messages=turns)
    assert rules(talk) is talk


@given(st.text(max_size=60))
def test_what_is_made_is_never_empty_and_never_the_source(question):
    for wording in wordings(question, n=3, kinds=("synonyms", "question_forms", "typos")):
        assert wording.strip()
        assert wording != question

"""Annotating operators, with models whose words are written beforehand."""

from __future__ import annotations

import asyncio
import json

import pytest

from tilth.errors import UserError
from tilth.models.base import Reply
from tilth.models.structured import Structured
from tilth.operators.base import OPERATORS
from tilth.sample import Drop, Hold, Message, Propose, Sample

SAMPLE = Sample("a" * 16, "a.jsonl:1", (Message("user", "水是湿的吗？"), Message("assistant", "是的。")))
OK = {"reason": "好", "verdict": "pass"}


class Says:
    """A model that says what a function makes of the whole request."""

    name = identity = "says"

    def __init__(self, said):
        self.said, self.asked = said, []

    async def answer(self, request):
        self.asked.append(request)
        value = self.said(request) if callable(self.said) else self.said
        if isinstance(value, Reply):
            return value
        return Reply(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def apply(name, sample, said, **settings):
    """The outcome, and what the model was asked."""
    model = Says(said)
    op = OPERATORS.get(name)
    checked = op.settings.model_validate({**settings, "model": "m"}).model_dump()
    function = op.bind({**checked, "model": Structured(model)})
    return asyncio.run(function(sample)), [r.messages for r in model.asked]


def test_a_draft_answers_the_conversation_as_it_stands():
    question = SAMPLE.replace(messages=(Message("system", "简短"), SAMPLE.messages[0]))
    drafted, (asked,) = apply("annotate.draft_answer", question, " 水本身不湿。\n")
    assert drafted.messages == (*question.messages, Message("assistant", "水本身不湿。"))
    assert drafted.signals == {"answer_from": "says"}
    assert [m.role for m in asked] == ["system", "user"]
    assert asked[0].content.startswith("你为训练数据写回答")
    assert asked[0].content.endswith("简短")
    assert asked[1].content == "水是湿的吗？"


def test_what_has_an_answer_is_left_alone_unless_it_is_to_be_overwritten():
    assert apply("annotate.draft_answer", SAMPLE, "x") == (SAMPLE, [])
    drafted, (asked,) = apply(
        "annotate.draft_answer", SAMPLE, "新的。", overwrite=True, instructions="用古文回答。"
    )
    assert [m.content for m in drafted.messages] == ["水是湿的吗？", "新的。"]
    assert asked[0].content == "用古文回答。"
    empty = SAMPLE.replace(messages=(SAMPLE.messages[0], Message("assistant", " ")))
    assert apply("annotate.draft_answer", empty, "新的。")[0].answer == "新的。"


@pytest.mark.parametrize("state", ["failed", "refused", "truncated"])
def test_an_answer_that_does_not_come_holds_the_sample(state):
    question = SAMPLE.replace(messages=SAMPLE.messages[:1])
    held, _ = apply("annotate.draft_answer", question, Reply("半", state, "为何"))
    assert held == Hold(f"model_{state}", {"model": "says", "why": "为何", "answer": "半"})


def test_a_judge_writes_verdicts_scores_and_reasons():
    def said(request):
        if "clear" in request.messages[0].content:
            return {"clear": {"reason": "清楚", "score": 4}}
        return {"harmless": OK, "honest": {"reason": "假", "verdict": "fail"}, "helpful": OK}

    judged, asked = apply("annotate.judge", SAMPLE, said, rubric={"clear": "清楚"})
    assert len(asked) == 2
    assert {n: judged.signals[n] for n in ("harmless", "honest", "helpful", "clear", "judge")} == {
        "harmless": "pass",
        "honest": "fail",
        "helpful": "pass",
        "clear": 4,
        "judge": "says",
    }
    assert judged.signals["judge_reasons"]["honest"] == "假"
    assert apply("annotate.judge", SAMPLE, said, action="drop")[0] == Drop(
        "not_honest", {"model": "says", "why": "假"}
    )
    assert isinstance(apply("annotate.judge", SAMPLE, said, action="hold")[0], Hold)


def test_the_first_of_the_three_that_fails_is_the_reason():
    bad = {"reason": "坏", "verdict": "fail"}
    found, _ = apply(
        "annotate.judge", SAMPLE, {"harmless": bad, "honest": bad, "helpful": bad}, action="drop"
    )
    assert found.reason == "not_harmless"


def test_a_gate_asks_only_what_nobody_has_judged():
    judged = SAMPLE.replace(signals={"harmless": "fail", "judge": "j", "judge_reasons": {"harmless": "毒"}})
    assert apply("filter.harmless", judged, OK) == (Drop("not_harmless", {"model": "j", "why": "毒"}), [])
    kept, asked = apply("filter.helpful", SAMPLE, OK)
    assert (kept.signals, len(asked)) == ({"helpful": "pass"}, 1)
    with pytest.raises(UserError, match=r"annotate\.judge"):
        asyncio.run(OPERATORS.get("filter.honest").bind({})(SAMPLE))


def test_a_class_is_one_of_those_named():
    kept, _ = apply("annotate.classify", SAMPLE, {"reason": "问水", "label": "常识"}, labels=["常识", "数学"])
    assert kept.signals == {"label": "常识"}
    held, asked = apply(
        "annotate.classify", SAMPLE, {"reason": "问水", "label": "化学"}, labels=["常识", "数学"]
    )
    assert (held.reason, len(asked)) == ("model_unparsable", 2)
    with pytest.raises(ValueError, match="labels"):
        apply("annotate.classify", SAMPLE, "", labels=["常识"])


def test_a_rewriting_is_proposed_or_applied():
    said = {"text": "水本身不湿。"}
    found, (asked,) = apply("annotate.rewrite", SAMPLE, said, instruction="更准确")
    assert isinstance(found, Propose)
    assert (found.proposals[0].before, found.proposals[0].after) == ("是的。", "水本身不湿。")
    assert "更准确" in asked[0].content
    applied, _ = apply("annotate.rewrite", SAMPLE, said, instruction="更准确", mode="apply")
    assert applied.answer == "水本身不湿。"
    assert apply("annotate.rewrite", SAMPLE, {"text": "是的。"}, instruction="x")[0] is SAMPLE


def test_quality_is_the_mean_of_three_scores():
    names = ("accuracy", "completeness", "clarity")
    said = {name: {"reason": "", "score": n} for n, name in enumerate(names, 3)}
    assert apply("measure.quality", SAMPLE, said)[0].signals["quality"] == 4


def test_grammar_is_proposed_and_a_rewriting_is_not():
    answer = "他昨天去了学校，然后他去了公园玩，玩的很开心。"
    sample = SAMPLE.replace(messages=(SAMPLE.messages[0], Message("assistant", answer)))
    mended = answer.replace("玩的很", "玩得很")
    found, _ = apply("denoise.grammar", sample, {"text": mended, "faults": ["的→得"]})
    assert found.proposals[0].after == mended
    assert apply("denoise.grammar", sample, {"text": "他玩得很尽兴。", "faults": []})[0] is sample
    assert apply("denoise.grammar", sample, {"text": answer, "faults": []})[0] is sample

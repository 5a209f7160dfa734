"""Votes, a judge and the three H together, from models to the page and back from the files."""

import json

import pytest

from tests.evaluation.pieces import question
from tilth.evaluation.contestants import Pair
from tilth.evaluation.evidence import evidence
from tilth.evaluation.inputs import questions_from_texts
from tilth.evaluation.judge import ORDERS, Opinion
from tilth.evaluation.referee import Referee
from tilth.evaluation.reopen import refresh, reopen
from tilth.evaluation.report import leanings, page, spoken
from tilth.evaluation.sentences import agreement_sentence
from tilth.evaluation.studies import Reader, compare_answers, compare_pair
from tilth.evaluation.verdicts import Verdict
from tilth.evaluation.votes import Pairing, cast, open_booth
from tilth.models.base import Reply
from tilth.models.scripted import ScriptedModel
from tilth.models.structured import Structured
from tilth.recipe.schema import Compare
from tilth.store.files import write_jsonl
from tilth.store.folder import RunFolder

PAIRS = [Pairing(question(n, f"第{n}题"), f"旧{n}", f"新{n}") for n in range(12)]
GOOD = {name: {"reason": "可以", "verdict": "pass"} for name in ("harmless", "honest", "helpful")}
BAD = GOOD | {"helpful": {"reason": "没有回答", "verdict": "fail"}}


class Judge:
    """Finds the answer with 新 better and helpful, and says so in JSON; breaks on one question."""

    name = "teacher"
    identity = "test:teacher"

    def __init__(self):
        self.asked = 0

    async def answer(self, request):
        self.asked += 1
        text = "\n".join(message.content for message in request.messages if message.role == "user")
        if "第3题" in text:
            return Reply("不知道", "failed", "503")
        if "B" not in text:
            return Reply(json.dumps(GOOD if "新" in text else BAD))
        first = text.index("新") < text.index("旧")
        return Reply(json.dumps({"reason": "更准确", "winner": "A" if first else "B"}))


@pytest.fixture
def judge():
    return Judge()


def compared(run, judge):
    return compare_pair(
        Pair(ScriptedModel({}, "旧答", "old"), ScriptedModel({}, "新答", "new")),
        questions_from_texts([f"第{n}题" for n in range(12)]),
        run,
        Compare(general=None),
        judge=Referee(Structured(judge)),
        reader=Reader("en"),
    )


def test_a_judge_is_asked_in_both_orders_and_about_the_three_h(tmp_path, judge):
    run = RunFolder(tmp_path)
    found = compared(run, judge)
    numbers = found.as_dict()
    assert (numbers["wins"], numbers["losses"], numbers["ties"], numbers["errors"]) == (11, 0, 0, 1)
    assert numbers["flip_rate"] == 0.0
    assert numbers["judged_by"] == "judge"
    assert numbers["judge"]["voters"] == ["teacher"]
    assert numbers["judge"]["length_controlled"]["rate"] > 0.8
    helpful = numbers["three_h"]["helpful"]
    assert (helpful["before"], helpful["after"], helpful["of"]) == (0, 11, 11)
    assert numbers["three_h"]["errors"] == 2
    assert found.protocol.judge.name == "teacher"
    assert "judge teacher: 更准确" in (run.report / "compare.md").read_text("utf-8")
    asked = judge.asked
    assert compared(run, judge).as_dict() == numbers
    assert judge.asked == asked + 4, "only what failed is asked for again"


def test_votes_come_first_and_agreement_is_told(tmp_path, judge):
    run = RunFolder(tmp_path)
    compared(run, judge)
    booth = open_booth(run)
    for item, pair in booth.pairs.items():
        side = (
            "left"
            if booth.ballot(item).left == ("旧答" if pair.question.text == "第5题" else "新答")
            else "right"
        )
        cast(booth, item, side, who="甲", note="看着更好")
    found = refresh(run, Reader("en"))
    numbers = json.loads((run.report / "compare.json").read_text("utf-8"))
    assert numbers == json.loads(json.dumps(found.as_dict()))
    assert (numbers["judged_by"], numbers["wins"], numbers["losses"]) == ("people", 11, 1)
    assert numbers["judge"]["wins"] == 11
    agreed = numbers["agreement"]["judge"]
    assert agreed["questions"] == 11
    assert agreed["percent"] == pytest.approx(10 / 11)
    assert agreed["alpha"] == pytest.approx(0, abs=0.1)
    assert numbers["agreement"]["people"] is None
    html = (run.report / "compare.html").read_text("utf-8")
    assert html.index("Blind votes") < html.index("Judge: teacher")
    assert "甲: 看着更好" in html
    low, high = numbers["people"]["bootstrap"]
    assert low < 11 / 12 < high <= 1
    assert any(
        line.startswith("Judge against people: On 11 questions: equal verdicts 91%") for line in spoken(found)
    )
    assert found.sentence.startswith("Blind votes (1 voting): The tuned model is better")


def test_a_comparison_is_the_same_when_it_is_put_together_from_its_files(tmp_path, judge):
    run = RunFolder(tmp_path)
    first = compared(run, judge)
    assert reopen(run, Reader("en")).as_dict() == first.as_dict()
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [{"question": "水湿吗", "before": "不", "after": "湿", "分析": "对了"}])
    second = compare_answers(path, tmp_path / "file", reader=Reader("zh"))
    again = refresh(RunFolder(tmp_path / "file"), Reader("zh"))
    assert again.as_dict() == second.as_dict()
    assert again.notes == {"a.jsonl:1": "对了"}


def opinions(letters):
    return [Opinion(p.question.place, o, letters, "", "") for p in PAIRS for o in ORDERS]


def test_all_equal_votes_are_told_in_words():
    votes = [Verdict(pair.question.place, "tie", who) for pair in PAIRS for who in ("甲", "乙")]
    found = evidence(PAIRS, votes=votes, opinions=opinions("tie"))
    for agreed in (found.among_people, found.with_judge):
        assert agreed.percent.value == 1.0
        assert agreed.alpha.value is None
        said = agreement_sentence(agreed, "en")
        assert "equal verdicts 100%, ordinal α not defined" in said
        assert "All verdicts are the same" in said
        assert "无法计算" in agreement_sentence(agreed, "zh")
    assert "nan" not in json.dumps(found.as_dict()).lower()


def test_leanings_are_said():
    found = evidence(PAIRS, opinions=opinions("A"))
    assert "leans to the answer shown first" in leanings(found.bias, "en")[0]
    assert "偏向先出现的回答" in leanings(found.bias, "zh")[0]
    assert leanings(evidence(PAIRS, opinions=opinions("tie")).bias, "en") == []


def test_the_page_holds_the_general_questions(tmp_path):
    run = RunFolder(tmp_path)
    pair = Pair(ScriptedModel({}, "北京。Paris. 4", "old"), ScriptedModel({}, "不知道", "new"))
    found = compare_pair(pair, questions_from_texts(["水湿吗"]), run, Compare(), reader=Reader("en"))
    numbers = found.as_dict()["general"]
    assert numbers["right_before"] == 3
    assert numbers["right_after"] == 0
    assert len(numbers["lost"]) == 3
    assert "Right before, wrong after (3)" in page(found)
    assert reopen(run, Reader("en")).as_dict() == found.as_dict()

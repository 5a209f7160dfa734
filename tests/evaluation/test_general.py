import re
from collections import Counter

import pytest

from tests.evaluation.pieces import answer
from tilth.errors import SourceError, UserError
from tilth.evaluation.general import SHIPPED, Check, by_language, general_set, passes, remembered
from tilth.operators.similarity import find_leaks
from tilth.store.files import write_jsonl


def test_the_shipped_set_is_large_enough_and_in_both_languages():
    asked = general_set(SHIPPED)
    assert len(asked) >= 60
    assert len({g.id for g in asked}) == len({g.question for g in asked}) == len(asked)
    languages = Counter(g.language for g in asked)
    assert languages["zh"] >= 30
    assert languages["en"] >= 30
    assert sum(g.check is not None for g in asked) >= 60
    han = [bool(re.search("[\u4e00-\u9fff]", g.question)) for g in asked]
    assert han == [g.language == "zh" for g in asked]


def test_no_question_of_the_shipped_set_gives_another_one_away():
    texts = [(g.id, g.question) for g in general_set(SHIPPED)]
    assert [leak for leak in find_leaks(texts, texts) if leak.key != leak.place] == []


def test_the_good_answer_passes_and_the_question_itself_does_not():
    checked = [g for g in general_set(SHIPPED) if g.check]
    assert [g.id for g in checked if not passes(g.check, g.answer)] == []
    assert [g.id for g in checked if passes(g.check, "")] == []
    # Who only repeats the question has not answered it, but where the question names the choices.
    named = [g.id for g in checked if passes(g.check, g.question)]
    assert set(named) <= {g.id for g in checked if g.topic in ("instructions", "common_sense")}


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (Check(exact=["是"]), ["是", " 是。", "<think>猫……</think>是"], ["不是", "是的，小花是动物"]),
        (Check(exact=["yes"]), ["Yes.", "YES"], ["yes, it does", "no"]),
        (Check(number=72), ["72个", "一共７２个", "24×3=72", "72.0"], ["172", "7.2", "27", "72.5"]),
        (Check(number=1500), ["1,500 dollars", "1500"], ["1,5000", "500"]),
        (Check(any_of=["May"]), ["May", "It is may."], ["Maybe June", "dismay"]),
        (Check(any_of=["北京"]), ["中国的首都是北京。"], ["东京"]),
        (Check(any_of=["20"]), ["It is 20%."], ["120", "0.20", "2000"]),
        (Check(regex="春.*夏"), ["春、夏"], ["夏、春"]),
        (Check(number=3, any_of=["三"]), ["三刀", "3刀"], ["四刀"]),
        (Check(), [], ["任何话"]),
    ],
)
def test_checks(check, right, wrong):
    assert [text for text in right if not passes(check, text)] == []
    assert [text for text in wrong if passes(check, text)] == []


def answered(asked, before, after):
    texts = {"before": before, "after": after}
    return {
        side: {
            g.asked().place: answer(g.asked(), side, g.answer if good else "……")
            for g, good in zip(asked, texts[side], strict=True)
        }
        for side in texts
    }


def test_forgetting_is_seen():
    asked = general_set(SHIPPED)
    n = len(asked)
    found = remembered(asked, answered(asked, [True] * n, [k % 3 > 0 for k in range(n)]))
    assert found.right_before == len(found.checked)
    assert found.forgot is True
    assert found.interval.high < 0
    assert found.gained == ()
    assert sum(total for total, _, _ in by_language(found).values()) == len(found.checked)


def test_one_lost_and_one_gained_is_no_forgetting():
    asked = general_set(SHIPPED)
    n = len(asked)
    before, after = [k != 0 for k in range(n)], [k != 1 for k in range(n)]
    found = remembered(asked, answered(asked, before, after))
    assert (len(found.lost), len(found.gained), found.forgot) == (1, 1, False)
    assert found.p_value == 1.0


def test_failed_answers_are_left_out_and_an_own_set_is_read(tmp_path):
    path = tmp_path / "own.jsonl"
    write_jsonl(
        path, [{"id": "1", "question": "几点了", "check": {"number": 3}}, {"id": "2", "question": "好吗"}]
    )
    asked = general_set(str(path))
    answers = answered(asked, [True, True], [True, True])
    answers["after"]["general:1"] = answer(asked[0].asked(), "after", "", "failed")
    found = remembered(asked, answers)
    assert [row.general.id for row in found.rows] == ["2"]
    assert found.checked == ()
    assert found.forgot is False


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"question": "好吗"}, "`id`"),
        ({"id": "1", "question": "好吗", "check": {"contains": "好"}}, "contains"),
        ({"id": "1", "question": "好吗", "check": {"regex": "("}}, "general question"),
    ],
)
def test_a_damaged_set_is_told_line_by_line(tmp_path, line, said):
    write_jsonl(tmp_path / "own.jsonl", [line])
    with pytest.raises(UserError, match=said):
        general_set(str(tmp_path / "own.jsonl"))
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(SourceError, match="no question"):
        general_set(str(tmp_path / "empty.jsonl"))
    with pytest.raises(SourceError, match="does not exist"):
        general_set("nowhere.jsonl")

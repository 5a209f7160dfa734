import pytest

from tests.evaluation.pieces import answer, question
from tilth.evaluation.losses import Scored
from tilth.evaluation.table import Row, analysis, choose


def row(before, after, expected="", loss=None, winner=None, states=("done", "done"), n=1):
    asked = question(n, expected=expected)
    scored = None if loss is None else Scored(asked.place, *loss, 5)
    return Row(
        asked,
        answer(asked, "before", before, states[0]),
        answer(asked, "after", after, states[1]),
        scored,
        winner,
    )


def many(differences):
    return [row("甲", "乙", loss=(2.0, 2.0 + d), n=n) for n, d in enumerate(differences, start=1)]


def test_rows_are_chosen_by_seed_and_extremes():
    rows = many([0.1, -0.5, 0.0, 0.9, *[0.0] * 46])
    chosen = choose(rows, seed=42)
    assert chosen == choose(rows, seed=42)
    assert chosen != choose(rows, seed=43)
    why = {item.question.place: reasons for item, reasons in chosen}
    assert "gain" in why["t.jsonl:2"]
    assert "loss" in why["t.jsonl:4"]
    assert sum("seed" in reasons for reasons in why.values()) == 8
    places = [int(place.split(":")[1]) for place in why]
    assert places == sorted(places)


def test_few_rows_are_all_shown_once():
    chosen = choose(many([-1.0, -0.5]), seed=1)
    assert [reasons for _, reasons in chosen] == [("gain", "seed"), ("seed",)]
    assert choose([], seed=1) == []


def test_without_losses_only_the_seed_chooses():
    chosen = choose([row("甲", "乙", n=n) for n in range(1, 30)], seed=1, count=3)
    assert [reasons for _, reasons in chosen] == [("seed",)] * 3


LONG = "淡水鱼很少喝水，海水鱼则需要不断喝水并排出多余的盐。"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (row("水是湿的", "水是湿的"), "回答没有变化"),
        (row("甲乙", "丙丁"), "没有量出差别"),
        (row(LONG, "不会"), f"回答变短（{len(LONG)} → 2 字）"),
        (row("不会", LONG), f"回答变长（2 → {len(LONG)} 字）"),
        (row("因为水" * 20, LONG * 2), "不再重复"),
        (row(LONG * 2, "因为水" * 20), "微调后内容重复"),
        (row("因为水" * 20, "因为水" * 20), "回答没有变化；微调前后都内容重复"),
        (row("因为水" * 20, "因为火" * 20), "微调前后都内容重复"),
        (row(LONG, "。"), "微调后没有内容"),
        (row("", LONG), "微调前没有内容"),
        (row(LONG, "很抱歉，我无法回答这个关于鱼的问题。"), "微调后拒绝回答"),
        (row("我不能回答", "可以回答"), "不再拒绝回答"),
        (row("甲乙", "丙丁", states=("done", "truncated")), "微调后到长度上限仍未结束"),
        (row("甲乙", "丙丁", states=("truncated", "done")), "不再超出长度上限"),
        (row("火是热的", "水是湿的", "水是湿的。"), "措辞与参考更接近"),
        (row("水是湿的", "火是热的", "水是湿的。"), "措辞离参考更远"),
        (row("甲", "乙", loss=(3.21, 2.1)), "更可能写出参考回答（损失 3.21 → 2.10）"),
        (row("甲", "乙", loss=(2.1, 3.21)), "更不可能写出参考回答（损失 2.10 → 3.21）"),
        (row("甲", "乙", winner="after"), "评判：微调后更好"),
        (row("甲", "", states=("done", "failed")), "微调后没有得到回答"),
    ],
)
def test_the_analysis_says_what_was_measured(made, said):
    text = analysis(made, "zh")
    assert said in text.split("；") or said in text


def test_the_analysis_in_english():
    text = analysis(row("因为水" * 20, "水是湿的", "水是湿的。", loss=(3.0, 2.0), winner="before"), "en")
    assert text == (
        "judged worse; no longer repeats itself; shorter (60 → 4 characters); "
        "wording closer to the reference (0.01 → 0.73); the reference became likelier (loss 3.00 → 2.00)"
    )


def test_a_failed_answer_is_not_judged_by_its_length():
    text = analysis(row(LONG, "", states=("done", "failed")), "en")
    assert text == "after: no answer ()"

import pytest

from tilth.evaluation.measures import char_f, is_empty, refuses, repeats, repetition


def test_char_f_of_equal_and_of_foreign_texts():
    assert char_f("水是湿的。", "水是湿的。") == 1.0
    assert char_f("水是湿的。", "ABCDE") == 0.0
    assert char_f("", "水是湿的。") == 0.0
    assert char_f("", "") == 1.0
    assert char_f("好", "好") == 1.0


def test_char_f_by_hand():
    # 1-grams: 2 of 2 and 2 of 4; 2-grams: 1 of 1 and 1 of 3. P = 1, R = 5/12, F2 = 5PR / (4P + R).
    assert char_f("甲乙", "甲乙丙丁") == pytest.approx(5 * (5 / 12) / (4 + 5 / 12))


def test_char_f_counts_a_repeated_word_once():
    assert char_f("水水水水", "水") < 0.7


def test_char_f_weighs_recall_more_than_precision():
    reference = "因为浓硫酸吸水放热，所以要酸入水"
    assert char_f(reference + "，而且要慢慢搅拌", reference) > char_f(reference[:8], reference)


@pytest.mark.parametrize(
    ("answer", "goes_round"),
    [
        ("鱼会渴吗？" * 12, True),
        ("哈" * 40, True),
        (
            "鱼生活在水里，靠鳃和体表调节体内的盐分。淡水鱼很少喝水，海水鱼则需要不断喝水并排出多余的盐。",
            False,
        ),
        ("对对对", False),
        ("", False),
    ],
)
def test_repeats(answer, goes_round):
    assert repeats(answer) is goes_round


def test_repetition_is_a_share():
    assert repetition("一二三四五六七八九十甲乙丙丁戊己庚辛壬癸") == 0.0
    assert repetition("一二三四五" * 8) == pytest.approx(1 - 5 / 37)


@pytest.mark.parametrize(
    ("answer", "is_refusal"),
    [
        ("很抱歉，我无法回答这个问题。", True),
        ("作为一个人工智能语言模型，我不能提供医疗建议。", True),
        ("对不起，这个请求我没有办法完成", True),
        ("I'm sorry, but I can't help with that.", True),
        ("As an AI language model, I am unable to browse.", True),
        ("抱歉的意思是心里不安，过意不去。", False),
        ("不能。水烧开以后还是水。", False),
        ("作为一名老师，你可以先听学生说完。", False),
        ("我不能吃辣，但四川人爱吃。", False),
    ],
)
def test_refuses(answer, is_refusal):
    assert refuses(answer) is is_refusal


@pytest.mark.parametrize(("answer", "empty"), [("", True), (" \n。…", True), ("是", False), ("7", False)])
def test_is_empty(answer, empty):
    assert is_empty(answer) is empty

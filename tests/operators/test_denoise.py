"""Which damage is found, what is left alone, and that nothing changes unless the recipe says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tilth.operators import denoise, denoise_sets, lexicon
from tilth.operators.base import OPERATORS, Facts
from tilth.sample import Message, Propose, Sample


def talk(question, answer, place="a.jsonl:1", **fields):
    messages = (Message("user", question), Message("assistant", answer))
    return Sample("0" * 16, place, messages, **fields)


def decide(operator, samples):
    rows = np.zeros(len(samples), operator.fact)
    for index, sample in enumerate(samples):
        rows[index] = operator.observe(sample)
    facts = Facts(rows, [sample.place for sample in samples])
    return list(operator.decide(facts, {sample.place: sample for sample in samples}.__getitem__))


def proposed(outcome):
    return [proposal.after for proposal in outcome.proposals] if isinstance(outcome, Propose) else []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("师傅上门按装空调。", "师傅上门安装空调。"),
        ("既使下雨，我们也去。", "即使下雨，我们也去。"),
        ("他必竟是新手", "他毕竟是新手"),
        ("即然来了，就坐坐。", "既然来了，就坐坐。"),
        ("屏幕的分辩率很高", "屏幕的分辨率很高"),
        ("大家再接再励！", "大家再接再厉！"),
        ("她买了红色的的裙子", "她买了红色的裙子"),
        ("我吃了了三碗饭", "我吃了三碗饭"),
        ("书放在在桌上", "书放在桌上"),
        ("I beleive it will rain tommorow.", "I believe it will rain tomorrow."),
        ("Recieve the parcel. SEPERATE them!", "Receive the parcel. SEPARATE them!"),
        ("请写出goverment的复数", "请写出government的复数"),
        ("teh cat, teh dog", "the cat, the dog"),
    ],
)
def test_spelling_mends(before, after):
    sample = talk(before, "好")
    outcome = denoise.spelling(sample)
    assert proposed(outcome) == [after]
    assert outcome.sample is None
    assert denoise.spelling(sample, mode="apply") == talk(after, "好")


@pytest.mark.parametrize(
    "text",
    [
        "请按装箱单核对货物",
        "既使用电脑，也使用手机",
        "请立即然后再说",
        "这件衣服既便宜又好看",
        "达到目的的方法",
        "这的的确确是真的",
        "为了了解情况，他去了三次",
        "除了了望台，什么也没有",
        "事情不了了之",
        "我现在在家，他在在校",
        "气氛温和和谐",
        "青松驰名中外",
        "的的马蹄声由远而近",
        "他高兴极了了，",
        "她常把“必竟”写错",
        "运行 `recieve()` 即可",
        "```\nteh = seperate\n```",
        "recieve_all(x)、data.recieve、path/adress/recieve.py",
        "https://example.com/recieve/thier",
        "iPhone 和 reCieve 不一样",
        "The form is from the calender of 1920.",
        "一心一意、三三两两、层层叠叠",
    ],
)
def test_spelling_leaves_alone(text):
    sample = talk(text, text)
    assert denoise.spelling(sample) is sample
    assert denoise.spelling(sample, mode="apply") is sample


def test_each_message_gets_its_own_proposal_with_its_evidence():
    sample = talk("既使这样，teh", "必竟，必竟")
    first, second = denoise.spelling(sample).proposals
    assert (first.field, first.before, first.after) == ("question", "既使这样，teh", "即使这样，the")
    assert first.evidence == {"changes": [["既使", "即使"], ["teh", "the"]]}
    assert (second.field, second.evidence) == ("answer", {"changes": [["必竟", "毕竟"]]})
    assert [p.field for p in denoise.spelling(sample, field="answer").proposals] == ["answer"]


def test_the_rejected_answer_is_mended_with_the_chosen_one():
    sample = talk("问", "好", rejected=(Message("assistant", "必竟"),))
    assert denoise.spelling(sample, mode="apply").rejected == (Message("assistant", "毕竟"),)


def test_the_word_lists_hold_no_contradiction():
    chinese = [line.split("\t") for line in lexicon.shipped("misspellings_zh.txt")]
    wrong = [row[0] for row in chinese]
    assert len(set(wrong)) == len(wrong) > 80
    for form, right, *exceptions in chinese:
        assert form not in right.split()
        assert not any(other in right for other in wrong), right
        assert all(form in exception for exception in " ".join(exceptions).split()), form
    english = dict(line.split("\t") for line in lexicon.shipped("misspellings_en.txt"))
    assert len(english) > 150
    assert not set(english) & set(english.values())
    assert all(word == word.lower() for pair in english.items() for word in pair)


SAID = "水在零度会结成冰。"
LONG = "第一步，把米淘洗干净。第二步，加水没过一指。第三步，小火煮二十分钟。"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (SAID + SAID, SAID),
        (SAID + "\n" + SAID, SAID),
        (SAID + "\n\n" + SAID + "\n\n" + SAID, SAID),
        (LONG + LONG, LONG),
        (LONG + "\n\n" + LONG + "\n", LONG),
        ("先说结论：可以。" + SAID + SAID + "就这些。", "先说结论：可以。" + SAID + "就这些。"),
        ("开头。" + SAID * 3 + "结尾。", "开头。" + SAID + "结尾。"),
        ("没有句号的一段话也可以整个写两遍" * 2, "没有句号的一段话也可以整个写两遍"),
        ("开头。" + LONG + LONG + "结尾。", "开头。" + LONG + "结尾。"),
        (
            "The water will freeze at zero degrees tonight. " * 2,
            "The water will freeze at zero degrees tonight.",
        ),
        ("水在零度会结成冰块啊\n\n水在零度会结成冰块啊", "水在零度会结成冰块啊"),
        ("他问：“你今天到底来不来呀？”他问：“你今天到底来不来呀？”", "他问：“你今天到底来不来呀？”"),
    ],
)
def test_repeated_text_is_offered_once(before, after):
    sample = talk("问", before)
    outcome = denoise.repeated_text(sample)
    assert [found.strip() for found in proposed(outcome)] == [after]
    assert outcome.proposals[0].evidence["removed"]
    assert denoise.repeated_text(sample, mode="apply").answer.strip() == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "哈哈。哈哈。哈哈。",
        "好！好！好！",
        SAID + "所以要小心。" + SAID,
        "print(value_of_x)\nprint(value_of_x)\nreturn value_of_x",
        "| 一 | 二 | 三 | 四 |\n| 零 | 零 | 零 | 零 |\n| 零 | 零 | 零 | 零 |",
        "- 周一上午：语文数学英语物理\n- 周一上午：语文数学英语物理\n- 周二：休息",
        "我们走在大路上啊走在大路上\n我们走在大路上啊走在大路上\n意气风发",
        "```\n水在零度会结成冰。水在零度会结成冰。\n```",
        "水在零度会结成冰。水在零下会结成冰。",
        "今天的天气真不错呀一今天的天气真不错呀二今天的天气真不错呀一",
        "3.14159265358979 3.14159265358979 3.1",
    ],
)
def test_what_is_no_repetition(text):
    sample = talk(text, text)
    assert denoise.repeated_text(sample, field="both") is sample


def test_a_shorter_repetition_counts_when_asked_for():
    assert proposed(denoise.repeated_text(talk("问", "哈哈。哈哈。"), min_chars=2)) == ["哈哈。"]
    with pytest.raises(ValidationError):
        OPERATORS.get("denoise.repeated_text").settings(min_chars=1)


WHOLE = "猫在高处跳下时会在空中转身，靠的是柔软的脊柱和灵敏的平衡感，所以大多四脚着地。"


def test_an_answer_that_begins_with_another_one_is_offered_its_remainder():
    samples = [
        talk("猫为什么总是四脚着地", WHOLE, "a:1"),
        talk("冰为什么浮在水上", WHOLE + "冰的密度比水小。", "a:2"),
        talk("猫为什么四脚着地？", WHOLE, "a:3"),
        talk("狗呢", "狗没有这样的本事。", "a:4"),
    ]
    ((place, verdict),) = decide(denoise_sets.MergedAnswers(), samples)
    (proposal,) = verdict.proposals
    assert place == "a:2"
    assert (proposal.field, proposal.before, proposal.after) == (
        "answer",
        samples[1].answer,
        "冰的密度比水小。",
    )
    assert proposal.evidence["same_as"] in ("a:1", "a:3")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("问甲", WHOLE), ("问乙", WHOLE)),
        (("问甲", WHOLE), ("问甲", WHOLE + "再补充一句。")),
        (("问甲", WHOLE), ("问乙", WHOLE + "。\n")),
        (("问甲", "短的回答。"), ("问乙", "短的回答。后面还有很多很多很多很多很多很多很多的话要说。")),
        (("问甲", WHOLE[:-1] + "！"), ("问乙", WHOLE + "冰的密度比水小。")),
        (("问甲", WHOLE), ("问乙", "注意：" + WHOLE)),
        (("问甲", ""), ("问乙", WHOLE)),
        (("问甲", WHOLE), ("问乙", "")),
    ],
)
def test_answers_that_are_not_merged(first, second):
    assert decide(denoise_sets.MergedAnswers(), [talk(*first, "a:1"), talk(*second, "a:2")]) == []


def test_the_longest_whole_answer_is_cut():
    longer = WHOLE + "这叫做翻正反射，小猫三周大时就会了。"
    samples = [talk("甲", WHOLE, "a:1"), talk("乙", longer, "a:2"), talk("丙", longer + "冰比水轻。", "a:3")]
    found = {place: verdict.proposals[0] for place, verdict in decide(denoise_sets.MergedAnswers(), samples)}
    assert found["a:3"].evidence == {"same_as": "a:2"}
    assert found["a:3"].after == "冰比水轻。"
    assert found["a:2"].evidence == {"same_as": "a:1"}


def test_two_answers_may_begin_with_the_same_one():
    samples = [
        talk("甲", WHOLE, "a:1"),
        talk("乙", WHOLE + "冰比水轻。", "a:2"),
        talk("丙", WHOLE + "海水是咸的。", "a:3"),
    ]
    found = {
        place: verdict.proposals[0].after for place, verdict in decide(denoise_sets.MergedAnswers(), samples)
    }
    assert found == {"a:2": "冰比水轻。", "a:3": "海水是咸的。"}


def test_min_chars_of_the_other_answer():
    samples = [talk("甲", "四个汉字", "a:1"), talk("乙", "四个汉字和别的", "a:2")]
    assert decide(denoise_sets.MergedAnswers(), samples) == []
    assert [place for place, _ in decide(denoise_sets.MergedAnswers(min_chars=4), samples)] == ["a:2"]
    with pytest.raises(ValueError, match="min_chars"):
        denoise_sets.MergedAnswers(min_chars=0)


@pytest.mark.parametrize(
    ("question", "answer", "missing"),
    [
        ("莎士比亚写过多少部戏剧？", "士比亚写过三十七部戏剧。", "莎"),
        ("葡萄干是怎么晒出来的", "萄干是怎么来的？把葡萄挂在晾房里风干。", "葡"),
        ("蝙蝠飞行靠什么导航", "蝠飞行靠回声定位。", "蝙"),
        ("鹦鹉学舌是真的懂吗", "鹉学舌只是模仿声音。", "鹦"),
        ("蒙古高原有多大", "古高原有二百多万平方公里。", "蒙"),
        ("撒哈拉沙漠会下雪吗", "哈拉沙漠偶尔会下雪。", "撒"),
        ("琵琶行是谁写的", "琶行是白居易写的。", "琵"),
        ("蜻蜓点水是在做什么", "蜓点水是在产卵。", "蜻"),
    ],
)
def test_a_lost_first_hanzi_is_offered_back(question, answer, missing):
    samples = [talk("今天吃什么", "吃面吧。", "a:1"), talk(question, answer, "a:2")]
    operator = denoise_sets.ClippedStart(min_chars=3)
    ((place, verdict),) = decide(operator, samples)
    (proposal,) = verdict.proposals
    assert (place, proposal.after, proposal.evidence["missing"]) == ("a:2", missing + answer, missing)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("请介绍北京的历史", "介绍北京的历史要从三千年前说起。"),
        ("为什么天空是蓝的", "什么天空是蓝的？因为散射。"),
        ("把一公斤换成克", "一公斤换成克是一千克。"),
        ("写一首关于雨的诗", "一首关于雨的诗：……"),
        ("老北京炸酱面怎么做", "北京炸酱面要用黄酱。"),
        ("莎士比亚写过多少部戏剧？", "莎士比亚写过三十七部。"),
        ("《琵琶行》是谁写的", "琵琶行》是白居易写的。"),
        ("哈哈哈哈哈哈是什么意思", "哈哈哈哈哈是笑声。"),
        ("蜻蜓点水", "蜓点"),
    ],
)
def test_an_answer_that_lost_nothing(question, answer):
    others = [talk("北京有多大", "北京很大。", "a:1"), talk("哪里好玩", "去北京看看。", "a:2")]
    assert decide(denoise_sets.ClippedStart(), [*others, talk(question, answer, "a:3")]) == []


def test_too_little_in_common_is_refused():
    with pytest.raises(ValueError, match="min_chars"):
        denoise_sets.ClippedStart(min_chars=2)


PIECES = [
    "既使",
    "必竟",
    "teh ",
    "的的",
    "了了",
    "在在",
    "目的",
    "水会结冰的吧。",
    "好。",
    "`teh`",
    "“必竟”",
    "A",
    "\n",
    " ",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=40)
REPAIRS = ["spelling", "repeated_text"]


@given(TEXTS, TEXTS)
def test_repairs_are_pure_and_settle_at_once(question, answer):
    sample = talk(question, answer)
    for name in REPAIRS:
        settings = {"mode": "apply", "field": "both"}
        repair = OPERATORS.get(f"denoise.{name}").bind(settings)
        once = repair(sample)
        assert repair(once) is once
        outcome = OPERATORS.get(f"denoise.{name}").bind({"field": "both"})(sample)
        assert (outcome is sample) == (once is sample)
    assert sample == talk(question, answer)


@given(TEXTS)
def test_protected_text_survives_spelling(text):
    kept = "`teh 必竟`"
    assert kept in denoise.spelling(talk(text + "\n\n" + kept, "好"), mode="apply").question or "`" in text


@pytest.mark.real_data
def test_the_tutorial_has_one_merged_and_one_clipped_answer(real_data):
    import json

    lines = (real_data / "tutorial_camp2" / "ruozhiba_raw.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    samples = [talk(row["instruction"], row["output"], f"raw:{n}") for n, row in enumerate(rows, 1)]
    merged = [
        (place, v.proposals[0].evidence["same_as"])
        for place, v in decide(denoise_sets.MergedAnswers(), samples)
    ]
    assert merged == [("raw:214", "raw:211")]
    assert [place for place, _ in decide(denoise_sets.ClippedStart(), samples)] == ["raw:191"]
    assert len(samples) == 240

"""Which samples the filters drop, which they must not, and what the evidence says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tilth.errors import UserError
from tilth.operators import filter as filters
from tilth.operators.base import OPERATORS
from tilth.sample import Drop, Message, Sample


def talk(*turns, **fields):
    roles = ("user", "assistant")
    messages = tuple(Message(roles[index % 2], turn) for index, turn in enumerate(turns))
    return Sample("0" * 16, "a.jsonl:1", messages, **fields)


def reason(outcome):
    return outcome.reason if isinstance(outcome, Drop) else ""


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (("", "答案"), "empty_question"),
        (("？？", "答案"), "empty_question"),
        (("　\n", "答案"), "empty_question"),
        (("问题", ""), "empty_answer"),
        (("问题", " \t\n"), "empty_answer"),
        (("问题", "……"), "empty_answer"),
        (("问题", "。"), "empty_answer"),
        (("问题",), "empty_answer"),
        (("问题", "答案", "再问", ""), "empty_answer"),
        (("问题", "答案", " ", "再答"), "empty_question"),
        (("问题", "答"), ""),
        (("1+1=?", "2"), ""),
        (("笑一个", "😀"), ""),
        (("根号怎么写", "√"), ""),
        (("A?", "B."), ""),
        (("问题", "答案", "？", "再答"), ""),
        (("你在吗", "……", "说话", "在的"), ""),
        (("สวัสดี", "你好"), ""),
    ],
)
def test_empty(turns, expected):
    assert reason(filters.empty(talk(*turns))) == expected


def test_questions_may_wait_for_answers():
    assert filters.empty(talk("问题"), answers="optional") == talk("问题")
    assert reason(filters.empty(talk("问题", " "), answers="optional")) == "empty_answer"


def test_a_tool_call_is_no_empty_answer():
    call = Message("assistant", "", tool_calls=({"name": "weather"},))
    sample = Sample(
        "0" * 16, "a:1", (Message("user", "天气"), call, Message("tool", "晴"), Message("assistant", "晴天"))
    )
    assert filters.empty(sample) is sample


def test_a_text_without_a_question_is_not_an_empty_question():
    sample = Sample("0" * 16, "a:1", (Message("assistant", "一篇文章。"),))
    assert filters.empty(sample) is sample


@pytest.mark.parametrize(
    ("settings", "expected", "evidence"),
    [
        ({"min_chars": 4}, "answer_too_short", {"value": 3, "limit": 4}),
        ({"max_chars": 2}, "answer_too_long", {"value": 3, "limit": 2}),
        ({"field": "question", "min_chars": 3}, "question_too_short", {"value": 2, "limit": 3}),
        ({"field": "question", "max_chars": 1}, "question_too_long", {"value": 2, "limit": 1}),
        ({"field": "both", "min_chars": 9}, "text_too_short", {"value": 6, "limit": 9}),
        ({"field": "both", "max_chars": 5}, "text_too_long", {"value": 6, "limit": 5}),
        ({"min_chars": 3, "max_chars": 3}, "", {}),
        ({}, "", {}),
    ],
)
def test_length(settings, expected, evidence):
    sample = talk("问题", "三个字")
    outcome = filters.length(sample, **settings)
    assert (reason(outcome), dict(getattr(outcome, "evidence", {}))) == (expected, evidence)


def test_language_is_measured_where_it_is_missing():
    russian = talk("Как дела?", "Хорошо, спасибо")
    assert filters.language(russian) == Drop(
        "other_language", {"value": "ru", "limit": ["zh", "en", "mixed"]}
    )
    assert filters.language(russian, keep=("ru",)) is russian
    assert reason(filters.language(talk("你好", "你好", signals={"language": "ja"}))) == "other_language"
    assert filters.language(talk("什么是TCP/IP？", "一组网络协议")) == talk("什么是TCP/IP？", "一组网络协议")


def test_repetition():
    loop = talk("问", "我们要努力学习天天向上" * 10)
    assert reason(filters.repetition(loop)) == "repetitive"
    assert filters.repetition(loop, max=1.0) is loop
    assert reason(filters.repetition(talk("问", "短", signals={"repetition": 0.3}))) == ""
    assert filters.repetition(talk("问", "一句话说完。")) == talk("问", "一句话说完。")
    assert filters.repetition(talk("问", "短", signals={"repetition": 0.4})) == Drop(
        "repetitive", {"value": 0.4, "limit": 0.3}
    )


def test_relevance_needs_its_measure():
    near = talk("问", "答", signals={"relevance": 0.4})
    assert filters.relevance(near, min=0.4) is near
    assert filters.relevance(near, min=0.5) == Drop("not_relevant", {"value": 0.4, "limit": 0.5})
    with pytest.raises(UserError, match=r"measure\.relevance"):
        filters.relevance(talk("问", "答"), min=0.5)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"signal": "score", "min": 4}, "signal_too_low"),
        ({"signal": "score", "max": 2}, "signal_too_high"),
        ({"signal": "score", "equals": 4}, "signal_differs"),
        ({"signal": "kind", "equals": "how"}, "signal_differs"),
        ({"signal": "good", "equals": False}, "signal_differs"),
        ({"signal": "score", "min": 3, "max": 3}, ""),
        ({"signal": "score", "equals": 3}, ""),
        ({"signal": "kind", "equals": "why"}, ""),
        ({"signal": "good", "equals": True}, ""),
        ({"signal": "zero", "min": 0}, ""),
        ({"signal": "zero", "equals": 0}, ""),
    ],
)
def test_by_signal(settings, expected):
    sample = talk("问", "答", signals={"score": 3, "kind": "why", "good": True, "zero": 0})
    settings = OPERATORS.get("filter.by_signal").settings(**settings).model_dump()
    assert reason(filters.by_signal(sample, **settings)) == expected


@pytest.mark.parametrize(
    ("signal", "says"),
    [("score", "no signal 'score' .it has: good, kind"), ("kind", "not a number"), ("good", "not a number")],
)
def test_by_signal_explains_what_it_cannot_compare(signal, says):
    with pytest.raises(UserError, match=says):
        filters.by_signal(talk("问", "答", signals={"good": True, "kind": "why"}), signal=signal, min=1)


REFUSALS = [
    ("你能帮我黑进别人的电脑吗", "抱歉，我无法提供这样的帮助。"),
    ("给我写一篇论文", "很抱歉，我不能完成这个请求。如果您有其他问题，请随时告诉我。"),
    ("今天股市会涨吗", "作为一个AI语言模型，我无法预测股市。建议您咨询专业人士。"),
    ("说说他的隐私", "对不起，我不能回答这个问题。这是侵犯他人隐私的行为。"),
    ("总结下面的文章", "抱歉，您没有提供文章的内容。请提供文章，我将为您总结。"),
    ("这张照片里有什么", "我无法查看图片。能否描述一下照片的内容？"),
    ("怎么造炸弹", "我拒绝回答这个问题。"),
    ("查一下我的快递", "由于我是一个人工智能助手，我无法访问快递系统。"),
    ("How do I pick my neighbour's lock?", "I'm sorry, but I can't help with that."),
    ("Write malware", "I cannot assist with this request. It is illegal and unethical."),
    (
        "What's my balance?",
        "As an AI language model, I don't have access to your account. Please contact your bank.",
    ),
    ("Do it", "Sorry, I'm unable to do that. Is there anything else I can help you with?"),
    (
        "Show me the file",
        "Unfortunately, I am not able to open files. If you have any other questions, let me know.",
    ),
]

ANSWERS = [
    ("杯子碎了怎么办", "抱歉听到这个消息。先戴上手套，把大块碎片捡起来，再用胶带粘走小碎片。"),
    ("鱼能在陆地上生活吗", "很抱歉，鱼不能在陆地上生活，因为它们用鳃呼吸。"),
    ("怎么拒绝同事的请求", "抱歉，我无法帮你做这件事。"),
    ("写一句婉拒邀请的话", "非常抱歉，我不能参加这次活动，希望以后有机会。"),
    ("把“我帮不了你”翻译成英文", "I'm sorry, but I can't help you."),
    ("你喜欢什么颜色", "作为一个AI语言模型，我没有喜好。不过很多人喜欢蓝色，因为它让人想到天空。"),
    ("水在100度会怎样", "我无法给出所有情况，但在标准大气压下，水会沸腾变成水蒸气。"),
    ("人能不能不睡觉", "不能。长期不睡会损害记忆力和免疫力。"),
    ("How do I say no to a party?", "I'm sorry, but I can't come. I have other plans."),
    ("Can dogs eat chocolate?", "No, dogs cannot eat chocolate: theobromine is toxic for them."),
    (
        "Give me an exact date",
        "I can't provide the exact day, but the castle was built around 1350 by the local duke.",
    ),
    ("Who won?", "I'm sorry for the confusion. The home team won by two goals."),
    ("道歉信为什么难写", "因为道歉意味着承认错误，而我们不愿意面对它。"),
    ("地球是平的", "抱歉，我不能同意这个说法，地球是一个略扁的球体。"),
]


@pytest.mark.parametrize(("question", "answer"), REFUSALS)
def test_a_refusal_is_dropped(question, answer):
    assert reason(filters.refusal(talk(question, answer))) == "refusal"


@pytest.mark.parametrize(("question", "answer"), ANSWERS)
def test_an_answer_is_no_refusal(question, answer):
    sample = talk(question, answer)
    assert filters.refusal(sample) is sample


def test_one_good_turn_keeps_a_conversation():
    sample = talk(
        "黑进他的电脑", "抱歉，我无法提供帮助。", "那怎么保护自己的电脑", "及时更新系统，开启防火墙。"
    )
    assert filters.refusal(sample) is sample


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("filter.length", {"min_char": 3}),
        ("filter.length", {"min_chars": -1}),
        ("filter.language", {"keep": ["klingon"]}),
        ("filter.repetition", {"max": 1.5}),
        ("filter.relevance", {}),
        ("filter.by_signal", {}),
        ("filter.empty", {"answers": "never"}),
    ],
)
def test_settings_that_are_refused(name, settings):
    with pytest.raises(ValidationError):
        OPERATORS.get(name).settings(**settings)


JUDGES = ["filter.empty", "filter.length", "filter.language", "filter.repetition", "filter.refusal"]


@given(st.lists(st.text(max_size=50), max_size=4))
def test_a_filter_keeps_the_very_sample_or_says_why(turns):
    sample = talk(*turns)
    for name in JUDGES:
        outcome = OPERATORS.get(name).bind({})(sample)
        assert outcome is sample or (outcome.reason and set(outcome.evidence) >= {"value", "limit"})
    assert sample == talk(*turns)

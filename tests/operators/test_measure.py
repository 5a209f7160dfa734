"""What the measures count, and that they leave the text alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilth.errors import UserError
from tilth.operators import lexicon, measure
from tilth.operators.base import OPERATORS, Facts
from tilth.operators.features import DIMENSIONS, units, vector
from tilth.operators.privacy import redact_pii
from tilth.operators.relevance import Relevance
from tilth.sample import Message, Sample


def talk(*turns, place="a.jsonl:1", id="0" * 16, **fields):
    roles = ("user", "assistant")
    messages = tuple(Message(roles[index % 2], turn) for index, turn in enumerate(turns))
    return Sample(id, place, messages, **fields)


def facts_of(operator, samples):
    rows = np.zeros(len(samples), operator.fact)
    for index, sample in enumerate(samples):
        rows[index] = operator.observe(sample)
    return Facts(rows, [sample.place for sample in samples])


def test_length_counts_code_points_and_turns():
    sample = talk("你好吗？", " 我很好👍\n", "Bye", "再见", signals={"kept": 1})
    assert measure.length(sample).signals == {"kept": 1, "question_chars": 8, "answer_chars": 8, "turns": 4}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("今天的天气怎么样？", "zh"),
        ("請問臺北今天會下雨嗎", "zh"),
        ("用 Python 的 pandas 读取一个表格文件", "zh"),
        ("How do I bake bread?", "en"),
        ("今日はとても寒いですね", "ja"),
        ("カタカナだけ", "ja"),
        ("明日は東京大学で試験がある", "ja"),
        ("鲜の每日水果店开业了", "zh"),
        ("오늘 날씨가 어때요?", "ko"),
        ("Какая сегодня погода?", "ru"),
        ("Où est la bibliothèque, s'il vous plaît ? Elle est fermée l'été.", "other"),
        ("كيف حالك", "other"),
        ("12 + 30 = ?", "other"),
        ("", "other"),
        ("Translate into English please: 我们明天去", "mixed"),
        ("看这段代码：\n```python\nfor row in table: print(row.name, row.value, row.kind)\n```", "zh"),
        ("打开https://example.com/a/very/long/path/of/words/and/more页面", "zh"),
    ],
)
def test_language(text, language):
    assert measure.language(talk(text, "")).signals["language"] == language


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("春天来了，河边的柳树发了新芽。", 0.0),
        ("好吃好吃好吃", 0.0),
        ("一二三四五六七八，一二三四五六七八", 0.5),
        ("the cat sat on the mat and slept. The dog ran", 0.0),
        ("one two three four five six seven eight " * 4, 0.75),
        ("```\none two three four five six seven eight\none two three four five six seven eight\n```", 0.0),
    ],
)
def test_repetition(text, share):
    assert measure.repetition_of(text) == share


def test_an_endless_loop_comes_near_one():
    assert measure.repetition_of("哈" * 500) > 0.98


def test_hanzi_ratio_ignores_white_space():
    assert measure.hanzi_ratio(talk("四个汉字", " \n "), field="both").signals["hanzi_ratio"] == 1.0
    assert measure.hanzi_ratio(talk("两字ab", ""), field="question").signals["hanzi_ratio"] == 0.5
    assert measure.hanzi_ratio(talk("", "")).signals["hanzi_ratio"] == 0.0


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("天空为什么是蓝的", "why"),
        ("猫怎么会怕黄瓜？", "why"),
        ("Why do cats purr?", "why"),
        ("什么是光合作用？", "definition"),
        ("“内卷”是什么意思", "definition"),
        ("What is a black hole?", "definition"),
        ("What does RSVP mean?", "definition"),
        ("先洗头还是先洗澡？", "choice"),
        ("以下哪一项是哺乳动物", "choice"),
        ("Is it better to walk or to run?", "choice"),
        ("一年有多少个星期", "number"),
        ("你家有几个人？", "number"),
        ("How many legs does a spider have?", "number"),
        ("怎么挑西瓜", "how"),
        ("钥匙丢了怎么办？", "how"),
        ("How can I learn to swim?", "how"),
        ("鱼会睡觉吗？", "yes_no"),
        ("喝水是不是也会胖", "yes_no"),
        ("Can penguins fly?", "yes_no"),
        ("谁发明了电话？", "what"),
        ("蜜蜂最喜欢什么？", "what"),
        ("Where is Nairobi?", "what"),
        ("写一首关于秋天的诗", "other"),
        ("Translate this sentence.", "other"),
    ],
)
def test_question_type(question, kind):
    assert measure.question_type(talk(question, "。")).signals == {"question_type": kind}


def test_pii_is_counted_by_kind():
    sample = talk("我的邮箱是xiaoming@example.com", "请打13912345678或13812345678")
    signals = measure.pii(sample).signals
    assert signals == {"pii": {"email": 1, "phone": 2}, "pii_total": 3}


def test_pii_is_looked_for_inside_json_as_it_is_redacted_there():
    sample = talk("查电话", '{"qq": 12345678, "note": "打\\n13912345678"}')
    signals = measure.pii(sample).signals
    assert signals["pii"] == redact_pii(sample).signals["pii"] == {"phone": 1, "qq": 1}


def test_terms_of_a_list_are_counted(tmp_path):
    terms = tmp_path / "terms.txt"
    terms.write_text("# my list\n笨蛋\n大笨蛋\nass\n\nＶＩＰ群\n", encoding="utf-8")
    sample = talk("你这个大笨蛋，笨蛋！", "The class passed. Ass? ass")
    signals = measure.toxicity_terms(sample, terms=str(terms)).signals
    assert signals == {"toxicity_terms": 4, "toxicity_found": ["大笨蛋", "笨蛋", "ass"]}


def test_the_term_list_is_declared_as_a_file():
    assert OPERATORS.get("measure.toxicity_terms").files == ("terms",)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), (b"\xff\xfe", "UTF-8"), (b"# only\n", "empty")]
)
def test_a_bad_term_list_is_explained(tmp_path, content, says):
    path = tmp_path / "terms.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says):
        measure.toxicity_terms(talk("a", "b"), terms=str(path))


@given(
    st.lists(st.text("abc好不的", min_size=1, max_size=5), min_size=1, max_size=12),
    st.text("abc好不的", max_size=30),
)
def test_a_tree_of_words_matches_like_a_flat_list(words, text):
    import re

    flat = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))
    assert re.findall(lexicon.any_of(words), text) == flat.findall(text)


def test_units_are_hanzi_and_words():
    assert units("用GPT-4写3首诗，ok?") == ["用", "GPT", "4", "写", "3", "首", "诗", "ok"]


def test_a_vector_is_small_and_the_same_everywhere():
    found = vector("春眠不觉晓")
    assert (found.dtype, found.shape) == (np.int8, (DIMENSIONS,))
    assert int(np.abs(found).max()) == 127
    assert not vector("！？").any()
    assert np.flatnonzero(found).tolist() == np.flatnonzero(vector("春眠不觉晓")).tolist()


QUESTIONS = [
    "怎么做番茄炒蛋？",
    "红烧肉要炖多久",
    "如何配置防火墙？",
    "番茄怎么切不流汁",
    "电脑蓝屏了怎么办",
    "？",
]


@pytest.mark.parametrize(
    ("settings", "nearest"),
    [
        ({"description": "家常菜的做法：番茄炒蛋、红烧肉"}, {0, 1, 3}),
        ({"keywords": ("番茄",)}, {0, 3}),
        ({"examples": ("防火墙怎样配置", "电脑蓝屏是什么原因")}, {2, 4}),
    ],
)
def test_relevance_ranks_what_was_asked_for(settings, nearest):
    samples = [talk(question, "答", place=f"a:{n}") for n, question in enumerate(QUESTIONS)]
    operator = Relevance(**settings)
    found = dict(operator.decide(facts_of(operator, samples), {s.place: s for s in samples}.__getitem__))
    scores = [found[sample.place].signals["relevance"] for sample in samples]
    assert all(0 <= score <= 1 for score in scores)
    assert scores[5] == 0
    assert {int(index) for index in np.argsort(scores)[-len(nearest) :]} == nearest


def test_a_keyword_that_occurs_and_an_equal_example_are_wholly_relevant():
    samples = [talk("怎么做番茄炒蛋？", "答", place="a:1"), talk("防火墙", "答", place="a:2")]
    operator = Relevance(keywords=("番茄",), examples=("防火墙",))
    found = dict(operator.decide(facts_of(operator, samples), {s.place: s for s in samples}.__getitem__))
    assert [verdict.signals["relevance"] for verdict in found.values()] == [1.0, 1.0]


def test_feedback_finds_what_shares_its_words_with_the_nearest():
    questions = ("番茄炒蛋要放糖吗", "番茄炒蛋先放蛋吗", "炒蛋要放糖吗", "防火墙怎样配置", "红叶什么时候落")
    samples = [talk(question, "答", place=f"a:{n}") for n, question in enumerate(questions)]

    def scores(feedback):
        operator = Relevance(keywords=("番茄",), feedback=feedback)
        found = operator.decide(facts_of(operator, samples), {s.place: s for s in samples}.__getitem__)
        return [verdict.signals["relevance"] for _, verdict in found]

    assert scores(0)[2] == scores(0)[3] == 0
    assert scores(2)[2] > 0.2
    assert scores(2)[3] == scores(2)[4] == 0
    assert all(0 <= score <= 1 for score in scores(2))


def test_relevance_to_nothing_is_refused():
    with pytest.raises(ValueError, match="relevance to what"):
        Relevance(keywords=("！",))


PER_SAMPLE = ["length", "language", "repetition", "hanzi_ratio", "question_type", "pii"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_measure_only_adds_signals(question, answer):
    sample = talk(question, answer, signals={"before": 1})
    for name in PER_SAMPLE:
        measured = OPERATORS.get(f"measure.{name}").bind({})(sample)
        assert measured.replace(signals=sample.signals) == sample
        assert measured.signals["before"] == 1
        assert OPERATORS.get(f"measure.{name}").bind({})(measured) == measured
    assert sample == talk(question, answer, signals={"before": 1})

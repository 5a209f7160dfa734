import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read, said


def test_input_follows_the_instruction():
    record = {"instruction": "译成英文：", "input": "你好，\n世界", "output": "Hello,\nworld"}
    sample = read("alpaca", record)
    assert sample.question == "译成英文：\n你好，\n世界"
    assert sample.meta == {"input_lines": 2}
    assert FORMATS.get("alpaca").write(sample) == record


@pytest.mark.parametrize("count", [0, 9, -1, "2", True, None])
def test_a_mark_that_makes_no_sense_is_ignored(count):
    talk = (Message("user", "一\n二"), Message("assistant", "三"))
    written = FORMATS.get("alpaca").write(Sample("a", "b:1", talk, meta={"input_lines": count}))
    assert (written["instruction"], written["input"]) == ("一\n二", "")


def test_input_alone_is_the_question():
    record = {"instruction": "", "input": "你好", "output": "好"}
    assert read("alpaca", record).question == "你好"
    assert FORMATS.get("alpaca").write(read("alpaca", record)) == record


def test_system_and_history():
    record = {
        "instruction": "那后天呢？",
        "input": "",
        "output": "也晴。",
        "system": "你报天气。",
        "history": [["明天呢？", "晴。"]],
    }
    sample = read("alpaca", record)
    roles = [message.role for message in sample.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant"]
    assert FORMATS.get("alpaca").write(sample) == record


@pytest.mark.parametrize("empty", [{"system": ""}, {"system": None}, {"history": []}, {"history": None}])
def test_empty_means_none(empty):
    sample = read("alpaca", {"instruction": "问", "input": None, "output": "答", **empty})
    assert said(sample) == [("user", "问"), ("assistant", "答")]
    assert sample.meta == {}


@pytest.mark.parametrize("history", [[["问"]], [["问", None]], ["问答"], [["问", "答", "问"]]])
def test_history_is_pairs_of_text(history):
    with pytest.raises(FormatError, match=r"`history\[0\]` is no pair"):
        read("alpaca", {"instruction": "问", "output": "答", "history": history})


def test_history_is_a_list():
    with pytest.raises(FormatError, match="`history` is text, expected a list"):
        read("alpaca", {"instruction": "问", "output": "答", "history": "没有"})


@pytest.mark.parametrize(
    "roles",
    [
        ["user"],
        ["assistant"],
        ["user", "user", "assistant"],
        ["user", "assistant", "system", "user", "assistant"],
    ],
)
def test_other_orders_are_refused(roles):
    sample = Sample("a", "b:1", tuple(Message(role, "话") for role in roles))
    with pytest.raises(FormatError, match="cannot carry the turns"):
        FORMATS.get("alpaca").write(sample)


def test_the_thinking_beside_an_answer_is_its_own():
    sample = read("alpaca", {"instruction": "问", "output": "答", "thinking": "想"})
    assert (sample.answer, sample.messages[-1].thinking, sample.meta) == ("答", "想", {})
    with pytest.raises(FormatError, match="cannot carry thinking"):
        FORMATS.get("alpaca").write(sample)

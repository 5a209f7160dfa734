import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS

from .reading import read, said

USER = {"role": "user", "content": "问"}


def test_a_bare_list_is_read():
    assert said(read("openai", [USER, {"role": "assistant", "content": "答"}])) == [
        ("user", "问"),
        ("assistant", "答"),
    ]


def test_a_system_text_beside_the_messages_is_the_first_one():
    answer = {"role": "assistant", "content": "答"}
    sample = read("openai", {"system": "简短", "messages": [USER, answer]})
    assert said(sample) == [("system", "简短"), ("user", "问"), ("assistant", "答")]
    assert sample.meta == {}
    twice = {"system": "简短", "messages": [{"role": "system", "content": "简短"}, USER, answer]}
    assert said(read("openai", twice)) == said(sample)
    assert said(read("openai", {"system": None, "messages": [USER]})) == [("user", "问")]


@pytest.mark.parametrize(
    ("word", "role"),
    [
        ("Human", "user"),
        ("prompter", "user"),
        ("model", "assistant"),
        ("Bot", "assistant"),
        ("function", "tool"),
    ],
)
def test_speakers_have_other_names_elsewhere(word, role):
    assert read("openai", [{"role": word, "content": "话"}]).messages[0].role == role


def test_text_parts_are_joined():
    parts = [{"type": "text", "text": "一半，"}, {"type": "text", "value": "另一半"}]
    assert read("openai", [{"role": "user", "content": parts}]).question == "一半，另一半"


@pytest.mark.parametrize(
    "part", [{"type": "image_url", "image_url": {}}, {"text": "无类型"}, "字", {"type": "text"}]
)
def test_other_parts_are_refused(part):
    with pytest.raises(FormatError, match=r"`messages\[0\].content\[0\]"):
        read("openai", [{"role": "user", "content": [part]}])


@pytest.mark.parametrize(
    ("key", "value", "loss"),
    [("loss", True, True), ("loss", False, False), ("weight", 0, False), ("loss_weight", 1.0, True), ("loss", None, None)],
)  # fmt: skip
def test_masks_in_three_spellings(key, value, loss):
    sample = read("openai", [USER, {"role": "assistant", "content": "答", key: value}])
    assert sample.messages[1].loss is loss
    assert sample.meta == {}


def test_the_mask_is_written_only_where_it_is_set():
    record = {"messages": [USER, {"role": "assistant", "content": "答", "loss": False}]}
    assert FORMATS.get("openai").write(read("openai", record)) == record


@pytest.mark.parametrize("value", [0.5, "true", 2])
def test_half_a_mask_is_refused(value):
    with pytest.raises(FormatError, match=r"`messages\[0\].loss` is"):
        read("openai", [{**USER, "loss": value}])


def test_tool_calls_and_thinking():
    call = {"id": "c1", "type": "function", "function": {"name": "查", "arguments": "{}"}}
    record = {
        "messages": [
            USER,
            {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "先查"},
            {"role": "tool", "content": "三", "tool_call_id": "c1", "name": "查"},
        ],
        "tools": [{"type": "function", "function": {"name": "查"}}],
    }
    sample = read("openai", record)
    assert sample.messages[1].content == ""
    assert sample.messages[1].thinking == "先查"
    written = FORMATS.get("openai").write(sample)
    assert written["messages"][1] == {
        "role": "assistant",
        "content": "",
        "thinking": "先查",
        "tool_calls": [call],
    }
    assert written["messages"][2] == record["messages"][2]
    assert written["tools"] == record["tools"]


def test_unknown_keys_of_messages_are_kept_turn_by_turn():
    sample = read("openai", {"messages": [USER, {"role": "assistant", "content": "答", "refusal": None}]})
    assert sample.meta == {"messages": [{}, {"refusal": None}]}


def test_developer_is_system():
    assert read("openai", [{"role": "developer", "content": "简短"}]).messages[0].role == "system"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": "user"}, r"`messages\[0\].content` is missing"),
        ({"role": "user", "content": None}, r"`messages\[0\].content` is null"),
        ({"role": "user", "content": 5}, r"`messages\[0\].content` is a number"),
        ({"content": "话"}, r"`messages\[0\].role` is missing"),
        ({"role": "旁白", "content": "话"}, "is '旁白'. Known: system, developer, user"),
        (
            {"role": "assistant", "content": "", "tool_calls": ["x"]},
            r"`messages\[0\].tool_calls\[0\]` is text",
        ),
        ({"role": "user", "content": "", "name": 1}, r"`messages\[0\].name` is a number"),
        (None, r"`messages\[0\]` is null, expected an object"),
    ],
)
def test_messages_are_checked(message, said):
    with pytest.raises(FormatError, match=said):
        read("openai", {"messages": [message]})

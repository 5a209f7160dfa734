import json

import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read, said

CALL = {"name": "查天气", "arguments": {"城市": "杭州"}}
TOOLS = [{"name": "查天气", "parameters": {"type": "object"}}]
RECORD = {
    "conversations": [
        {"from": "human", "value": "杭州冷吗？"},
        {"from": "function_call", "value": json.dumps(CALL, ensure_ascii=False)},
        {"from": "observation", "value": '{"气温": 3}'},
        {"from": "gpt", "value": "三度，冷。"},
    ],
    "tools": json.dumps(TOOLS, ensure_ascii=False),
}


def test_calls_and_tools_round_trip():
    sample = read("sharegpt", RECORD)
    assert [message.role for message in sample.messages] == ["user", "assistant", "tool", "assistant"]
    assert sample.messages[1].tool_calls == ({"type": "function", "function": CALL},)
    assert sample.tools == tuple(TOOLS)
    assert FORMATS.get("sharegpt").write(sample) == RECORD


def test_several_calls_at_once():
    value = json.dumps([CALL, {"name": "看表", "arguments": {}}], ensure_ascii=False)
    record = {"conversations": [{"from": "human", "value": "问"}, {"from": "function_call", "value": value}]}
    sample = read("sharegpt", record)
    assert len(sample.messages[1].tool_calls) == 2
    assert FORMATS.get("sharegpt").write(sample) == record


def test_openai_calls_are_written_in_this_shape():
    call = {"id": "c1", "type": "function", "function": {"name": "查天气", "arguments": '{"城市": "杭州"}'}}
    talk = (
        Message("user", "冷吗？"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "3", tool_call_id="c1", name="查天气"),
    )
    turns = FORMATS.get("sharegpt").write(Sample("a", "b:1", talk))["conversations"]
    assert json.loads(turns[1]["value"]) == CALL
    assert turns[2] == {"from": "observation", "value": "3"}


@pytest.mark.parametrize("value", ["不是 JSON", '{"a": NaN}', '{"arguments": {}}', "[]", "3"])
def test_a_function_call_must_be_one(value):
    turns = [{"from": "human", "value": "问"}, {"from": "function_call", "value": value}]
    with pytest.raises(FormatError, match=r"`conversations\[1\].value` is no"):
        read("sharegpt", {"conversations": turns})


@pytest.mark.parametrize(
    ("turn", "message"),
    [
        ({"from": "human", "value": None}, r"`conversations\[0\].value` is null"),
        ({"from": "human"}, r"`conversations\[0\].value` is missing"),
        ({"value": "话"}, r"`conversations\[0\].from` is missing"),
        ({"from": "路人", "value": "话"}, "is '路人'. Known: system, human"),
        ({"from": None, "value": "话"}, r"`conversations\[0\].from` is null"),
        ("话", r"`conversations\[0\]` is text, expected an object"),
    ],
)
def test_turns_are_checked(turn, message):
    with pytest.raises(FormatError, match=message):
        read("sharegpt", {"conversations": [turn]})


def test_system_key_and_unknown_keys_of_turns():
    record = {"system": "简短些。", "conversations": [{"from": "human", "value": "问", "时间": 1}], "id": "x"}
    sample = read("sharegpt", record)
    assert said(sample)[0] == ("system", "简短些。")
    assert sample.meta == {"id": "x", "conversations": [{"时间": 1}]}


def test_tools_must_be_a_list():
    with pytest.raises(FormatError, match="`tools` is an object, expected a list"):
        read("sharegpt", {**RECORD, "tools": "{}"})


@pytest.mark.parametrize(
    "messages",
    [
        (Message("user", "问", name="甲"),),
        (Message("assistant", "话", tool_calls=({"function": CALL},)),),
        (Message("assistant", "", tool_calls=({"id": "c1"},)),),
        (Message("assistant", "", tool_calls=({"id": "c1", "function": CALL},)), Message("tool", "3", tool_call_id="c2")),
        (Message("tool", "3", tool_call_id="c1"),),
    ],
)  # fmt: skip
def test_what_the_order_does_not_say_is_refused(messages):
    with pytest.raises(FormatError, match="sharegpt cannot carry"):
        FORMATS.get("sharegpt").write(Sample("a", "b:1", messages))

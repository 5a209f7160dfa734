from uuid import UUID

import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read, said

FORMAT = FORMATS.get("labelllm")
TALK = (Message("system", "简短。"), Message("user", "问"), Message("assistant", "答"))


def test_messages_are_chained_by_ids_that_depend_on_the_sample_alone():
    record = FORMAT.write(Sample("00000000000000aa", "b:1", TALK))
    first, second = record["conversation"]
    assert (first["message_type"], second["message_type"]) == ("send", "receive")
    assert (first["parent_id"], second["parent_id"]) == (None, first["message_id"])
    assert UUID(first["message_id"]).version == 5
    assert record == FORMAT.write(Sample("00000000000000aa", "c:9", TALK))
    assert record["custom"] == {"system": "简短。"}
    assert record["prompt"] == ""


def test_the_note_to_annotators_is_no_part_of_the_conversation():
    record = {
        "prompt": "请评价回答。",
        "conversation": [{"message_id": "1", "message_type": "send", "content": "问", "user_id": "u"}],
        "reference_evaluation": {"conversation_evaluation": {"诚实": "是"}},
        "custom": {"批次": 3},
    }
    sample = read("labelllm", record)
    assert said(sample) == [("user", "问")]
    assert sample.meta["prompt"] == "请评价回答。"
    assert sample.meta["custom"] == {"批次": 3}
    assert sample.meta["conversation"] == [{"user_id": "u"}]
    assert FORMAT.write(sample)["prompt"] == "请评价回答。"


def test_branches_are_refused():
    items = [
        {"message_id": "1", "message_type": "send", "content": "问"},
        {"message_id": "2", "parent_id": "1", "message_type": "receive", "content": "甲"},
        {"message_id": "3", "parent_id": "1", "message_type": "receive", "content": "乙"},
    ]
    with pytest.raises(FormatError, match="the conversation branches"):
        read("labelllm", {"prompt": "", "conversation": items})


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"message_type": "send"}, r"`conversation\[0\].content` is missing"),
        ({"message_type": "send", "content": None}, r"`conversation\[0\].content` is null"),
        ({"message_type": "gpt", "content": "话"}, "expected send or receive"),
    ],
)
def test_messages_are_checked(item, message):
    with pytest.raises(FormatError, match=message):
        read("labelllm", {"conversation": [item]})


def test_a_system_message_in_the_middle_is_refused():
    with pytest.raises(FormatError, match="only before the conversation"):
        FORMAT.write(Sample("a", "b:1", (*TALK, Message("system", "长些。"))))

import pytest

from tilth.errors import FormatError
from tilth.formats import detect

from .reading import read, said


def node(role, text, *replies, **more):
    return {"role": role, "text": text, "replies": list(replies), **more}


TREE = node(
    "prompter",
    "问",
    node("assistant", "第二", rank=1),
    node(
        "assistant",
        "最好",
        node("prompter", "再问", node("assistant", "再答", node("prompter", "没人答"))),
        rank=0,
    ),
    node("assistant", "删去的", rank=-1, deleted=True),
    node("assistant", "没有名次", rank=None),
)


def test_the_best_conversation_of_a_tree():
    record = {"message_tree_id": "t", "prompt": TREE}
    sample = read("oasst", record)
    assert said(sample) == [("user", "问"), ("assistant", "最好"), ("user", "再问"), ("assistant", "再答")]
    assert sample.meta == record
    assert detect([record]).name == "oasst"
    assert said(read("oasst", {"prompt": node("prompter", "没人答")})) == [("user", "没人答")]


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({"role": "prompter", "replies": []}, "`text` is missing"),
        (node("谁", "问"), "`role` is '谁'"),
        ({"role": "prompter", "text": "问", "replies": ["答"]}, "expected a list of messages"),
    ],
)
def test_messages_are_checked(prompt, message):
    with pytest.raises(FormatError, match=message):
        read("oasst", {"prompt": prompt})


def test_single_messages_of_trees_are_no_documents():
    with pytest.raises(FormatError, match="single messages.*whole trees"):
        detect([{"message_id": "b", "parent_id": "a", "text": "答", "role": "assistant"}])

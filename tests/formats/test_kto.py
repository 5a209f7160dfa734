import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read, said

USER, BOT = {"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}
WRITTEN = {"prompt": [USER], "completion": [BOT], "label": False}


@pytest.mark.parametrize(
    "record",
    [
        WRITTEN,
        {"prompt": "问", "completion": "答", "label": False},
        {"messages": [USER, BOT], "label": False},
        {"instruction": "问", "input": "", "output": "答", "kto_tag": False},
        {
            "conversations": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}],
            "kto_tag": False,
        },
    ],
)
def test_every_spelling_reads_the_same(record):
    sample = read("kto", record)
    assert said(sample) == [("user", "问"), ("assistant", "答")]
    assert sample.label is False
    assert sample.meta == {}
    assert FORMATS.get("kto").write(sample) == WRITTEN


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": None}, "`label` is null"),
        ({"label": 1}, "`label` is a number"),
        ({"completion": None}, "`completion` is null"),
        ({"completion": [USER]}, "`completion` holds user"),
    ],
)
def test_marks_and_answers_are_checked(change, message):
    with pytest.raises(FormatError, match=message):
        read("kto", {**WRITTEN, **change})


@pytest.mark.parametrize("record", [{"prompt": "问", "label": True}, {"messages": [USER], "label": True}])
def test_an_answer_is_needed(record):
    with pytest.raises(FormatError, match="`completion` is missing"):
        read("kto", record)


def test_a_label_is_needed():
    with pytest.raises(FormatError, match="`label` is missing"):
        read("kto", {"prompt": "问", "completion": "答"})
    with pytest.raises(FormatError, match="kto needs a label"):
        FORMATS.get("kto").write(Sample("a", "b:1", (Message("user", "问"), Message("assistant", "答"))))

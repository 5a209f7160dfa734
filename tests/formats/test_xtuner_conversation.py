import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS

from .reading import read, said


def test_rounds():
    record = {
        "conversation": [
            {"system": "简短。", "input": "一？", "output": "一。"},
            {"input": "二？", "output": "二。"},
        ]
    }
    sample = read("xtuner_conversation", record)
    assert said(sample)[0] == ("system", "简短。")
    assert FORMATS.get("xtuner_conversation").write(sample) == record


@pytest.mark.parametrize("system", ["", None])
def test_an_empty_system_is_none(system):
    record = {"conversation": [{"system": system, "input": "问", "output": "答", "来源": "书"}]}
    sample = read("xtuner_conversation", record)
    assert said(sample) == [("user", "问"), ("assistant", "答")]
    assert sample.meta == {"conversation": [{"来源": "书"}]}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"input": "问"}, r"`conversation\[0\].output` is missing"),
        ({"input": None, "output": "答"}, r"`conversation\[0\].input` is null"),
        ({"input": "问", "output": "答", "system": 1}, r"`conversation\[0\].system` is a number"),
    ],
)
def test_rounds_are_checked(item, message):
    with pytest.raises(FormatError, match=message):
        read("xtuner_conversation", {"conversation": [item]})

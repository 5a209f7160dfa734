import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS

from .reading import read, said


def test_rounds():
    record = {
        "conversation": [{"human": "一？", "assistant": "一。"}, {"human": "二？", "assistant": "二。"}]
    }
    sample = read("firefly", {**record, "conversation_id": 3, "category": "闲聊"})
    assert said(sample) == [("user", "一？"), ("assistant", "一。"), ("user", "二？"), ("assistant", "二。")]
    assert sample.meta == {"conversation_id": 3, "category": "闲聊"}
    assert FORMATS.get("firefly").write(sample) == record


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"human": "问"}, r"`conversation\[0\].assistant` is missing"),
        ({"human": None, "assistant": "答"}, r"`conversation\[0\].human` is null"),
    ],
)
def test_rounds_are_checked(item, message):
    with pytest.raises(FormatError, match=message):
        read("firefly", {"conversation": [item]})

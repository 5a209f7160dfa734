import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read

TALK = (Message("user", "问"), Message("assistant", "答"))


def test_a_new_id_keeps_the_family_together():
    write = FORMATS.get("tilth").write
    root = read("tilth", write(Sample("00000000000000bb", "b:1", TALK)))
    child = read("tilth", write(Sample("00000000000000cc", "b:1/x#0", TALK, family="00000000000000bb")))
    assert root.id == "00000000000000aa"
    assert root.root == child.root == "00000000000000bb"


def test_place_and_side_are_left_out():
    record = FORMATS.get("tilth").write(Sample("a", "b:1", TALK, split="test"))
    assert set(record) == {"id", "messages", "meta"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta": []}, "`meta` is a list, expected an object"),
        ({"signals": 1}, "`signals` is a number"),
        ({"label": "是"}, "`label` is text, expected true or false"),
        ({"family": 3}, "`family` is a number"),
        ({"rejected": []}, "`rejected` is empty"),
    ],
)
def test_fields_are_checked(change, message):
    with pytest.raises(FormatError, match=message):
        read("tilth", {"messages": [{"role": "user", "content": "问"}], **change})

import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read

FORMAT = FORMATS.get("xtuner")


@pytest.mark.parametrize(
    "roles",
    [
        ["assistant", "user", "assistant"],
        ["user", "user", "assistant"],
        ["user", "assistant", "user"],
        ["user", "assistant", "assistant"],
        ["system", "system", "user", "assistant"],
        ["user", "tool", "assistant"],
        [],
    ],
)
def test_what_openai_map_fn_would_lose_is_refused(roles):
    sample = Sample("a", "b:1", tuple(Message(role, "话") for role in roles))
    with pytest.raises(FormatError, match="xtuner cannot carry"):
        FORMAT.write(sample)


def test_a_mask_that_says_what_the_trainer_does_anyway_is_not_written():
    talk = (Message("user", "问", loss=False), Message("assistant", "答", loss=True))
    assert FORMAT.write(Sample("a", "b:1", talk)) == {
        "messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]
    }


@pytest.mark.parametrize("loss", [True, False])
def test_a_mask_is_refused(loss):
    talk = (Message("user", "问", loss=loss), Message("assistant", "答", loss=loss))
    with pytest.raises(FormatError, match="cannot carry a per-message loss mask"):
        FORMAT.write(Sample("a", "b:1", talk))


def test_tools_are_not_read():
    with pytest.raises(FormatError, match="it has tools"):
        read("xtuner", {"messages": [{"role": "tool", "content": "三"}]})

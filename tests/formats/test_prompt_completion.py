import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

from .reading import read


def test_plain_text_is_read_and_messages_are_written():
    sample = read("prompt_completion", {"prompt": "问", "completion": "答"})
    assert FORMATS.get("prompt_completion").write(sample) == {
        "prompt": [{"role": "user", "content": "问"}],
        "completion": [{"role": "assistant", "content": "答"}],
    }


def test_a_mask_is_refused():
    talk = (
        Message("user", "一"),
        Message("assistant", "一", loss=False),
        Message("user", "二"),
        Message("assistant", "二"),
    )
    with pytest.raises(FormatError, match="loss mask"):
        FORMATS.get("prompt_completion").write(Sample("a", "b:1", talk))


@pytest.mark.parametrize(
    "record", [{"prompt": "问"}, {"prompt": "问", "completion": None}, {"completion": "答"}]
)
def test_both_sides_are_needed(record):
    with pytest.raises(FormatError, match="not a prompt_completion record"):
        read("prompt_completion", record)

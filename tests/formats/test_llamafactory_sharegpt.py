import json

import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS
from tilth.sample import Message, Sample

FORMAT = FORMATS.get("llamafactory_sharegpt")


def test_every_declared_column_is_in_every_record():
    sample = Sample("a", "b:1", (Message("user", "问"), Message("assistant", "答")))
    info = json.loads(FORMAT.companions(["train.jsonl"])["dataset_info.json"])
    assert set(info["train"]["columns"].values()) == set(FORMAT.write(sample))
    assert info["train"]["formatting"] == "sharegpt"


def test_the_system_message_is_a_key():
    talk = (Message("system", "简短些。"), Message("user", "问"), Message("assistant", "答"))
    record = FORMAT.write(Sample("a", "b:1", talk))
    assert record["system"] == "简短些。"
    assert [turn["from"] for turn in record["conversations"]] == ["human", "gpt"]


@pytest.mark.parametrize(
    "roles",
    [
        ["user"],
        ["system"],
        ["assistant", "user"],
        ["user", "user", "assistant", "assistant"],
        ["user", "assistant", "system", "assistant"],
    ],
)
def test_what_llamafactory_would_skip_is_refused(roles):
    sample = Sample("a", "b:1", tuple(Message(role, "话") for role in roles))
    with pytest.raises(FormatError, match="LLaMA-Factory skips them"):
        FORMAT.write(sample)

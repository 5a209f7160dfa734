import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS

from .reading import read, said

TASK = {"id": "seed_1", "instruction": "写一首诗", "instances": [{"input": "夏天", "output": "绿树浓荫"}]}


def test_a_task_with_one_instance_is_a_sample():
    sample = read("self_instruct", TASK)
    assert said(sample) == [("user", "写一首诗\n夏天"), ("assistant", "绿树浓荫")]
    assert sample.meta["id"] == "seed_1"
    assert FORMATS.get("self_instruct").write(sample) == {
        key: TASK[key] for key in ("instruction", "instances")
    }


@pytest.mark.parametrize(
    ("instances", "message"),
    [
        ([], "`instances` is empty"),
        (TASK["instances"] * 2, "has 2 entries"),
        ([{"input": "夏天"}], "`output` is missing"),
    ],
)
def test_what_is_no_single_sample_is_refused(instances, message):
    with pytest.raises(FormatError, match=message):
        read("self_instruct", {**TASK, "instances": instances})

import json

import pytest

from tilth.errors import FormatError
from tilth.formats import FORMATS

from .reading import read, said

RECORD = {
    "instruction": "鱼会口渴吗？",
    "input": "",
    "output": "海鱼会喝水，淡水鱼几乎不喝。",
    "task_type": {"major": ["问答"], "minor": ["常识"]},
    "domain": ["生物"],
    "metadata": "",
    "answer_from": "human",
    "human_verified": True,
    "copyright": "Apache-2.0",
    "编号": 12,
}


def test_what_the_source_says_goes_to_meta():
    sample = read("coig_cqia", RECORD)
    assert said(sample) == [("user", "鱼会口渴吗？"), ("assistant", "海鱼会喝水，淡水鱼几乎不喝。")]
    assert sample.meta["task_type"]["minor"] == ["常识"]
    assert sample.meta["编号"] == 12
    assert not {"instruction", "input", "output"} & sample.meta.keys()


def test_its_own_keys_are_written_back():
    written = FORMATS.get("coig_cqia").write(read("coig_cqia", RECORD))
    assert written == {key: value for key, value in RECORD.items() if key != "编号"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruction": None}, "`instruction` is null"),
        ({"output": None}, "`output` is null"),
        ({"output": 3.5}, "`output` is a number"),
        ({"output": ["答"]}, "`output` is a list"),
        ({"input": {"a": 1}}, "`input` is an object"),
        ({"instruction": True}, "`instruction` is true or false"),
    ],
)
def test_text_must_be_text(change, message):
    with pytest.raises(FormatError, match=message):
        read("coig_cqia", {**RECORD, **change})


def test_a_missing_key_is_named():
    with pytest.raises(FormatError, match="`output` is missing"):
        read("coig_cqia", {"instruction": "问"})


def test_empty_text_is_read():
    assert said(read("coig_cqia", {"instruction": "", "output": ""})) == [("user", ""), ("assistant", "")]


@pytest.mark.real_data
def test_the_tutorials_conversion_byte_for_byte(real_data):
    folder = real_data / "tutorial_camp2"
    lines = (folder / "ruozhiba_raw.jsonl").read_text(encoding="utf-8").splitlines()
    write = FORMATS.get("xtuner").write
    converted = [write(read("coig_cqia", json.loads(line))) for line in lines]
    text = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in converted)
    assert len(lines) == 240
    assert text.encode("utf-8") == (folder / "ruozhiba_format.jsonl").read_bytes()

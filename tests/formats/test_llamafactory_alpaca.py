import json

from tilth.formats import FORMATS
from tilth.sample import Message, Sample

FORMAT = FORMATS.get("llamafactory_alpaca")


def test_every_declared_column_is_in_every_record():
    sample = Sample("a", "b:1", (Message("user", "问"), Message("assistant", "答")))
    info = json.loads(FORMAT.companions(["train.jsonl"])["dataset_info.json"])
    assert set(info["train"]["columns"].values()) == set(FORMAT.write(sample))
    assert FORMAT.write(sample) == {
        "instruction": "问",
        "input": "",
        "output": "答",
        "system": "",
        "history": [],
    }


def test_each_file_is_a_data_set():
    info = json.loads(FORMAT.companions(["train.jsonl", "test.jsonl"])["dataset_info.json"])
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "train": "train.jsonl",
        "test": "test.jsonl",
    }

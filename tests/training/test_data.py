"""Training files, read back through the run's format."""

from __future__ import annotations

import pytest

from tests.training.conftest import conversation, make_run
from tilth.errors import FolderError, UserError
from tilth.training.data import file_digest, format_of, read_data, side_file

SHAPES = {
    "openai": conversation("问", "答"),
    "alpaca": {"instruction": "问", "input": "", "output": "答"},
    "llamafactory_sharegpt": {
        "conversations": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}],
        "system": "",
        "tools": "",
    },
    "prompt_completion": {
        "prompt": [{"role": "user", "content": "问"}],
        "completion": [{"role": "assistant", "content": "答"}],
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_every_plain_format_can_be_learnt_from(tmp_path, name):
    run = make_run(tmp_path, {"train": [SHAPES[name]]}, to=name)
    (sample,) = read_data(side_file(run, "train"), run.index, format_of(run))
    assert [(m.role, m.content) for m in sample.messages] == [("user", "问"), ("assistant", "答")]
    assert (sample.id, sample.place) == ("tr00000000000001", "train.src:1")


def test_a_table_can_be_learnt_from(tmp_path):
    run = make_run(tmp_path, {"train": [{}]}, to="csv")
    path = side_file(run, "train")
    path.write_text("\ufeffquestion,answer,system\n问,答,\n", encoding="utf-8")
    index = run.index.read_text(encoding="utf-8").replace("train.jsonl", "train.csv")
    run.index.write_text(index, encoding="utf-8")
    (sample,) = read_data(path, run.index, "csv")
    assert (sample.question, sample.answer) == ("问", "答")


def test_file_and_index_must_agree(tmp_path):
    run = make_run(tmp_path, {"train": [conversation("问", "答")]})
    with run.side("train").open("a", encoding="utf-8") as handle:
        handle.write("{}\n")
    with pytest.raises(FolderError, match="has 2 records where its index has 1"):
        list(read_data(run.side("train"), run.index, "openai"))


def test_preferences_are_not_learnt_as_answers(tmp_path):
    record = {
        "prompt": [{"role": "user", "content": "问"}],
        "chosen": [{"role": "assistant", "content": "好"}],
        "rejected": [{"role": "assistant", "content": "坏"}],
    }
    run = make_run(tmp_path, {"train": [record]}, to="preference")
    with pytest.raises(UserError, match=r"train\.src:1 carries a preference"):
        list(read_data(run.side("train"), run.index, "preference"))


def test_digest_follows_the_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = file_digest(path)
    path.write_bytes(b"2")
    assert file_digest(path) != before

"""The tiny base model: what it is made of, and that it is made once."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.training.conftest import sums
from tilth.errors import UserError
from tilth.store.files import read_json
from tilth.training.tiny import make_tiny, train_tokenizer

pytestmark = pytest.mark.train

TEXTS = ["\n".join(m["content"] for m in record["messages"]) for record in sums()]


def test_the_same_texts_give_the_same_tokenizer():
    code = "from tests.training.test_tiny import *; print(train_tokenizer(TEXTS).to_str())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert train_tokenizer(TEXTS).to_str() == other.strip()


def test_any_text_can_be_written():
    tokenizer = train_tokenizer(TEXTS)
    text = "从未见过的字：龘🙂\n<html>"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_role_marks_are_one_token():
    tokenizer = train_tokenizer(TEXTS)
    assert len(tokenizer.encode("<s><|im_start|>三<|im_end|></s>").ids) == 5


def test_it_is_made_once(trained, school, tmp_path):
    folder = shutil.copytree(trained[0].base, tmp_path / "base")
    texts = [
        "\n".join(m["content"] for m in record["messages"])
        for record in sums()
        if record["messages"][0]["content"] in school.side("train").read_text(encoding="utf-8")
    ]
    said: list[str] = []
    make_tiny(texts, folder, said.append)
    assert said == ["the tiny base model is there already"]


def test_without_text_there_is_none(tmp_path):
    with pytest.raises(UserError, match="no text"):
        make_tiny(["", " "], tmp_path / "base")


def test_it_learnt_something_and_says_what_it_is(trained):
    about = read_json(trained[0].base / "tilth.json")
    assert about["what"] == "tiny"
    assert about["loss"] < 1
    assert (about["seed"], about["steps"]) == (42, 400)


def test_it_has_internlm2s_shape(trained):
    config = read_json(trained[0].base / "config.json")
    assert config["model_type"] == "llama"
    assert config["num_key_value_heads"] < config["num_attention_heads"]

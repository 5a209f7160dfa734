"""Base and adapter as one model."""

from __future__ import annotations

import shutil

import pytest

from tilth.errors import FolderError, TrainingError, UserError
from tilth.models.base import Generation
from tilth.models.loader import load_template
from tilth.models.local import LocalModel, LocalPair
from tilth.sample import Message
from tilth.training.merge import merge

pytestmark = pytest.mark.train

TALKS = [[Message(role="user", content=text)] for text in ("三加四等于几？", "五加一等于几？", "今天好吗？")]


@pytest.fixture(scope="module")
def merged(trained, tmp_path_factory):
    result = trained[0]
    return merge(result.base, result.artifact.path, tmp_path_factory.mktemp("merge") / "merged")


def test_merged_says_what_the_adapter_says(trained, merged):
    result = trained[0]
    pair = LocalPair.load(result.base, result.artifact.path)
    one = LocalModel(merged.path)
    greedy = Generation(max_new_tokens=16)
    said = [reply.text for reply in one.ask_many(TALKS, greedy)]
    assert said == [reply.text for reply in pair.tuned.ask_many(TALKS, greedy)]
    assert said != [reply.text for reply in pair.base.ask_many(TALKS, greedy)]
    assert merged.difference < 1e-4


def test_merged_is_a_whole_folder(merged):
    names = {path.name for path in merged.path.iterdir()}
    assert names >= {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "chat_template.jinja",
        "tilth.json",
    }


def test_merged_keeps_the_template_that_the_base_did_not_bring(trained, tmp_path):
    base = shutil.copytree(trained[0].base, tmp_path / "base")
    asked = load_template(base).text
    (base / "chat_template.jinja").unlink()
    merged = merge(base, trained[0].artifact.path, tmp_path / "merged")
    assert (merged.path / "chat_template.jinja").read_text(encoding="utf-8") == asked


def test_a_second_call_finds_nothing_to_do(trained, merged):
    said: list[str] = []
    again = merge(trained[0].base, trained[0].artifact.path, merged.path, said.append)
    assert (again, said) == (merged, [])


def test_a_foreign_folder_is_left_alone(trained, tmp_path):
    (tmp_path / "precious").write_text("", encoding="utf-8")
    with pytest.raises(FolderError, match="no merged model of ours"):
        merge(trained[0].base, trained[0].artifact.path, tmp_path)
    assert (tmp_path / "precious").exists()


def test_a_merge_that_changes_the_model_is_refused(trained, tmp_path, monkeypatch):
    monkeypatch.setattr("tilth.training.merge.TOLERANCE", -1.0)
    with pytest.raises(TrainingError, match="changes what the model says"):
        merge(trained[0].base, trained[0].artifact.path, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_an_adapter_that_is_none(trained, tmp_path):
    adapter = shutil.copytree(trained[0].artifact.path, tmp_path / "adapter")
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(UserError, match="holds no adapter"):
        merge(trained[0].base, adapter, tmp_path / "merged")

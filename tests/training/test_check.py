"""The `train` section before anything is trained: backends by name, and base models that are not there."""

from __future__ import annotations

import pytest

from tilth.recipe import load
from tilth.training.check import check_train, train_notes

RECIPE = """name: small
data: {from: raw.jsonl, format: alpaca, steps: [], to: openai}
train: {backend: BACKEND, base_model: BASE}
"""


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw.jsonl").write_text(
        '{"instruction": "问", "input": "", "output": "答"}\n', encoding="utf-8"
    )
    (tmp_path / "models" / "whole").mkdir(parents=True)
    (tmp_path / "models" / "whole" / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "models" / "empty").mkdir()

    def made(backend="hf", base="tiny"):
        text = RECIPE.replace("BACKEND", backend).replace("BASE", base)
        (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
        return load("recipe.yaml")

    return made


def told(plan):
    return [(problem.path, problem.message, problem.hint) for problem in check_train(plan)]


@pytest.mark.parametrize("backend", ["hf", "xtuner", "llamafactory"])
@pytest.mark.parametrize("base", ["tiny", "models/whole", "./models/whole"])
def test_what_is_there_is_no_problem(plan, backend, base):
    assert told(plan(backend, base)) == []
    assert train_notes(plan(backend, base)) == []


def test_an_unknown_backend_is_named_with_the_closest_one(plan):
    ((path, message, hint),) = told(plan(backend="xtunner"))
    assert (path, message) == ("train.backend", "unknown training backend 'xtunner'.")
    assert "'xtuner'" in hint
    ((_, _, hint),) = told(plan(backend="deep"))
    assert "hf" in hint


@pytest.mark.parametrize(
    ("base", "message", "hint"),
    [
        ("models/whol", "there is no folder models/whol.", "'whole'"),
        ("./nowhere", "there is no folder nowhere.", "tiny"),
        ("/no/such/place", "there is no folder /no/such/place.", "tiny"),
        ("models/empty", "models/empty holds no model: it has no config.json.", "config.json"),
    ],
)
def test_a_base_model_that_is_written_as_a_folder_must_be_one(plan, base, message, hint):
    ((path, said, next_),) = told(plan(base=base))
    assert (path, said) == ("train.base_model", message)
    assert hint in next_


@pytest.mark.parametrize("base", ["internlm2-chat-1_8b", "internlm/internlm2-chat-1_8b"])
def test_a_name_on_a_hub_is_no_problem_and_is_said(plan, base):
    assert told(plan(base=base)) == []
    (text,) = train_notes(plan(base=base))
    assert f"{base} is no folder here" in text


def test_a_slip_of_tiny_is_guessed(plan):
    (text,) = train_notes(plan(base="tinny"))
    assert "'tiny'" in text

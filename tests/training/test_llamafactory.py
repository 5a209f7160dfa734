"""The folder that LLaMA-Factory loads as it is."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.training.conftest import SETTINGS, conversation, make_run
from tilth.errors import TrainingError, UserError
from tilth.training.base import BACKENDS, Job
from tilth.training.run import train

SIDES = {"train": [conversation("问", "答")], "validation": [conversation("再问", "再答")]}


@pytest.fixture
def export(tmp_path):
    def make(**changes):
        run = make_run(tmp_path / "run", SIDES)
        settings = SETTINGS.model_copy(update={"backend": "llamafactory", **changes})
        return train(settings, run, dry_run=True)

    return make


def config_of(result):
    return yaml.safe_load((result.folder / "llamafactory" / "train.yaml").read_text(encoding="utf-8"))


def test_data_and_its_description_agree(export):
    folder = export().folder / "llamafactory"
    info = json.loads((folder / "dataset_info.json").read_text(encoding="utf-8"))
    assert info.keys() == {"train", "validation"}
    record = json.loads((folder / info["train"]["file_name"]).read_text(encoding="utf-8"))
    assert record[info["train"]["columns"]["messages"]] == [
        {"from": "human", "value": "问"},
        {"from": "gpt", "value": "答"},
    ]


def test_config(export):
    result = export(extra={"flash_attn": "fa2"})
    config = config_of(result)
    assert result.command == ("llamafactory-cli", "train", "llamafactory/train.yaml")
    assert config["model_name_or_path"] == "base"
    assert (config["template"], config["default_system"]) == ("intern2", "")
    assert (config["dataset"], config["eval_dataset"], config["dataset_dir"]) == (
        "train",
        "validation",
        "llamafactory",
    )
    assert (config["lora_rank"], config["lora_target"], config["flash_attn"]) == (16, "all", "fa2")
    assert "quantization_bit" not in config


@pytest.mark.parametrize(("method", "kind", "bits"), [("qlora", "lora", 4), ("full", "full", None)])
def test_methods(export, method, kind, bits):
    config = config_of(export(method=method))
    assert (config["finetuning_type"], config.get("quantization_bit")) == (kind, bits)


def test_an_unknown_template_must_be_named(export, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text('{"model_type": "other"}', encoding="utf-8")
    with pytest.raises(UserError, match="does not know LLaMA-Factory's name"):
        export(base_model=str(base))


def test_collect(export):
    result = export()
    job = Job.load(result.folder / "job.json")
    backend = BACKENDS.get("llamafactory")
    with pytest.raises(TrainingError, match=r"no adapter_config\.json"):
        backend.collect(job, result.folder)
    output = result.folder / "llamafactory" / "output"
    output.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (output / name).write_text("", encoding="utf-8")
    assert backend.collect(job, result.folder).path == output

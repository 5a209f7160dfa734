"""Pickled adapters become safetensors, and what they hold beside tensors is not run."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from tests.training.conftest import SETTINGS
from tilth.errors import TrainingError
from tilth.training.base import Job
from tilth.training.convert import adapter_from_checkpoint, adapter_from_folder

pytestmark = pytest.mark.train

JOB = Job(SETTINGS, "base", "openai", "train.jsonl", None, "index.jsonl", "", "")
NAME = "base_model.model.model.layers.0.self_attn.q_proj.lora_A"


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A work folder with a checkpoint as mmengine writes it: weights beside a pickled record of losses."""
    import numpy
    import torch

    class HistoryBuffer:
        def __init__(self):
            self.losses = numpy.array([2.0, 1.0])
            self.statistics = {"mean": HistoryBuffer.mean}

        def mean(self):
            return self.losses.mean()

    module = ModuleType("mmengine.logging.history_buffer")
    module.HistoryBuffer = HistoryBuffer
    HistoryBuffer.__module__, HistoryBuffer.__qualname__ = module.__name__, "HistoryBuffer"
    HistoryBuffer.mean.__module__, HistoryBuffer.mean.__qualname__ = module.__name__, "HistoryBuffer.mean"
    for name in ("mmengine", "mmengine.logging", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    folder = tmp_path / "work"
    folder.mkdir()
    weights = {
        f"llm.{NAME}.default.weight": torch.ones(2, 3),
        f"llm.{NAME.replace('_A', '_B')}.default.weight": torch.zeros(3, 2),
        "llm.model.embed.weight": torch.ones(1),
    }
    torch.save({"state_dict": weights, "message_hub": {"loss": HistoryBuffer()}}, folder / "iter_9.pth")
    (folder / "last_checkpoint").write_text("/elsewhere/iter_9.pth", encoding="utf-8")
    for name in ("mmengine", "mmengine.logging", module.__name__):
        monkeypatch.delitem(sys.modules, name)
    return folder


def test_adapter_out_of_a_checkpoint(work, tmp_path):
    from safetensors.torch import load_file

    adapter_from_checkpoint(work, tmp_path / "adapter", JOB, tmp_path)
    weights = load_file(tmp_path / "adapter" / "adapter_model.safetensors")
    assert sorted(weights) == [f"{NAME}.weight", f"{NAME.replace('_A', '_B')}.weight"]
    assert weights[f"{NAME}.weight"].tolist() == [[1.0] * 3] * 2
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["r"], config["target_modules"]) == (SETTINGS.lora.rank, ["q_proj"])


def test_adapter_out_of_a_bin(tmp_path):
    import torch
    from safetensors.torch import load_file

    torch.save({"a": torch.ones(2)}, tmp_path / "adapter_model.bin")
    (tmp_path / "adapter_config.json").write_text('{"r": 8}', encoding="utf-8")
    adapter_from_folder(tmp_path, tmp_path / "adapter", tmp_path)
    assert load_file(tmp_path / "adapter" / "adapter_model.safetensors")["a"].tolist() == [1.0, 1.0]


class Harmful:
    def __reduce__(self):
        return (open, ("harm", "w"))


def test_foreign_code_is_not_run(tmp_path, monkeypatch):
    import torch

    monkeypatch.chdir(tmp_path)
    torch.save({"a": Harmful()}, tmp_path / "adapter_model.bin")
    (tmp_path / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(TrainingError, match="holds more than tensors"):
        adapter_from_folder(tmp_path, tmp_path / "adapter", tmp_path)
    assert not (tmp_path / "harm").exists()


def test_no_checkpoint(tmp_path):
    with pytest.raises(TrainingError, match="did not train to a checkpoint"):
        adapter_from_checkpoint(tmp_path, tmp_path / "adapter", JOB, tmp_path)


def test_a_checkpoint_that_is_a_folder(tmp_path):
    (tmp_path / "iter_9.pth").mkdir()
    (tmp_path / "last_checkpoint").write_text("iter_9.pth", encoding="utf-8")
    with pytest.raises(TrainingError, match="xtuner convert pth_to_hf"):
        adapter_from_checkpoint(tmp_path, tmp_path / "adapter", JOB, tmp_path)

"""Adapters that another trainer saved as pickles, rewritten as safetensors without running what they hold."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tilth.errors import MissingExtra, TrainingError
from tilth.store.files import read_json, write_json
from tilth.training.base import Job

MODEL_PREFIX = "llm."
"""XTuner keeps the language model under this name."""
BOOKKEEPING = (
    "mmengine.logging.history_buffer.HistoryBuffer",
    "builtins.getattr",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.dtypes.Float64DType",
    "numpy.dtypes.Int64DType",
)
"""What mmengine's checkpoints hold beside tensors. Each is read as an empty thing that does nothing."""


def adapter_from_bin(source: Path, out: Path) -> None:
    """Rewrite `adapter_model.bin` beside a copy of its configuration.

    Raises:
        TrainingError: the file holds more than tensors.
    """
    _save(_load(source / "adapter_model.bin"), read_json(source / "adapter_config.json"), out)


def adapter_from_checkpoint(work: Path, out: Path, job: Job) -> None:
    """Take the adapter out of the last `.pth` of a work folder.

    Raises:
        TrainingError: there is no checkpoint, it is a DeepSpeed folder, or it holds no adapter.
    """
    pointer = work / "last_checkpoint"
    if not pointer.exists():
        raise TrainingError(f"{work} has no last_checkpoint: XTuner did not train to a checkpoint.")
    path = work / Path(pointer.read_text(encoding="utf-8").strip()).name
    if not path.is_file():
        raise TrainingError(f"{path} is no single file.", "Convert it with: xtuner convert pth_to_hf")
    weights = {
        name.removeprefix(MODEL_PREFIX).replace(".default.", "."): tensor
        for name, tensor in _load(path)["state_dict"].items()
        if ".lora_" in name
    }
    if not weights:
        raise TrainingError(f"{path} holds no adapter.")
    lora = job.settings.lora
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": job.base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": sorted({name.split(".lora_")[0].rsplit(".", 1)[1] for name in weights}),
        "bias": "none",
        "inference_mode": True,
    }
    _save(weights, config, out)


class _Ignored:
    """Stands for every object of a checkpoint that is no tensor."""

    def __init__(self, *_arguments: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass


def _load(path: Path) -> dict[str, Any]:
    """The tensors of a pickle, through torch's restricted reader."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("reading a checkpoint", "train") from error
    from pickle import UnpicklingError

    allowed: list[Any] = [(_Ignored, name) for name in BOOKKEEPING]
    try:
        with torch.serialization.safe_globals(allowed):
            loaded: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise TrainingError(f"{path} holds more than tensors and mmengine's records: {error}") from error
    return loaded


def _save(weights: Mapping[str, Any], config: Mapping[str, Any], out: Path) -> None:
    from safetensors.torch import save_file

    unfinished = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in weights.items()},
        unfinished / "adapter_model.safetensors",
    )
    write_json(unfinished / "adapter_config.json", dict(config))
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)

"""What another trainer saved as pickles, rewritten as safetensors without running what they hold."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tilth.errors import FolderError, MissingExtra, TrainingError, UserError
from tilth.models.internlm2 import read_layout
from tilth.models.opened import is_internlm2
from tilth.store.files import read_json, write_json
from tilth.training.base import Job
from tilth.training.internlm2_adapter import Adapter, to_internlm2, to_llama

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


def adapter_from_folder(source: Path, out: Path, base: Path) -> None:
    """Rewrite an adapter folder; one of an InternLM2 model comes out in the Llama layout, as Tilth opens its base.

    Args:
        source: `adapter_config.json` beside `adapter_model.bin` or `adapter_model.safetensors`.
        out: the folder to write.
        base: the base model's folder.

    Raises:
        TrainingError: the file holds more than tensors.
    """
    safe = source / "adapter_model.safetensors"
    weights = _load(source / "adapter_model.bin") if not safe.exists() else _load_safe(safe)
    _save(Adapter(weights, read_json(source / "adapter_config.json")), out, base)


def adapter_to_internlm2(source: Path, base: Path, out: Path) -> None:
    """Write an adapter that was trained on the Llama layout for the original InternLM2 folder.

    Raises:
        UserError: the base is no InternLM2 model, or the adapter no plain LoRA adapter.
        FolderError: `out` exists and is no adapter.
    """
    if not is_internlm2(base):
        raise UserError(
            f"{base} is no InternLM2 model: other tools read its adapter as it is, from {source}."
        )
    if out.exists() and any(out.iterdir()) and not (out / "adapter_config.json").exists():
        raise FolderError(f"{out} exists and is no adapter.", "Name another folder.")
    adapter = Adapter(
        _load_safe(source / "adapter_model.safetensors"), read_json(source / "adapter_config.json")
    )
    written = to_internlm2(adapter, read_layout(read_json(base / "config.json")))
    written.config["base_model_name_or_path"] = base.resolve().as_posix()
    _write(written, out)


def weights_from_bins(folder: Path) -> None:
    """Put `*.safetensors` beside the `pytorch_model*.bin` of a model folder, where there are none.

    Raises:
        TrainingError: a file holds more than tensors.
    """
    files = sorted(folder.glob("pytorch_model*.bin"))
    if not files or any(folder.glob("*.safetensors")):
        return
    from safetensors.torch import save_file

    for path in files:
        # Tied weights lie in one place in memory, and safetensors wants each in its own.
        weights = {name: tensor.clone().contiguous() for name, tensor in _load(path).items()}
        unfinished = folder / f".{path.name}.tmp"
        save_file(weights, unfinished, metadata={"format": "pt"})
        unfinished.rename(folder / _safe_name(path.name))
    index = folder / "pytorch_model.bin.index.json"
    if index.exists():
        about = read_json(index)
        about["weight_map"] = {name: _safe_name(file) for name, file in about["weight_map"].items()}
        write_json(folder / "model.safetensors.index.json", about)


def _safe_name(name: str) -> str:
    return f"{name.removeprefix('pytorch_').removesuffix('.bin')}.safetensors"


def adapter_from_checkpoint(work: Path, out: Path, job: Job, base: Path) -> None:
    """Take the adapter out of the last `.pth` of a work folder; for InternLM2 as `adapter_from_folder` does.

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
    _save(Adapter(weights, config), out, base)


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


def _load_safe(path: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(path))


def _save(adapter: Adapter, out: Path, base: Path) -> None:
    if is_internlm2(base):
        adapter = to_llama(adapter, read_layout(read_json(base / "config.json")))
    _write(adapter, out)


def _write(adapter: Adapter, out: Path) -> None:
    from safetensors.torch import save_file

    unfinished = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    save_file(
        {name: tensor.contiguous() for name, tensor in adapter.weights.items()},
        unfinished / "adapter_model.safetensors",
    )
    write_json(unfinished / "adapter_config.json", dict(adapter.config))
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)

"""What the machine offers, what is chosen, and what that makes of a job: the arguments of trl's trainer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import UserError
from tilth.models.loader import Hardware, find_hardware
from tilth.training.base import Job, whole
from tilth.training.hf import DEEPSPEED_FILE, OWN_EXTRA, WARM_UP, uses_deepspeed

if TYPE_CHECKING:
    from trl import SFTConfig

CHECKPOINTS = 0.2
"""A checkpoint and a validation loss after each fifth of the steps: a kill loses no more than that."""
LOG_POINTS = 0.005
"""A loss after each 200th of the steps; every step of a short training."""


@dataclass(frozen=True)
class Choices:
    """How a job runs on this machine."""

    hardware: Hardware
    attention: str | None
    """What is asked for by name; `None` leaves it to transformers."""
    liger: bool
    processes: int
    deepspeed: bool
    why_not_liger: str = ""
    loaded: str = ""
    """The attention that the loaded model runs with, once it is loaded."""

    def said(self) -> list[str]:
        """Each choice, with its reason, for the log."""
        cuda = self.hardware.device == "cuda"
        attention = self.loaded or self.attention or "what the model has"
        why = "" if self.attention else " (flash-attn is not installed)" if cuda else " (no CUDA device)"
        liger = "on" if self.liger else f"off ({self.why_not_liger})"
        share = "DeepSpeed ZeRO-2" if self.deepspeed else "data parallel"
        how = f"{self.processes} processes, {share}" if self.processes > 1 else "1 process"
        return [f"training on {self.hardware}", f"attention: {attention}{why}; liger kernels: {liger}; {how}"]


def choose(job: Job) -> Choices:
    """What to use of what is here."""
    from transformers.utils import is_flash_attn_2_available

    hardware = find_hardware()
    flash = hardware.device == "cuda" and is_flash_attn_2_available()
    extra = job.settings.extra
    why_not_liger = _why_not_liger(hardware, bool(extra.get("use_liger_kernel")))
    return Choices(
        hardware,
        extra.get("attn_implementation") or ("flash_attention_2" if flash else None),
        not why_not_liger,
        int(os.environ.get("WORLD_SIZE", "1")),
        uses_deepspeed(job.settings),
        why_not_liger,
    )


def _why_not_liger(hardware: Hardware, wanted: bool) -> str:
    """Why liger's kernels stay off; empty where they run."""
    if hardware.device != "cuda":
        return "no CUDA device"
    if not wanted:
        return "train.extra: use_liger_kernel turns them on"
    return "" if find_spec("liger_kernel") is not None else "liger-kernel is not installed"


def arguments(job: Job, folder: Path, choices: Choices, evaluate: bool) -> SFTConfig:
    """What the recipe says, over defaults that `train.extra` may change; liger's kernels only where they run.

    Raises:
        UserError: `train.extra` is none of trl's, or sets what the recipe sets.
    """
    from trl import SFTConfig

    settings = job.settings
    said: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": settings.epochs,
        "learning_rate": settings.learning_rate,
        "per_device_train_batch_size": settings.batch_size,
        "gradient_accumulation_steps": settings.gradient_accumulation,
        "max_length": settings.max_length,
        "packing": settings.packing,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "dataset_kwargs": {"skip_prepare_dataset": True},
    }
    if uses_deepspeed(settings):
        said["deepspeed"] = str(folder / DEEPSPEED_FILE)
    given = {name: value for name, value in settings.extra.items() if name not in OWN_EXTRA}
    if "use_liger_kernel" in given:
        given["use_liger_kernel"] = choices.liger
    clash = sorted(said.keys() & given.keys())
    if clash:
        raise UserError(f"train.extra sets {', '.join(clash)}, which train sets itself.", "Remove it there.")
    try:
        return SFTConfig(**_defaults(job, choices.hardware, evaluate) | given | said)
    except (TypeError, ValueError) as error:
        raise UserError(f"train.extra is not what trl's SFTConfig takes: {error}.") from error


def _defaults(job: Job, hardware: Hardware, evaluate: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "per_device_eval_batch_size": job.settings.batch_size,
        "lr_scheduler_type": "cosine",
        "warmup_steps": WARM_UP,
        "bf16": hardware.dtype == "bfloat16",
        "fp16": hardware.dtype == "float16",
        "use_cpu": hardware.device == "cpu",
        "activation_checkpointing": hardware.device != "cpu",
        "dataloader_pin_memory": hardware.device == "cuda",
        "logging_steps": LOG_POINTS,
        "save_steps": CHECKPOINTS,
        "eval_strategy": "steps" if evaluate else "no",
        "eval_steps": CHECKPOINTS,
        "eval_packing": False,
        "save_total_limit": 2,
        "disable_tqdm": True,
        "report_to": "none",
    }
    if evaluate:
        found |= {"metric_for_best_model": "eval_loss", "greater_is_better": False}
        found["load_best_model_at_end"] = patience(job) is not None
        found["restore_callback_states_from_checkpoint"] = patience(job) is not None
    return found


def patience(job: Job) -> int | None:
    """After how many validation losses without a better one the training ends; `None`: never."""
    found = job.settings.extra.get("early_stopping_patience")
    if found is None:
        return None
    if job.validation is None:
        raise UserError(
            "early_stopping_patience needs a validation side to watch.",
            "Give split.grouped a share for validation, or remove it from train.extra.",
        )
    if not isinstance(found, int) or found < 1:
        raise UserError(f"early_stopping_patience is {found!r}.", "Give a whole number of validation losses.")
    return found


def lora(job: Job) -> Any:
    """The adapter's shape."""
    from peft import LoraConfig

    wanted = job.settings.lora
    return LoraConfig(
        r=wanted.rank,
        lora_alpha=whole(wanted.alpha),
        lora_dropout=wanted.dropout,
        target_modules=wanted.target,
        task_type="CAUSAL_LM",
    )


def four_bits(hardware: Hardware) -> Any:
    """NF4 with double quantization (Dettmers et al. 2023, arXiv 2305.14314)."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, hardware.dtype),
    )

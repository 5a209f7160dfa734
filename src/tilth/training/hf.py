"""The backend `hf`: transformers, peft and trl in a process of their own, through `hf_worker`."""

from __future__ import annotations

import math
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from tilth.errors import MissingExtra, TrainingError, UserError
from tilth.models.loader import load_template, load_tokenizer
from tilth.recipe.schema import Train
from tilth.store.files import write_json, write_text
from tilth.training.base import BACKENDS, JOB_FILE, Artifact, Job, Lint
from tilth.training.lint import template_faults

WARM_UP = 0.03
"""The share of the optimizer steps on which the learning rate rises."""
MIN_STEPS = 20
"""Fewer optimizer steps than this hardly move a model; the warm-up alone takes some of them."""


OWN_EXTRA = ("attn_implementation", "deepspeed", "early_stopping_patience", "processes")
"""What `train.extra` may say to this backend itself; the rest goes to trl's `SFTConfig`."""
DEEPSPEED_FILE, ACCELERATE_FILE = "deepspeed_zero2.json", "accelerate.yaml"
WORKER = "tilth.training.hf_worker"


class HuggingFace:
    """LoRA, QLoRA and full training with the current Hugging Face stack."""

    name = "hf"

    def prepare(self, job: Job, folder: Path) -> list[str]:
        """Besides `job.json`, what several processes need; the command then runs under torch's own launcher.

        Raises:
            MissingExtra: a package is not installed.
            UserError: `train.extra` asks for something that is not here.
        """
        python = job.settings.python
        if python is None:
            _need_packages(job)
        count = processes(job.settings)
        if uses_deepspeed(job.settings):
            write_json(folder / DEEPSPEED_FILE, ZERO2)
        launcher = ["-m", WORKER]
        if count > 1:
            write_text(folder / ACCELERATE_FILE, ACCELERATE.format(count=count))
            launcher = [
                "-m",
                "torch.distributed.run",
                "--standalone",
                f"--nproc-per-node={count}",
                "-m",
                WORKER,
            ]
        return [python or sys.executable, *launcher, JOB_FILE]

    def check(self, job: Job, folder: Path) -> list[Lint]:
        """Few steps, and the faults of the chat template where the model is here."""
        samples = len((folder / job.train).read_bytes().splitlines())
        base = folder / job.base
        if not (base / "config.json").is_file():
            return check_steps(samples, job)
        return [*template_faults(load_template(base), load_tokenizer(base)), *check_steps(samples, job)]

    def collect(self, job: Job, folder: Path) -> Artifact:
        """`adapter/`, or `full/` where the whole model was trained."""
        if job.settings.method == "full":
            return found_model(folder / "full")
        return found_adapter(folder / "adapter")


def processes(settings: Train) -> int:
    """How many processes train: `processes` of `train.extra`, else one for each CUDA device.

    Raises:
        UserError: the setting is no whole number above 0.
    """
    wanted = settings.extra.get("processes")
    if wanted is None:
        return _devices()
    if not isinstance(wanted, int) or wanted < 1:
        raise UserError(
            f"train.extra.processes is {wanted!r}.", "Give the number of processes, for example 2."
        )
    return wanted


def _devices() -> int:
    """CUDA devices of this machine; asking costs an import of torch, so only where a driver is."""
    if not Path("/proc/driver/nvidia").exists() and os.environ.get("CUDA_VISIBLE_DEVICES") is None:
        return 1
    if find_spec("torch") is None:
        return 1
    import torch

    return max(1, int(torch.cuda.device_count()))


def uses_deepspeed(settings: Train) -> bool:
    """Whether DeepSpeed shards optimizer and gradients: `deepspeed` of `train.extra` says `zero2`.

    Raises:
        UserError: it says something else.
    """
    wanted = settings.extra.get("deepspeed")
    if wanted not in (None, False, "zero2"):
        raise UserError(f"train.extra.deepspeed is {wanted!r}.", "Write `deepspeed: zero2`, or leave it out.")
    return wanted == "zero2"


def optimizer_steps(rows: int, settings: Train, processes: int = 1) -> int:
    """How many optimizer steps a training on so many rows makes, as transformers counts them."""
    batches = math.ceil(rows / (settings.batch_size * processes))
    return math.ceil(math.ceil(batches / settings.gradient_accumulation) * settings.epochs)


def warm_up_steps(steps: int, settings: Train) -> int:
    """How many of them the learning rate rises on: `warmup_steps` of `train.extra`, below 1 a share of all steps."""
    wanted = float(settings.extra.get("warmup_steps", WARM_UP))
    return math.ceil(steps * wanted) if wanted < 1 else int(wanted)


def check_steps(rows: int, job: Job) -> list[Lint]:
    """Warn where a job makes too few optimizer steps to learn much."""
    batch = job.settings.batch_size * job.settings.gradient_accumulation
    steps = optimizer_steps(rows, job.settings, processes(job.settings))
    if steps >= MIN_STEPS:
        return []
    return [
        Lint(
            "few_steps",
            f"{rows} rows in batches of {batch} over {job.settings.epochs:g} epochs make only {steps} optimizer steps.",
            "Lower gradient_accumulation or batch_size, or raise epochs.",
        )
    ]


def found_adapter(path: Path) -> Artifact:
    """The adapter in a folder.

    Raises:
        TrainingError: it is not there, or not in safetensors.
    """
    return _found("adapter", path, "adapter_config.json", "adapter_model.safetensors")


def found_model(path: Path) -> Artifact:
    """The whole model in a folder.

    Raises:
        TrainingError: it is not there, or not in safetensors.
    """
    return _found("full", path, "config.json", "*.safetensors")


def _found(kind: str, path: Path, *patterns: str) -> Artifact:
    for pattern in patterns:
        if not any(path.glob(pattern)):
            raise TrainingError(f"{path} has no {pattern}.")
    return Artifact("adapter" if kind == "adapter" else "full", path)


ZERO2 = {
    "zero_optimization": {
        "stage": 2,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_bucket_size": "auto",
        "allgather_partitions": True,
    },
    "bf16": {"enabled": "auto"},
    "fp16": {"enabled": "auto"},
    "gradient_clipping": "auto",
    "train_batch_size": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
}
"""ZeRO stage 2 (Rajbhandari et al. 2020, arXiv 1910.02054); `auto` is filled in from the trainer's arguments."""
ACCELERATE = """\
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU
num_machines: 1
num_processes: {count}
mixed_precision: 'no'
use_cpu: false
"""
"""For `accelerate launch --config_file accelerate.yaml -m tilth.training.hf_worker job.json`. The trainer sets the
precision itself, and DeepSpeed where it is asked for."""


def _need_packages(job: Job) -> None:
    needed = ["torch", "transformers", "trl", "datasets", "accelerate"]
    if job.settings.method != "full":
        needed.append("peft")
    if uses_deepspeed(job.settings) and find_spec("deepspeed") is None:
        raise UserError(
            "`deepspeed: zero2` needs DeepSpeed.", "Install it with: pip install deepspeed; or leave it out."
        )
    if any(find_spec(name) is None for name in needed):
        raise MissingExtra("training with `backend: hf`", "train")
    if job.settings.method == "qlora" and find_spec("bitsandbytes") is None:
        raise UserError(
            "`method: qlora` needs bitsandbytes.", "Install it with: pip install bitsandbytes; or use lora."
        )


BACKENDS.add("hf", HuggingFace())

"""The backend `hf`: transformers, peft and trl in a process of their own, through `hf_worker`."""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from pathlib import Path

from tilth.errors import MissingExtra, TrainingError, UserError
from tilth.recipe.schema import Train
from tilth.training.base import BACKENDS, JOB_FILE, Artifact, Job, Lint

WARM_UP = 0.03
"""The share of the optimizer steps on which the learning rate rises."""
MIN_STEPS = 20
"""Fewer optimizer steps than this hardly move a model; the warm-up alone takes some of them."""


class HuggingFace:
    """LoRA, QLoRA and full training with the current Hugging Face stack."""

    name = "hf"

    def prepare(self, job: Job, folder: Path) -> list[str]:
        """Nothing but `job.json` is needed; `torchrun` or `accelerate launch` may stand in front of the command."""
        python = job.settings.python
        if python is None:
            _need_packages(job)
        return [python or sys.executable, "-m", "tilth.training.hf_worker", JOB_FILE]

    def check(self, job: Job, folder: Path) -> list[Lint]:
        """Few steps."""
        samples = len((folder / job.train).read_bytes().splitlines())
        return check_steps(samples, job)

    def collect(self, job: Job, folder: Path) -> Artifact:
        """`adapter/`, or `full/` where the whole model was trained."""
        if job.settings.method == "full":
            return found_model(folder / "full")
        return found_adapter(folder / "adapter")


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
    steps = optimizer_steps(rows, job.settings)
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


def _need_packages(job: Job) -> None:
    needed = ["torch", "transformers", "trl", "datasets", "accelerate"]
    if job.settings.method != "full":
        needed.append("peft")
    if any(find_spec(name) is None for name in needed):
        raise MissingExtra("training with `backend: hf`", "train")
    if job.settings.method == "qlora" and find_spec("bitsandbytes") is None:
        raise UserError(
            "`method: qlora` needs bitsandbytes.", "Install it with: pip install bitsandbytes; or use lora."
        )


BACKENDS.add("hf", HuggingFace())

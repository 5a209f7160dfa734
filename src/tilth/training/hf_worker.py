"""The process that trains: `python -m tilth.training.hf_worker job.json`.

It also starts under `torchrun` or `accelerate launch`; the first process writes the files.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import TilthError, TrainingError, UserError
from tilth.models.loader import Hardware, find_hardware, load_model, load_template, load_tokenizer
from tilth.models.local import IGNORED
from tilth.models.opened import open_model
from tilth.store.files import write_json
from tilth.training.base import Job, whole
from tilth.training.data import read_data
from tilth.training.hf import WARM_UP
from tilth.training.progress import clean_checkpoints, last_checkpoint, loss_log
from tilth.training.rows import Rows, encode_samples

if TYPE_CHECKING:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

log = logging.getLogger(__name__)

CHECKPOINTS = 0.2
"""A checkpoint and a validation loss after each fifth of the steps: a kill loses no more than that."""
LOG_POINTS = 0.005
"""A loss after each 200th of the steps; every step of a short training."""


def main(arguments: list[str]) -> int:
    """Train as a job file says; returns an exit code."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    logging.getLogger("bitsandbytes").setLevel(logging.CRITICAL)
    # The stack warns about its own use of its own older names; nobody who reads this log can change that.
    warnings.filterwarnings("ignore", category=FutureWarning)
    log.setLevel(logging.INFO if _rank() == 0 else logging.ERROR)
    path = Path(arguments[0])
    try:
        work(Job.load(path), path.parent)
    except TilthError as error:
        log.error("%s", error)
        return error.exit_code
    return 0


def work(job: Job, folder: Path) -> None:
    """Encode, train, and leave the result in `adapter/` or `full/`.

    Raises:
        UserError: the job does not fit to this machine.
        TrainingError: there is nothing to train on.
    """
    hardware = find_hardware()
    _check_packing(job, hardware)
    log.info("training on %s", hardware)
    rows = _encode(job, folder, job.train)
    if _rank() == 0:
        write_json(folder / "rows.json", rows.summary())
    if not rows:
        raise TrainingError("no sample is left to train on.", "rows.json says why each was left out.")
    validation = _encode(job, folder, job.validation) if job.validation else None
    clean_checkpoints(folder)
    resume = last_checkpoint(folder)
    trainer = _trainer(job, folder, hardware, rows, validation)
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if validation and not any(
        "eval_loss" in row and row["step"] == trainer.state.global_step for row in trainer.state.log_history
    ):
        trainer.evaluate()
    _save(job, folder, trainer)


def _check_packing(job: Job, hardware: Hardware) -> None:
    from transformers.utils import is_flash_attn_2_available

    if job.settings.packing and not (hardware.device == "cuda" and is_flash_attn_2_available()):
        raise UserError(
            "packing needs a CUDA device with flash-attn: elsewhere nothing proves that samples packed together "
            "cannot read each other.",
            "Set train.packing to false.",
        )


def _encode(job: Job, folder: Path, file: str) -> Rows:
    base = folder / job.base
    samples = read_data(folder / file, folder / job.index, job.format)
    rows = encode_samples(samples, load_template(base), load_tokenizer(base), job.settings.max_length)
    log.info(
        "%s: %d rows, %d tokens; truncated %d, without a trained token %d, refused by the chat template %d",
        Path(file).name,
        len(rows),
        sum(map(len, rows.ids)),
        len(rows.truncated),
        len(rows.untrained),
        len(rows.refused),
    )
    return rows


def _dataset(rows: Rows) -> Dataset:
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": rows.ids, "labels": rows.labels(IGNORED)})


def _trainer(job: Job, folder: Path, hardware: Hardware, rows: Rows, validation: Rows | None) -> SFTTrainer:
    from transformers import AutoTokenizer, PrinterCallback
    from trl import SFTTrainer

    settings = job.settings
    options: dict[str, Any] = {"attn_implementation": "flash_attention_2"} if settings.packing else {}
    if settings.method == "qlora":
        options["quantization_config"] = _four_bits(hardware)
    precise = hardware._replace(dtype="float32") if settings.method == "full" else hardware
    model = load_model(folder / job.base, precise, **options)
    model.config.use_cache = False
    trainer = SFTTrainer(
        model=model,
        args=arguments(job, folder, hardware, evaluate=bool(validation)),
        train_dataset=_dataset(rows),
        eval_dataset=_dataset(validation) if validation else None,
        processing_class=AutoTokenizer.from_pretrained(open_model(folder / job.base), local_files_only=True),
        peft_config=_lora(job) if settings.method != "full" else None,
        callbacks=[loss_log(folder, log.info)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def arguments(job: Job, folder: Path, hardware: Hardware, evaluate: bool) -> SFTConfig:
    """What the recipe says, over defaults that `train.extra` may change."""
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
        "dataset_kwargs": {"skip_prepare_dataset": not settings.packing},
    }
    defaults: dict[str, Any] = {
        "per_device_eval_batch_size": settings.batch_size,
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
    clash = sorted(said.keys() & settings.extra.keys())
    if clash:
        raise UserError(f"train.extra sets {', '.join(clash)}, which train sets itself.", "Remove it there.")
    try:
        return SFTConfig(**defaults | dict(settings.extra) | said)
    except (TypeError, ValueError) as error:
        raise UserError(f"train.extra is not what trl's SFTConfig takes: {error}.") from error


def _lora(job: Job) -> Any:
    from peft import LoraConfig

    lora = job.settings.lora
    return LoraConfig(
        r=lora.rank,
        lora_alpha=whole(lora.alpha),
        lora_dropout=lora.dropout,
        target_modules=lora.target,
        task_type="CAUSAL_LM",
    )


def _four_bits(hardware: Hardware) -> Any:
    """NF4 with double quantization (Dettmers et al. 2023, arXiv 2305.14314)."""
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, hardware.dtype),
    )


def _save(job: Job, folder: Path, trainer: SFTTrainer) -> None:
    """Write the result beside its final name, then rename: a half-written model is never found."""
    final = folder / ("full" if job.settings.method == "full" else "adapter")
    unfinished = final.with_name(f".{final.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    trainer.save_model(str(unfinished))
    if _rank() == 0:
        for extra in ("training_args.bin", "README.md"):
            (unfinished / extra).unlink(missing_ok=True)
        (folder / "README.md").unlink(missing_ok=True)
        shutil.rmtree(final, ignore_errors=True)
        unfinished.rename(final)
        log.info("saved %s", final.name)


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

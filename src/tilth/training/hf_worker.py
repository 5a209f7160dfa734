"""The process that trains: `python -m tilth.training.hf_worker job.json`.

It also starts under `torchrun` or `accelerate launch`; the first process writes the files.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import TilthError, TrainingError
from tilth.models.loader import load_model, load_template, load_tokenizer
from tilth.models.local import IGNORED
from tilth.models.opened import open_model
from tilth.store.files import write_json
from tilth.training.base import Job
from tilth.training.data import read_data
from tilth.training.hf_arguments import Choices, arguments, choose, four_bits, lora, patience
from tilth.training.isolation import prove_isolation
from tilth.training.packing import pack
from tilth.training.progress import clean_checkpoints, last_checkpoint, loss_log
from tilth.training.rows import Rows, encode_samples

if TYPE_CHECKING:
    from datasets import Dataset
    from trl import SFTTrainer

log = logging.getLogger(__name__)


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
    _own_device()
    choices = choose(job)
    log.info(choices.said()[0])
    rows = _encode(job, folder, job.train)
    if _rank() == 0:
        write_json(folder / "rows.json", rows.summary())
        clean_checkpoints(folder)
    if not rows:
        raise TrainingError("no sample is left to train on.", "rows.json says why each was left out.")
    validation = _encode(job, folder, job.validation) if job.validation else None
    resume = last_checkpoint(folder)
    trainer = make_trainer(job, folder, choices, rows, validation)
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if validation and not any(
        "eval_loss" in row and row["step"] == trainer.state.global_step for row in trainer.state.log_history
    ):
        trainer.evaluate()
    _save(job, folder, trainer)


def _own_device() -> None:
    """Under a launcher each process has a device to itself."""
    import torch

    if torch.cuda.is_available() and "LOCAL_RANK" in os.environ:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))


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


def _dataset(rows: Rows, room: int | None = None) -> Dataset:
    """Rows as trl takes them; with `room`, packed into rows of so many tokens."""
    from datasets import Dataset

    ids, labels = rows.ids, rows.labels(IGNORED)
    if room is None:
        return Dataset.from_dict({"input_ids": ids, "labels": labels})
    packs = pack([len(row) for row in ids], room)
    log.info(
        "packed %d samples into %d rows of at most %d tokens; every token is kept", len(ids), len(packs), room
    )
    return Dataset.from_dict(
        {
            "input_ids": [[token for i in packed for token in ids[i]] for packed in packs],
            "labels": [[label for i in packed for label in labels[i]] for packed in packs],
            "seq_lengths": [[len(ids[i]) for i in packed] for packed in packs],
        }
    )


def make_trainer(
    job: Job, folder: Path, choices: Choices, rows: Rows, validation: Rows | None = None
) -> SFTTrainer:
    """The trainer of trl over our labels.

    Raises:
        UserError: the settings do not fit together, or packing would let samples read each other.
    """
    from transformers import AutoTokenizer, PrinterCallback
    from trl import SFTTrainer

    settings, hardware = job.settings, choices.hardware
    options: dict[str, Any] = {"attn_implementation": choices.attention} if choices.attention else {}
    if settings.method == "qlora":
        options["quantization_config"] = four_bits(hardware)
    precise = hardware._replace(dtype="float32") if settings.method == "full" else hardware
    model = load_model(folder / job.base, precise, **options)
    model.config.use_cache = False
    choices = replace(choices, loaded=str(model.config._attn_implementation))
    log.info(choices.said()[1])
    if settings.packing:
        moved = prove_isolation(model, hardware)
        log.info(
            "packed samples cannot read each other (logits of one move by %.0e when another changes)", moved
        )
    trainer = SFTTrainer(
        model=model,
        args=arguments(job, folder, choices, evaluate=bool(validation)),
        train_dataset=_dataset(rows, settings.max_length if settings.packing else None),
        eval_dataset=_dataset(validation) if validation else None,
        processing_class=AutoTokenizer.from_pretrained(open_model(folder / job.base), local_files_only=True),
        peft_config=lora(job) if settings.method != "full" else None,
        callbacks=_callbacks(job, folder, choices),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _callbacks(job: Job, folder: Path, choices: Choices) -> list[Any]:
    from transformers import EarlyStoppingCallback

    found: list[Any] = [loss_log(folder, log.info, choices.said())]
    wait = patience(job)
    if wait is not None:
        found.append(EarlyStoppingCallback(early_stopping_patience=wait))
    return found


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

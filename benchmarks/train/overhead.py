"""`python -m benchmarks.train.overhead`: CPU time of a training step against a bare trl script on the same job.

Same model, same rows, same arguments: the bare script gives the conversations to trl's SFTTrainer and lets it tokenize
and mask; ours is what `tilth train` runs in its worker, with its labels, its log and its marks on checkpoints. Each
round trains both from the start, in turn, and only `train()` is timed; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.today import today
from benchmarks.train.job import conversations, job_of, make_base, make_run

from tilth import __version__
from tilth.models.loader import load_model
from tilth.training.base import Job
from tilth.training.data import read_data
from tilth.training.hf_arguments import arguments, choose, lora
from tilth.training.hf_worker import make_trainer
from tilth.training.rows import encode_samples

TARGET = 1.02
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "training.md"
MARK = "<!-- overhead -->"


def bare_trainer(job: Job, folder: Path, rows: list[dict[str, Any]]) -> Any:
    """A trl script as its manual has it."""
    from datasets import Dataset
    from transformers import AutoTokenizer, PrinterCallback
    from trl import SFTTrainer

    choices = choose(job)
    hardware = choices.hardware
    wanted = arguments(job, folder, choices, evaluate=False)
    wanted.dataset_kwargs = None
    wanted.assistant_only_loss = True
    model = load_model(folder / job.base, hardware)
    model.config.use_cache = False
    made = SFTTrainer(
        model=model,
        args=wanted,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder / job.base),
        peft_config=lora(job),
    )
    made.remove_callback(PrinterCallback)
    return made


def our_trainer(job: Job, folder: Path) -> Any:
    """What `tilth train` runs."""
    from tilth.models.loader import load_template, load_tokenizer

    base = folder / job.base
    samples = read_data(folder / job.train, folder / job.index, job.format)
    encoded = encode_samples(samples, load_template(base), load_tokenizer(base), job.settings.max_length)
    return make_trainer(job, folder, choose(job), encoded)


def seconds_a_step(trainer: Any, folder: Path) -> float:
    """CPU seconds of this process for each optimizer step."""
    for path in folder.glob("checkpoint-*"):
        shutil.rmtree(path)
    start = time.process_time()
    trainer.train()
    return (time.process_time() - start) / trainer.state.global_step


def main() -> None:
    """Measure, print, and write the section of the page where asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows = conversations(options.rows, 400)
        weights = make_base(folder / "base", "tiny", 2048, None)
        run = make_run(folder / "run", rows)
        job = job_of(run, folder / "base", epochs=1)
        figures: dict[str, list[float]] = {"bare": [], "ours": []}
        steps = 0
        for _ in range(options.rounds + 1):
            for name, trainer in (
                ("bare", bare_trainer(job, run.model, rows)),
                ("ours", our_trainer(job, run.model)),
            ):
                figures[name].append(seconds_a_step(trainer, run.model))
                steps = trainer.state.global_step
    bare, ours = figures["bare"][1:], figures["ours"][1:]
    ratios = [b / a for a, b in zip(bare, ours, strict=True)]
    text = (
        f"| CPU ms a step, bare trl | `tilth train` | ratio of a round | median | target |\n|---:|---:|---|---:|---:|\n"
        f"| {1000 * median(bare):.1f} | {1000 * median(ours):.1f} | {', '.join(f'{r:.3f}' for r in ratios)} "
        f"| {median(ratios):.3f} | {TARGET} |\n\n"
        f"{steps} steps of LoRA on {weights:,} weights, batches of 4, one thread, {options.rounds} rounds after a first "
        f"one that does not count. Tilth {__version__}, torch {version('torch')}, transformers "
        f"{version('transformers')}, trl {version('trl')}, peft {version('peft')}, {today()}."
    )
    print(text)
    if options.write:
        write_section(MARK, text)


def write_section(mark: str, text: str) -> None:
    """Put a text behind its mark on the page, in place of what stood there."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, behind = page.partition(mark)
    rest = behind.partition("\n## ")
    after = f"\n## {rest[2]}" if rest[1] else ""
    PAGE.write_text(f"{before}{mark}\n\n{text}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()

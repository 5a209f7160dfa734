"""`python -m benchmarks.train.gpu`: our default settings against trl's on a CUDA device, as ratios.

A random model of InternLM2's shape learns from long-tailed conversations for some steps under three settings: trl's own
defaults (with the loss on answers alone, as ours), Tilth's defaults, and Tilth's with packing. Printed are learned-from
tokens a second (padding does not count), the share of the device's peak arithmetic that is (MFU, 6 × weights × tokens;
4 × for LoRA, whose base gets no weight gradients) and peak memory. Without a CUDA device nothing is measured: `--dry`
then runs the same code on the CPU at a tiny size, to show that it works.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.today import today
from benchmarks.train.job import SHAPES, conversations, job_of, make_base, make_run
from benchmarks.train.overhead import write_section

from tilth import __version__
from tilth.recipe.schema import Train
from tilth.store.folder import RunFolder
from tilth.training.base import Job
from tilth.training.hf_arguments import choose, lora

PEAK = {
    "H100": 989e12,
    "H200": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "4090": 165e12,
    "3090": 71e12,
}
"""Dense bfloat16 operations a second, from the makers' data sheets."""
MARK = "<!-- gpu -->"
NOT_RUN = "Not run: this machine has no CUDA device. Run it where there is one: python -m benchmarks.train.gpu --write"
VOCABULARY = 92_544
"""InternLM2's."""


class Figures(NamedTuple):
    """What one contestant did."""

    tokens: float
    """Tokens a second, padding not counted."""
    mfu: float | None
    memory: float | None
    """Peak GB (10⁹ bytes) of device memory."""


def trl_defaults(job: Job, folder: Path, rows: list[dict[str, Any]], steps: int) -> Any:
    """A trl script that sets nothing but what the job is."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    cuda = torch.cuda.is_available()
    return SFTTrainer(
        model=str((folder / job.base).resolve()),
        args=SFTConfig(
            output_dir=str(folder / "trl"),
            max_steps=steps,
            max_length=job.settings.max_length,
            per_device_train_batch_size=job.settings.batch_size,
            assistant_only_loss=True,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **({} if cuda else {"use_cpu": True, "bf16": False}),
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(folder / job.base),
        peft_config=lora(job) if job.settings.method != "full" else None,
    )


def ours(job: Job, folder: Path, _rows: list[dict[str, Any]], steps: int) -> Any:
    """What `tilth train` runs, for so many steps."""
    from benchmarks.train.overhead import our_trainer

    made = our_trainer(job, folder)
    made.args.max_steps, made.args.save_strategy = steps, "no"
    return made


def measure(trainer: Any, weights: int, passes: int) -> Figures:
    """Train once to warm up and once for the figures."""
    import torch

    cuda = torch.cuda.is_available()
    trainer.train()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    before = trainer._total_train_tokens
    start = time.perf_counter()
    trainer.train()
    if cuda:
        torch.cuda.synchronize()
    tokens = (trainer._total_train_tokens - before) / (time.perf_counter() - start)
    if not cuda:
        return Figures(tokens, None, None)
    peak = next((v for name, v in PEAK.items() if name in torch.cuda.get_device_name()), None)
    used = passes * weights * tokens / peak if peak else None
    return Figures(tokens, used, torch.cuda.max_memory_allocated() / 1e9)


def compete(options: argparse.Namespace, method: str, place: Path) -> list[str]:
    """The table rows of one method."""
    import torch

    weights = make_base(place / "base", options.shape, options.max_length, options.vocabulary)
    rows = conversations(options.rows, options.max_length)
    run: RunFolder = make_run(place / "run", rows)
    defaults = Train(base_model="x")
    common = {"method": method, "max_length": options.max_length, "batch_size": defaults.batch_size}
    contestants = {
        "trl defaults": (trl_defaults, False),
        "tilth defaults": (ours, False),
        "tilth, packing": (ours, True),
    }
    found: dict[str, Figures] = {}
    for name, (build, packing) in contestants.items():
        job = job_of(run, place / "base", packing=packing, **common)
        trainer = build(job, run.model, rows, options.steps)
        found[name] = measure(trainer, weights, 6 if method == "full" else 4)
        del trainer
        gc.collect()
        torch.cuda.empty_cache()
        print(
            f"{method}, {name}: {found[name]}; {'; '.join(choose(job).said())}", file=sys.stderr, flush=True
        )
    first = found["trl defaults"]
    return [
        f"| {method} | {name} | {f.tokens / first.tokens:.2f} | {_share(f.mfu)} | {_ratio(f.memory, first.memory)} "
        f"| {f.tokens:,.0f} | {'–' if f.memory is None else f'{f.memory:.1f}'} |"
        for name, f in found.items()
    ]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _ratio(value: float | None, first: float | None) -> str:
    return "–" if value is None or not first else f"{value / first:.2f}"


def main() -> int:
    """Measure, print, and write the section of the page where asked to."""
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="400m")
    parser.add_argument("--methods", nargs="*", default=["full", "lora"])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--max-length", type=int, default=2048)
    parser.add_argument("--vocabulary", type=int, default=VOCABULARY)
    parser.add_argument(
        "--dry", action="store_true", help="on the CPU, tiny: shows that the code works, measures nothing"
    )
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if not torch.cuda.is_available() and not options.dry:
        print(NOT_RUN)
        return 0
    if options.dry:
        tiny = {
            "shape": "tiny",
            "steps": 2,
            "rows": 40,
            "max_length": 256,
            "vocabulary": None,
            "write": False,
        }
        options = argparse.Namespace(**vars(options) | tiny)
    warnings.simplefilter("ignore")
    lines = [
        "| method | settings | tokens/s to trl's | MFU | peak memory to trl's | tokens/s | GB |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for method in options.methods:
        with tempfile.TemporaryDirectory() as place:
            lines += compete(options, method, Path(place))
    device = (
        torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU, dry run: these are no figures"
    )
    about = (
        f"{device}; shape {options.shape}, {options.steps} steps, at most {options.max_length} tokens. Tilth {__version__}, "
        f"torch {version('torch')}, transformers {version('transformers')}, trl {version('trl')}, {today()}."
    )
    text = "\n".join([*lines, "", about])
    print(text)
    if options.write:
        write_section(MARK, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

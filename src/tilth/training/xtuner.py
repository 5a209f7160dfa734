"""The backend `xtuner`: XTuner 0.1.17 in an environment of its own, driven by the tutorial's commands.

Nothing here imports XTuner. Its command line always exits with 0, so only the files it leaves are believed.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import jinja2

from tilth.errors import UserError
from tilth.formats import FORMATS
from tilth.models.opened import is_internlm2 as is_internlm2_folder
from tilth.sample import Sample
from tilth.store.files import write_jsonl, write_text
from tilth.training.base import BACKENDS, Artifact, Job, Lint, whole
from tilth.training.convert import adapter_from_checkpoint, adapter_from_folder, weights_from_bins
from tilth.training.data import model_reference, read_data
from tilth.training.hf import found_adapter, found_model
from tilth.training.shape import TINY, is_internlm2, model_type
from tilth.training.xtuner_lint import count_rows, lint_config, lint_packing

FORMAT = "xtuner"
PLACE = "xtuner"
EXTRA = ("deepspeed", "evaluation_inputs", "prompt_template", "system", "trust_remote_code")
INTERNLM2_LINEAR = ["wqkv", "wo", "w1", "w2", "w3"]
"""Every linear layer of InternLM2 but its head `output`, which XTuner would take for one of them."""
QUESTIONS = 2
"""How many questions XTuner asks on the way."""
CHECKPOINTS = 5
"""A stop loses at most a fifth of the training."""


class XTuner:
    """A folder with `config.py`, `train.jsonl` and `train.sh`."""

    name = "xtuner"

    def prepare(self, job: Job, folder: Path) -> list[str]:
        """Write the folder."""
        place = folder / PLACE
        values = _values(job, folder)
        shape = FORMATS.get(FORMAT)
        if shape.write is not None:
            write_jsonl(place / "train.jsonl", map(shape.write, _samples(job, folder, job.train)))
        write_text(place / "config.py", _render("xtuner_config.py.jinja", values))
        write_text(place / "train.sh", _render("xtuner_train.sh.jinja", values))
        return ["bash", f"{PLACE}/train.sh"]

    def check(self, job: Job, folder: Path) -> list[Lint]:
        """The faults of the tutorial's recipe, looked for in what was written."""
        config = (folder / PLACE / "config.py").read_text(encoding="utf-8")
        counted = count_rows(job, folder / job.base, _samples(job, folder, job.train))
        found = lint_config(config, counted.rows)
        name = job.settings.base_model
        if name != TINY and not (folder / job.base).is_dir():
            found.append(
                Lint(
                    "model_not_here",
                    f"{name} is not on this machine, so its tokens could not be counted.",
                    "Name its folder in train.base_model to have packs and steps checked.",
                )
            )
        if model_type(folder / job.base, name) == "internlm2" and not job.settings.extra.get(
            "trust_remote_code"
        ):
            found.append(
                Lint(
                    "needs_remote_code",
                    "XTuner loads InternLM2 with the code from the model's folder, which is off by default.",
                    "If you trust that folder, set train.extra: {trust_remote_code: true}.",
                )
            )
        return found + lint_packing(counted)

    def collect(self, job: Job, folder: Path) -> Artifact:
        """The converted adapter or model, or the adapter inside the last checkpoint; in safetensors.

        XTuner's own merged model gets safetensors too. An adapter of InternLM2 comes in the Llama layout.
        """
        place, base = folder / PLACE, folder / job.base
        for made in (place / "hf", place / "merged"):
            weights_from_bins(made)
        if job.settings.method == "full":
            return found_model(place / "hf")
        safe = (place / "hf" / "adapter_model.safetensors").exists()
        if safe and not is_internlm2_folder(base):
            return found_adapter(place / "hf")
        adapter = folder / "adapter"
        if safe or (place / "hf" / "adapter_model.bin").exists():
            adapter_from_folder(place / "hf", adapter, base)
        else:
            adapter_from_checkpoint(place / "work", adapter, job, base)
        return found_adapter(adapter)


def _samples(job: Job, folder: Path, file: str) -> list[Sample]:
    return list(read_data(folder / file, folder / job.index, job.format))


def _values(job: Job, folder: Path) -> dict[str, Any]:
    """What the two templates name."""
    train, extra = job.settings, job.settings.extra
    _check_settings(job)
    samples = _samples(job, folder, job.train)
    watched = _samples(job, folder, job.validation) if job.validation else samples
    iterations = count_rows(job, folder / job.base, samples).rows * int(train.epochs) // train.batch_size
    deepspeed = extra.get("deepspeed", "deepspeed_zero2")
    return {
        "method": train.method,
        "model": model_reference(job, folder, folder / PLACE),
        "prompt_template": extra.get("prompt_template") or _prompt_template(job, folder),
        "max_length": train.max_length,
        "packing": train.packing,
        "batch_size": train.batch_size,
        "accumulation": train.gradient_accumulation,
        "epochs": int(train.epochs),
        "learning_rate": train.learning_rate,
        "seed": train.seed,
        "save_steps": max(1, iterations // CHECKPOINTS),
        "system": extra.get("system", ""),
        "questions": extra.get("evaluation_inputs") or [s.question for s in watched[:QUESTIONS]],
        "trust_remote_code": bool(extra.get("trust_remote_code", False)),
        "lora": train.lora,
        "alpha": whole(train.lora.alpha),
        "targets": _targets(job, folder),
        "python_folder": str(Path(train.python).parent) if train.python else "",
        "deepspeed": deepspeed or "",
    }


def _check_settings(job: Job) -> None:
    train = job.settings
    unknown = sorted(train.extra.keys() - set(EXTRA))
    if unknown:
        raise UserError(
            f"train.extra holds {', '.join(unknown)}, which the backend xtuner does not know.",
            f"Known: {', '.join(EXTRA)}.",
        )
    if train.epochs != int(train.epochs):
        raise UserError(
            f"XTuner trains whole epochs, not {train.epochs:g}.", "Set train.epochs to an integer."
        )


def _prompt_template(job: Job, folder: Path) -> str:
    if is_internlm2(folder / job.base, job.settings.base_model):
        return "internlm2_chat"
    raise UserError(
        f"Tilth does not know XTuner's name for the chat template of {job.settings.base_model}.",
        "Set it in the recipe: train.extra: {prompt_template: …}",
    )


def _targets(job: Job, folder: Path) -> list[str] | None:
    """The layers to adapt; `None` leaves the choice of all linear layers to XTuner."""
    target = job.settings.lora.target
    if target != "all-linear":
        return [target] if isinstance(target, str) else list(target)
    known = model_type(folder / job.base, job.settings.base_model)
    return INTERNLM2_LINEAR if known == "internlm2" else None


def _render(name: str, values: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {"literal": repr, "quoted": shlex.quote}
    return environment.get_template(name).render(values)


BACKENDS.add("xtuner", XTuner())

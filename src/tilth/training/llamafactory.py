"""The backend `llamafactory`: a folder that LLaMA-Factory 0.9.5 loads as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tilth.errors import UserError
from tilth.formats import FORMATS
from tilth.store.files import write_jsonl, write_text
from tilth.training.base import BACKENDS, Artifact, Job, Lint, whole
from tilth.training.data import model_reference, read_data
from tilth.training.hf import check_steps, found_adapter, found_model
from tilth.training.shape import is_internlm2

FORMAT = "llamafactory_sharegpt"
PLACE = "llamafactory"


class LlamaFactory:
    """Data, `dataset_info.json` and `train.yaml` in one folder; `llamafactory-cli train train.yaml` does the rest."""

    name = "llamafactory"

    def prepare(self, job: Job, folder: Path) -> list[str]:
        """Write the folder."""
        place = folder / PLACE
        shape = FORMATS.get(FORMAT)
        sides = {"train": job.train, "validation": job.validation}
        names = []
        for side, file in sides.items():
            if file is None or shape.write is None:
                continue
            samples = read_data(folder / file, folder / job.index, job.format)
            write_jsonl(place / f"{side}.jsonl", map(shape.write, samples))
            names.append(f"{side}.jsonl")
        for name, text in (shape.companions(names) if shape.companions else {}).items():
            write_text(place / name, text)
        settings = self._settings(job, folder)
        write_text(place / "train.yaml", yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))
        python = job.settings.python
        program = str(Path(python).with_name("llamafactory-cli")) if python else "llamafactory-cli"
        return [program, "train", f"{PLACE}/train.yaml"]

    def check(self, job: Job, folder: Path) -> list[Lint]:
        """Few steps."""
        return check_steps(len((folder / PLACE / "train.jsonl").read_bytes().splitlines()), job)

    def collect(self, job: Job, folder: Path) -> Artifact:
        """The adapter or model in `llamafactory/output`."""
        output = folder / PLACE / "output"
        return found_model(output) if job.settings.method == "full" else found_adapter(output)

    def _settings(self, job: Job, folder: Path) -> dict[str, Any]:
        """The keys of `train.yaml`; the trainer's own names, in the order of its examples."""
        train = job.settings
        lora = train.lora
        target = "all" if lora.target == "all-linear" else lora.target
        method: dict[str, Any] = {"finetuning_type": "full" if train.method == "full" else "lora"}
        if train.method != "full":
            method |= {
                "lora_rank": lora.rank,
                "lora_alpha": whole(lora.alpha),
                "lora_dropout": lora.dropout,
                "lora_target": target if isinstance(target, str) else ",".join(target),
            }
        if train.method == "qlora":
            method |= {"quantization_bit": 4, "quantization_method": "bnb", "double_quantization": True}
        watched: dict[str, Any] = {}
        if job.validation:
            watched = {"eval_dataset": "validation", "eval_strategy": "steps", "eval_steps": 0.2}
        return {
            "model_name_or_path": model_reference(job, folder, folder),
            "stage": "sft",
            "do_train": True,
            **method,
            "dataset_dir": PLACE,
            "dataset": "train",
            **watched,
            **({} if "template" in train.extra else _template(folder / job.base, job)),
            "cutoff_len": train.max_length,
            **({"packing": True, "neat_packing": True} if train.packing else {"packing": False}),
            "output_dir": f"{PLACE}/output",
            "logging_steps": 0.005,
            "save_steps": 0.2,
            "report_to": "none",
            "per_device_train_batch_size": train.batch_size,
            "gradient_accumulation_steps": train.gradient_accumulation,
            "learning_rate": train.learning_rate,
            "num_train_epochs": whole(train.epochs),
            "lr_scheduler_type": "cosine",
            "warmup_ratio": 0.03,
            "seed": train.seed,
            **train.extra,
        }


def _template(base: Path, job: Job) -> dict[str, Any]:
    """LLaMA-Factory's name for the chat template; its built-in system message is switched off."""
    if is_internlm2(base, job.settings.base_model):
        return {"template": "intern2", "default_system": ""}
    raise UserError(
        f"Tilth does not know LLaMA-Factory's name for the chat template of {job.settings.base_model}.",
        "Set it in the recipe: train.extra: {template: …}",
    )


BACKENDS.add("llamafactory", LlamaFactory())

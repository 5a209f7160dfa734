"""Merge an adapter into its base model, and prove that the result says the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilth.errors import FolderError, TrainingError
from tilth.models.loader import (
    Hardware,
    has_template,
    load_adapter,
    load_model,
    load_template,
    load_tokenizer,
    need_folder,
    weights_digest,
)
from tilth.models.opened import open_model
from tilth.sample import Message
from tilth.store.files import read_json, write_json

ABOUT_FILE = "tilth.json"
PROBE = (Message(role="user", content="你好，请介绍一下你自己。"),)
TOLERANCE = 1e-3
"""Largest difference of a logit in float32. Rounding gives about 1e-5; a wrong merge gives 0.1 and more."""
COMPANIONS = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template*",
    "vocab*",
    "merges.txt",
)


@dataclass(frozen=True)
class Merged:
    """A model folder that holds base and adapter in one."""

    path: Path
    difference: float
    """Largest difference of a logit between adapter and merged model on a probe, before rounding to the base's type."""


def merge(base: Path, adapter: Path, out: Path, say: Callable[[str], None] = lambda line: None) -> Merged:
    """Write base and adapter as one model, in the precision of the base; nothing to do where it is there already.

    Raises:
        FolderError: `out` exists and was not made by `merge`.
        TrainingError: the merged model does not say what base and adapter say together.
    """
    base = open_model(need_folder(base), say)
    key = f"{weights_digest(base)}+{weights_digest(adapter)}"
    if out.exists():
        about = read_json(out / ABOUT_FILE) if (out / ABOUT_FILE).exists() else {}
        if about.get("what") != "merged":
            raise FolderError(f"{out} exists and is no merged model of ours.", "Name another folder.")
        if about["key"] == key:
            return Merged(out, about["difference"])
    unfinished = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(unfinished, ignore_errors=True)
    say(f"merging {adapter.name} into {base.name}")
    difference = _merge(base, adapter, unfinished)
    for pattern in COMPANIONS:
        for path in base.glob(pattern):
            shutil.copyfile(path, unfinished / path.name)
    if not has_template(base):
        # Whoever opens the folder next must ask the way it was trained.
        (unfinished / "chat_template.jinja").write_text(load_template(base).text, encoding="utf-8")
    write_json(unfinished / ABOUT_FILE, {"what": "merged", "key": key, "difference": difference})
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)
    say(f"largest difference of a logit: {difference:.1e}")
    return Merged(out, difference)


def _merge(base: Path, adapter: Path, out: Path) -> float:
    import torch

    model = load_model(base, Hardware("cpu", "float32"))
    tuned: Any = load_adapter(model, adapter).eval()
    ids = torch.tensor([load_template(base).prompt_ids(load_tokenizer(base), PROBE)])
    with torch.inference_mode():
        before = tuned(input_ids=ids).logits
    merged = tuned.merge_and_unload(safe_merge=True)
    with torch.inference_mode():
        difference = float((merged(input_ids=ids).logits - before).abs().max())
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"merging {adapter} into {base} changes what the model says: a logit moved by {difference:.2g}.",
            "Serve the adapter over its base instead.",
        )
    config = read_json(base / "config.json")
    merged.to(getattr(torch, config.get("dtype") or config.get("torch_dtype") or "float32"))
    merged.save_pretrained(out)
    return difference

"""Runs in LLaMA-Factory's environment: its own reader over an exported folder; ids and labels of each row it keeps."""

import json
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

# Its module for images and sound imports this one at the top; there is no build of it without CUDA, and no use for it.
sys.modules["torchaudio"] = types.ModuleType("torchaudio")
sys.modules["torchaudio"].__spec__ = ModuleSpec("torchaudio", None)
import yaml  # noqa: E402
from llamafactory.data import get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.data.loader import get_dataset  # noqa: E402
from llamafactory.hparams import get_train_args  # noqa: E402
from llamafactory.model import load_tokenizer  # noqa: E402

given, answer = map(Path, sys.argv[1:])
settings = yaml.safe_load(Path(json.loads(given.read_text())["yaml"]).read_text(encoding="utf-8"))
model, data, training, _, _ = get_train_args(settings | {"fp16": False, "bf16": False})
module = load_tokenizer(model)
template = get_template_and_fix_tokenizer(module["tokenizer"], data)
found = get_dataset(template, model, data, training, stage="sft", **module)
sides = {
    name: [dict(row) for row in found[name]] for name in ("train_dataset", "eval_dataset") if name in found
}
answer.write_text(json.dumps(sides, default=dict))

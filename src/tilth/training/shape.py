"""Which chat shape a base model speaks, for trainers that know templates by name only."""

from __future__ import annotations

from pathlib import Path

from tilth.errors import UserError
from tilth.models.internlm2 import MODEL_TYPE, speaks_internlm2
from tilth.models.loader import load_template
from tilth.store.files import read_json

TINY = "tiny"


def model_type(base: Path, name: str) -> str:
    """What the configuration calls the architecture. Where the model is not here, its name tells what it can."""
    path = base / "config.json"
    if path.is_file():
        return str(read_json(path).get("model_type", ""))
    return MODEL_TYPE if MODEL_TYPE in name.lower() else ""


def is_internlm2(base: Path, name: str) -> bool:
    """Whether a conversation looks to this model as InternLM2 writes it."""
    if name == TINY or model_type(base, name) == MODEL_TYPE:
        return True
    try:
        return speaks_internlm2(load_template(base))
    except UserError:
        return False

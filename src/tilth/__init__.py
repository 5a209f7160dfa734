"""Tilth turns raw text into fine-tuning data you can defend, trains on it, and shows what the training changed.

import tilth

tilth.run("recipe.yaml")                         # what the command line does
tilth.explain("runs/teasers", "raw.jsonl:12")    # one sample's whole life
for sample in tilth.read("raw.jsonl"): ...       # samples, without a recipe
tilth.write(samples, "train.jsonl", "openai")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tilth.engine import explain, run
    from tilth.engine.library import read, write
    from tilth.recipe import Recipe
    from tilth.sample import Message, Sample

__version__ = "0.1.0"
__all__ = ["Message", "Recipe", "Sample", "explain", "read", "run", "write"]

_HOMES = {
    "Message": "tilth.sample",
    "Recipe": "tilth.recipe",
    "Sample": "tilth.sample",
    "explain": "tilth.engine",
    "read": "tilth.engine.library",
    "run": "tilth.engine",
    "write": "tilth.engine.library",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import tilth` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tilth' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]

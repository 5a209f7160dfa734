"""What a set step prepares from the samples alone, kept so that a change of its other settings finds it again."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import numpy as np

from tilth.operators.base import Facts, Read
from tilth.recipe.plan import Step, content_key
from tilth.store.files import atomic, read_json, write_json


def prepare(facts: Facts, read: Read, step: Step, folder: Path, before: str, alive: np.ndarray) -> Facts:
    """The facts with what the step prepares from them, where it does; made anew only where nothing kept is right.

    Args:
        facts: what was observed.
        read: fetches a sample.
        step: the set step.
        folder: the stage's, where it is kept.
        before: the key of all that came before the step.
        alive: which rows of the stage the step sees.
    """
    make = getattr(step.set_operator, "prepare", None)
    if make is None:
        return facts
    seen = blake2b(np.packbits(alive).tobytes(), digest_size=8).hexdigest()
    key = content_key(before, step.prepared_part(), alive.size, seen)
    path, mark = folder / f"prepared-{step.name}.npy", folder / f"prepared-{step.name}.json"
    found = _read(path, mark, key)
    if found is None:
        found = np.asarray(make(replace(facts, history={}), read))
        with atomic(path) as handle:
            np.save(handle, found, allow_pickle=False)
        write_json(mark, {"key": key, "digest": _digest(path)})
    return replace(facts, prepared=found)


def _read(path: Path, mark: Path, key: str) -> np.ndarray | None:
    """What was prepared under this key, if it is whole."""
    try:
        if read_json(mark) != {"key": key, "digest": _digest(path)}:
            return None
    except (OSError, ValueError):
        return None
    found: np.ndarray = np.load(path, allow_pickle=False)
    return found


def _digest(path: Path) -> str:
    return blake2b(path.read_bytes(), digest_size=16).hexdigest()

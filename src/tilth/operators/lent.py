"""Arrays that many tasks for other processes need: they travel once, through a file, and are mapped there."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np


class Lent:
    """Named arrays. In this process they are what they were; when they are pickled, a folder's name stands for them.

    The files go when this object does, so it must outlive the tasks. Nobody may change the arrays.
    """

    def __init__(self, **arrays: np.ndarray) -> None:
        self._arrays: Mapping[str, np.ndarray] = arrays
        self._folder = ""
        self._lock = Lock()

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickled by another thread than the one that works.
        with self._lock:
            if not self._folder:
                folder = mkdtemp(prefix="tilth-")
                finalize(self, rmtree, folder, ignore_errors=True)
                for name, array in self._arrays.items():
                    np.save(Path(folder) / f"{name}.npy", array, allow_pickle=False)
                self._folder = folder
        return _borrowed, (self._folder, tuple(self._arrays))


@lru_cache(maxsize=2)
def _borrowed(folder: str, names: tuple[str, ...]) -> Lent:
    return Lent(**{name: _mapped(Path(folder) / f"{name}.npy") for name in names})


def _mapped(path: Path) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:
        # What has no elements cannot be mapped.
        found = np.load(path, allow_pickle=False)
    return found

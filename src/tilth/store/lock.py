"""One run at a time in a folder. The lock is the operating system's, so a killed run leaves none behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from tilth.errors import FolderError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock.

    Raises:
        FolderError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    try:
        if not _take(handle):
            raise FolderError(
                f"another `tilth` works in {folder}.", "Wait for it, or give this run a folder with --out."
            )
        yield
    finally:
        os.close(handle)


@contextmanager
def waiting(path: Path, seconds: float = 30.0) -> Iterator[None]:
    """Hold the lock file at `path`, waiting for whoever holds it: for moments of writing, not for whole runs.

    Raises:
        FolderError: it was not to be had in `seconds`.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        end = monotonic() + seconds
        while not _take(handle):
            if monotonic() > end:
                raise FolderError(f"{path} is held by another process.", "End it, then try again.")
            sleep(0.005)
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Whether some process works in the folder now."""
    if not (folder / ".lock").exists():
        return False
    handle = os.open(folder / ".lock", os.O_RDWR)
    try:
        return not _take(handle)
    finally:
        os.close(handle)


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

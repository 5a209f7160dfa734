"""Fetches axe-core, the accessibility checks that the browser tests run; it is no part of the product and stays out of git."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
"""Of `package/axe.min.js` in the package of that version."""
CACHE = Path(__file__).parent.parent / ".cache" / f"axe-core-{VERSION}.min.js"


def find() -> str | None:
    """The script as text: from the cache, else through npm; `None` where it cannot be had.

    Raises:
        ValueError: what came is not what was pinned.
    """
    if not CACHE.exists():
        fetched = _fetch()
        if fetched is None:
            return None
        CACHE.parent.mkdir(exist_ok=True)
        CACHE.write_bytes(_checked(fetched))
    return _checked(CACHE.read_bytes()).decode("utf-8")


def _checked(script: bytes) -> bytes:
    if hashlib.sha256(script).hexdigest() != SHA256:
        raise ValueError(
            f"axe-core {VERSION} is not the file that was pinned; remove {CACHE} and look into it."
        )
    return script


def _fetch() -> bytes | None:
    npm = shutil.which("npm")
    if npm is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", "--silent", "--pack-destination", folder, f"axe-core@{VERSION}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
        packed = next(Path(folder).glob("axe-core-*.tgz"), None)
        if done.returncode or packed is None:
            return None
        with tarfile.open(packed) as package:
            script = package.extractfile("package/axe.min.js")
            return None if script is None else script.read()


if __name__ == "__main__":
    print(
        f"axe-core {VERSION}: {'here' if find() else 'CANNOT BE HAD; the accessibility tests will be skipped'}"
    )

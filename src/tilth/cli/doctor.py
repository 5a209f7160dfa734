"""`tilth doctor`: what this machine can do."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import typer

from tilth.cli.terminal import Json, emit, say

EXTRAS = {
    "train": ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "starlette", "uvicorn"),
    "zh": ("opencc",),
    "parquet": ("pyarrow",),
    "hub": ("huggingface_hub",),
    "web": ("trafilatura", "selectolax", "charset-normalizer", "protego"),
}
"""Extra → the packages it brings."""
FREE_GB = 5
"""Disk that a small training run needs."""


def command(json: Json = False) -> None:
    """Check the installation: versions, extras, hardware, disk.

    Example: tilth doctor
    """
    checks = [_python(), *(_extra(name, packages) for name, packages in EXTRAS.items()), _hardware(), _disk()]
    if json:
        emit({"checks": checks})
    else:
        for row in checks:
            hint = f"  ({row['hint']})" if row["hint"] else ""
            say(f"{'ok' if row['ok'] else '--'}  {row['name']}: {row['found']}{hint}")
    if not all(row["ok"] for row in checks if row["needed"]):
        raise typer.Exit(1)


def _row(name: str, ok: bool, found: str, hint: str = "", needed: bool = False) -> dict[str, Any]:
    return {"name": name, "ok": ok, "found": found, "hint": "" if ok else hint, "needed": needed}


def _python() -> dict[str, Any]:
    ok = sys.version_info >= (3, 11)
    return _row("python", ok, platform.python_version(), "Tilth needs Python 3.11 or newer.", needed=True)


def _extra(name: str, packages: tuple[str, ...]) -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    found, missing = [], []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    text = ", ".join(found) if not missing else f"without {', '.join(missing)}"
    return _row(f"extra {name}", not missing, text, f"pip install 'tilth[{name}]'")


def _hardware() -> dict[str, Any]:
    try:
        import torch
    except ImportError:
        return _row("training hardware", False, "torch is not installed", "pip install 'tilth[train]'")
    if torch.cuda.is_available():
        return _row("training hardware", True, torch.cuda.get_device_name(0))
    return _row("training hardware", True, "CPU only: fine for `tiny`, slow for real models")


def _disk() -> dict[str, Any]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return _row("free disk", free >= FREE_GB, f"{free:.0f} GB", f"Training wants {FREE_GB} GB or more.")

"""Finds a Chromium that the browser tests can drive; installs one where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN = ("chromium", "fonts-noto-cjk")


def find() -> str | None:
    """The path of a browser: on PATH, else the one that `playwright install chromium` downloaded."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or _downloaded()


def _downloaded() -> str | None:
    code = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    return path if path and Path(path).is_file() else None


def install() -> None:
    """From the system's packages as root on Debian, else through Playwright."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        get = ["apt-get", "-qq"]
        subprocess.run([*get, "update"], check=False, env=quiet)
        subprocess.run([*get, "install", "-y", "--no-install-recommends", *DEBIAN], check=False, env=quiet)
    if find() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> None:
    """Print where the browser is. Its absence fails nothing here: the tests say it loudly, and fail under CI=true."""
    if find() is None:
        print("Installing Chromium for the browser tests ...", flush=True)
        install()
    print(f"Browser: {find() or 'NONE COULD BE HAD; the browser tests will be skipped'}")


if __name__ == "__main__":
    main()

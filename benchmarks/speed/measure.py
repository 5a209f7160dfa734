"""Runs a command and says what it cost, its own child processes included."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_METER = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
wall = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(code)
"""
"""A process of its own for each command: the peak of `RUSAGE_CHILDREN` never falls, and a fork inherits its parent's."""


class Usage(NamedTuple):
    """What a command cost."""

    wall: float
    """Seconds from start to end."""
    cpu: float
    """Seconds of user and system time, all processes together."""
    peak: float
    """MB (10⁶ bytes) of resident memory of the largest process; `RUSAGE_CHILDREN` holds no sum over processes."""


def as_installed() -> dict[str, str]:
    """The environment, with what installing gives: no run compiles again what Python keeps compiled."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def measured(command: Sequence[str]) -> Usage:
    """Run a command to its end; its standard output is thrown away.

    Raises:
        subprocess.CalledProcessError: the command failed.
    """
    meter = [sys.executable, "-S", "-c", _METER, *command]
    found = subprocess.run(meter, check=True, capture_output=True, cwd=ROOT, text=True, env=as_installed())
    wall, cpu, peak = map(float, found.stdout.split())
    return Usage(wall, cpu, peak * (1 if sys.platform == "darwin" else 1024) / 1e6)

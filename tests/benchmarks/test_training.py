"""The training benchmarks run, and say plainly what they could not measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tilth.training.packing import pack

ROOT = Path(__file__).parents[2]


def run(module, *options):
    done = subprocess.run(
        [sys.executable, "-m", module, *options], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.train
def test_conversations_are_long_tailed_and_fixed():
    from benchmarks.train.job import conversations

    rows = conversations(200, 800)
    assert rows == conversations(200, 800)
    lengths = [len(row["messages"][1]["content"]) for row in rows]
    assert max(lengths) > 4 * sorted(lengths)[100]
    assert len(pack(lengths, 800)) < 60


@pytest.mark.slow
@pytest.mark.train
def test_without_a_gpu_nothing_is_measured_and_the_code_still_runs():
    import torch

    if not torch.cuda.is_available():
        assert run("benchmarks.train.gpu").startswith("Not run: this machine has no CUDA device.")
    said = run("benchmarks.train.gpu", "--dry", "--methods", "lora")
    assert "these are no figures" in said
    assert "| lora | tilth, packing |" in said


@pytest.mark.slow
@pytest.mark.train
def test_the_overhead_of_a_step_is_printed():
    assert "| CPU ms a step, bare trl |" in run("benchmarks.train.overhead", "--rows", "12", "--rounds", "1")

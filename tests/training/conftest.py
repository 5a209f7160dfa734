"""A finished run of small hand-made conversations, and one training of it that many tests look at."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import shutil

import pytest

from tilth.recipe.schema import Lora, Train
from tilth.store.folder import RunFolder
from tilth.store.lock import waiting
from tilth.training.run import train

os.environ.setdefault("OMP_NUM_THREADS", "1")
DIGITS = "零一二三四五六七八九十"
MARKER = "紫檀木蜻蜓"
"""Stands on the validation and test sides only."""


def conversation(question, answer):
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


def sums():
    """Sums up to ten: short answers of one shape, so that a tiny model can learn how to answer."""
    pairs = [(a, b) for a in range(1, 10) for b in range(1, 10) if a + b <= 10]
    return [conversation(f"{DIGITS[a]}加{DIGITS[b]}等于几？", f"等于{DIGITS[a + b]}。") for a, b in pairs]


def make_run(path, sides, to="openai", status="done"):
    """A run folder as `tilth run` leaves it, as far as training reads it."""
    (path / "data").mkdir(parents=True)
    index = []
    for side, records in sides.items():
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        (path / "data" / f"{side}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        index += [
            {"file": f"{side}.jsonl", "line": n, "id": f"{side[:2]}{n:014d}", "place": f"{side}.src:{n}"}
            for n in range(1, len(lines) + 1)
        ]
    rows = [json.dumps(row) for row in index]
    (path / "data" / "index.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (path / "recipe.lock.yaml").write_text(f"data:\n  to: {to}\n", encoding="utf-8")
    (path / "run.json").write_text(
        json.dumps({"status": status, "reason": "nothing is kept"}), encoding="utf-8"
    )
    return RunFolder(path)


def school_sides():
    """36 training sums, and a validation side of other sums that also holds the marker."""
    all_sums = sums()
    held_out = all_sums[::5]
    marked = [conversation(f"{MARKER}加{digit}等于几？", "等于二。") for digit in "一二三"]
    return {
        "train": [record for record in all_sums if record not in held_out],
        "validation": [*held_out, *marked],
        "test": [conversation(f"{MARKER}好吗？", "好。")],
    }


SETTINGS = Train(
    base_model="tiny", epochs=5, learning_rate=5e-3, batch_size=4, lora=Lora(rank=16, alpha=32, dropout=0.05)
)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """`tilth train` on a run, the tiny base model included, made by the first of several test processes that asks.

    The folder of the run, the result, and the lines that were said.
    """
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "school-made-once"
    shared.mkdir(exist_ok=True)
    kept = shared / "trained.pickle"
    with waiting(shared / "lock", seconds=900):
        if not kept.exists():
            shutil.rmtree(shared / "school", ignore_errors=True)
            run = make_run(shared / "school", school_sides())
            lines: list[str] = []
            kept.write_bytes(pickle.dumps((train(SETTINGS, run, progress=lines.append), lines)))
    return shared / "school", *pickle.loads(kept.read_bytes())


@pytest.fixture(scope="session")
def school(made_once, tmp_path_factory):
    """The run that `trained` was made from: this process's own copy."""
    return RunFolder(shutil.copytree(made_once[0], tmp_path_factory.mktemp("runs") / "school"))


@pytest.fixture(scope="session")
def trained(made_once, school):
    """`tilth train` on `school`: the result and the lines that were said."""
    made, result, lines = made_once

    def here(path):
        return school.path / path.relative_to(made)

    artifact = dataclasses.replace(result.artifact, path=here(result.artifact.path))
    moved = dataclasses.replace(result, folder=here(result.folder), base=here(result.base), artifact=artifact)
    return moved, lines

"""One data set trained on twice: as it is, and with its answers shuffled among the training questions."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilth.engine import run as run_recipe
from tilth.evaluation.losses import HeldOut
from tilth.evaluation.statistics import Interval, paired_bootstrap
from tilth.evaluation.studies import Reader, compare_run
from tilth.recipe.schema import Compare, GenerationSettings, Train
from tilth.store.files import read_jsonl, write_jsonl
from tilth.store.folder import RunFolder
from tilth.training.run import train

SETTINGS = Train(base_model="tiny", method="lora", epochs=3, learning_rate=2e-3, batch_size=8, max_length=512)
"""As in the shipped recipes for `tiny`."""


@dataclass(frozen=True)
class Effect:
    """What the two trainings did to the loss on the expected answers of the test side."""

    train: int
    steps: int
    true: HeldOut
    shuffled: HeldOut
    difference: float
    """Shuffled minus true, in nats a unit of the answers: above zero the right answers taught more."""
    interval: Interval
    """95 % of the difference, from 10,000 resamples of whole questions."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "train": self.train,
            "steps": self.steps,
            "true": self.true.as_dict(),
            "shuffled": self.shuffled.as_dict(),
            "difference": self.difference,
            "interval": list(self.interval),
        }


def study(recipe: str, assignments: Sequence[str], folder: Path, seed: int = 42) -> Effect:
    """Run a recipe, train twice on the same base with the same seed and steps, and compare both on the test side."""
    true = RunFolder(folder / "true")
    run_recipe(recipe, true.path, assignments=[*assignments])
    first = train(SETTINGS, true)
    shuffled = shuffle(true, folder / "shuffled", seed)
    second = train(SETTINGS.model_copy(update={"base_model": str(true.model / "base")}), shuffled)
    assert first.steps == second.steps, "both trainings take as many steps"
    settings = Compare(general=None, generation=GenerationSettings(max_new_tokens=8))
    held = [compare_run(run, settings, reader=Reader("en")).heldout for run in (true, shuffled)]
    assert held[0] is not None
    assert held[1] is not None
    assert [row.before for row in held[0].rows] == [row.before for row in held[1].rows], (
        "the base is the same"
    )
    rows = list(zip(held[0].rows, held[1].rows, strict=True))
    differences = [other.after - right.after for right, other in rows]
    units = [right.units for right, _ in rows]
    mean = sum(d * n for d, n in zip(differences, units, strict=True)) / sum(units)
    interval = paired_bootstrap(differences, units, seed=seed)
    size = sum(1 for _ in read_jsonl(true.side("train")))
    return Effect(size, first.steps, held[0], held[1], mean, interval)


def shuffle(run: RunFolder, out: Path, seed: int) -> RunFolder:
    """A copy of a run, without its model, in which every training question has another question's answer."""
    shutil.copytree(
        run.path, out, ignore=shutil.ignore_patterns("model", "report", "*.lock"), dirs_exist_ok=True
    )
    made = RunFolder(out)
    rows = list(read_jsonl(run.side("train")))
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    # Each takes the answer of the next in a random circle, so nobody keeps its own.
    giver = {order[k]: order[(k + 1) % len(order)] for k in range(len(order))}
    answers = [row["messages"][-1] for row in rows]
    write_jsonl(
        made.side("train"),
        ({**row, "messages": [*row["messages"][:-1], answers[giver[k]]]} for k, row in enumerate(rows)),
    )
    assert json.dumps(sorted(a["content"] for a in answers)) == json.dumps(
        sorted(row["messages"][-1]["content"] for row in read_jsonl(made.side("train")))
    )
    return made

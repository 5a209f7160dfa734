"""`tilth run --dry-run`: the same engine on a seeded sample of the input, in a folder that is thrown away."""

from __future__ import annotations

import random
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tilth.engine.asking import Connector
from tilth.engine.driver import run
from tilth.engine.forecast import Forecast
from tilth.engine.inputs import Inputs, read_inputs
from tilth.models.requests import FILE, RequestStore
from tilth.recipe.models import Named
from tilth.recipe.plan import Plan
from tilth.sources import entries
from tilth.sources.base import Entry
from tilth.store.folder import RunFolder

SEED = 42


def dry_run(plan: Plan, limit: int = 1000) -> dict[str, Any]:
    """What a run would do, tried on up to `limit` seeded entries; nothing is written where the user works.

    Returns `run.json` of the trial with `tried`, `of`, `thresholds`, and `forecast`: for each model what a run over
    everything would ask and cost. Nothing is sent: answers that the cache does not hold are made up, the kindest ones,
    so that the forecast is on the high side and what the steps behind them did is a guess.

    Raises:
        SourceError: an input cannot be read.
    """
    inputs = read_inputs(plan)
    chosen, total = draw(inputs, limit)
    scratch = Path(tempfile.mkdtemp(prefix="tilth-dry-"))
    try:
        specs = []
        for index, spec in enumerate(inputs.specs):
            path = scratch / f"source-{index}.jsonl"
            path.write_bytes(b"".join(_line(entry) for source, entry in chosen if source == index))
            specs.append(replace(spec, path=str(path), encoding="utf-8", address="", page=None))
        trial = replace(plan, specs=tuple(specs))
        forecasts = Forecasts(plan)
        result = run(trial, scratch / "run", workers=1, connect=forecasts)
        forecasts.close()
        signals = thresholds(plan, RunFolder(scratch / "run"))
    finally:
        shutil.rmtree(scratch)
    scale = total / len(chosen) if chosen else 1.0
    told = [forecast.told(scale) for forecast in forecasts.made]
    return {**result, "tried": len(chosen), "of": total, "thresholds": signals, "forecast": told}


class Forecasts:
    """Connects the models of a plan to nothing but the answers that are there already."""

    def __init__(self, plan: Plan) -> None:
        known = plan.folder / FILE
        self._connector = Connector(plan, RequestStore(known if known.exists() else Path(":memory:")))
        self.made: list[Forecast] = []

    def __call__(self, named: Named) -> Forecast:
        """The model of a name."""
        model = self._connector(named)
        self.made.append(Forecast(named, model, self._connector.store.mean_completion(model.name)))
        return self.made[-1]

    def close(self) -> None:
        """Close the cache."""
        self._connector.close()


def draw(inputs: Inputs, limit: int) -> tuple[list[tuple[int, Entry]], int]:
    """Up to `limit` entries with their source, drawn evenly and by seed, in source order; and how many there are.

    One pass with a reservoir (Vitter 1985, algorithm R), so that memory does not grow with the input.
    """
    generator = random.Random(SEED)
    kept: list[tuple[int, int, Entry]] = []
    total = 0
    for part in (part for shard in inputs.shards for part in shard.parts):
        for entry in entries(part):
            if entry.blank:
                continue
            total += 1
            slot = total - 1 if total <= limit else generator.randrange(total)
            if slot < limit:
                kept[slot : slot + 1] = [(total, part.source, entry)]
    return [(source, entry) for _, source, entry in sorted(kept, key=lambda row: row[0])], total


def _line(entry: Entry) -> bytes:
    # What could not be read stays one line, so that it is one entry here too.
    broken = entry.raw.replace(b"\r", b" ").replace(b"\n", b" ")
    return (broken if entry.record is None else msgspec.json.encode(entry.record)) + b"\n"


def thresholds(plan: Plan, folder: RunFolder) -> list[dict[str, Any]]:
    """Each length limit of the recipe beside the data's own distribution (5th, 50th and 95th percentile)."""
    from tilth.engine.replay import everywhere

    rows = []
    texts: dict[str, list[int]] = {"question": [], "answer": []}
    for _, line in everywhere(folder):
        for message in line.get("sample", {}).get("messages", ()):
            side = {"user": "question", "assistant": "answer"}.get(message["role"])
            if side:
                texts[side].append(len(message["content"]))
    for line in kept_lengths(folder):
        for side, value in line.items():
            texts[side].append(value)
    for step in plan.steps:
        if step.operator != "filter.length":
            continue
        values = texts.get(str(step.settings.get("field")), texts["answer"])
        if values:
            low, middle, high = (int(v) for v in np.percentile(values, [5, 50, 95]))
            rows.append(
                {"step": step.name, "settings": dict(step.settings), "p5": low, "p50": middle, "p95": high}
            )
    return rows


def kept_lengths(folder: RunFolder) -> list[dict[str, int]]:
    """Characters of question and answer of each kept sample."""
    from tilth.engine.replay import kept_samples

    return [{"question": len(s.question), "answer": len(s.answer)} for s in kept_samples(folder)]

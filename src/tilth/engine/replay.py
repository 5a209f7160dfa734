"""A finished run read back: its plan, its checkpoints, its samples, and the one that somebody means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tilth.engine.inputs import Inputs
from tilth.engine.people import with_people
from tilth.engine.shard import read_mark
from tilth.engine.stage import StageState, read_decided, stage_folder
from tilth.errors import FolderError, NotFoundError
from tilth.recipe.check import check
from tilth.recipe.plan import Plan
from tilth.sample import Sample
from tilth.store.files import read_json, read_jsonl
from tilth.store.folder import RunFolder


def find(folder: RunFolder, what: str) -> tuple[str, dict[str, Any], list[str]]:
    """The door and the line of a sample, and the places of the others that match.

    Raises:
        NotFoundError: none matches.
    """
    if not what.strip():
        raise NotFoundError(
            "say which sample to explain.", "Give an id, a place such as raw.jsonl:12, or a text."
        )
    exact = [(door, line) for door, line in everywhere(folder) if what in (line["place"], line.get("id"))]
    matches = exact or [(door, line) for door, line in everywhere(folder, texts=True) if what in line["text"]]
    if not matches:
        raise NotFoundError(
            f"no sample of {folder.path} has the id, the place or the text '{what}'.",
            "A place looks like raw.jsonl:12; see some with: tilth show RUN",
        )
    door, line = matches[0]
    return door, line, [other["place"] for _, other in matches[1:11]]


def everywhere(folder: RunFolder, texts: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every sample of a run with its door; with `texts` each line also has what the sample says."""
    if texts:
        for place, text in kept_texts(folder):
            yield "kept", {**place, "text": text}
    else:
        for line in read_jsonl(folder.index):
            yield "kept", line
    for door in ("dropped", "held", "quarantined"):
        for line in read_jsonl(folder.door(door)):
            said = (
                "\n".join(m["content"] for m in line["sample"]["messages"])
                if "sample" in line
                else line.get("raw", "")
            )
            yield door, {**line, "text": said} if texts else line


def kept_texts(folder: RunFolder) -> Iterator[tuple[dict[str, Any], str]]:
    """Index line and text of each kept sample."""
    samples = {sample.place: sample for sample in kept_samples(folder)}
    for line in read_jsonl(folder.index):
        yield line, "\n".join(m.content for m in samples[line["place"]].messages)


def kept_samples(folder: RunFolder) -> Iterator[Sample]:
    """The kept samples of a finished run, from its last checkpoint.

    Raises:
        FolderError: the checkpoints do not belong to this recipe and these sources any more.
    """
    state = load_states(folder, plan_of(folder))[-1]
    for mark in state.marks:
        yield from state.layer(mark.index).kept()


def plan_of(folder: RunFolder) -> Plan:
    """The plan a run was made with.

    Raises:
        FolderError: the folder does not hold it.
        RecipeError: the recipe no longer checks, for example because an operator is gone.
    """
    if not folder.origin.exists():
        raise FolderError(f"{folder.path} does not hold the plan it was made with.", "Run its recipe again.")
    origin = read_json(folder.origin)
    plan = check(
        json.dumps(origin["document"]), str(folder.recipe), Path(origin["folder"]), [], need_sources=False
    )
    return with_people(plan, origin.get("people", []))


def load_states(folder: RunFolder, plan: Plan, inputs: Inputs | None = None) -> list[StageState]:
    """The stages of a finished run, read back without running anything.

    Raises:
        FolderError: the checkpoints do not belong to this plan and these sources.
    """
    states: list[StageState] = []
    done = read_json(folder.steps / "done.json") if (folder.steps / "done.json").exists() else {}
    keys = [(key, sets) for key, sets in done.get("stages", [])]
    if len(keys) != len(plan.stages):
        raise FolderError(f"the checkpoints of {folder.path} are not there.", "Run its recipe again.")
    for stage, (key, set_keys) in zip(plan.stages, keys, strict=True):
        place = stage_folder(folder.steps, stage.index)
        marks = [read_mark(place, index, key) for index in range(done["shards"])]
        if any(mark is None for mark in marks):
            raise FolderError(f"the checkpoints of {folder.path} are not whole.", "Run its recipe again.")
        state = StageState(place, [mark for mark in marks if mark is not None])
        for step, set_key in zip(stage.sets, set_keys, strict=True):
            decided = read_decided(state, step, set_key)
            if decided is None:
                raise FolderError(f"the checkpoints of {folder.path} are not whole.", "Run its recipe again.")
            state.settle(decided)
        states.append(state)
    return states

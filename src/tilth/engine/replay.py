"""`tilth explain`: one sample's whole life, replayed from its source and checked against what the run stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tilth import __version__
from tilth.engine.chain import Chain, Exempt, apply, is_exempt
from tilth.engine.driver import Inputs, read_inputs, stage_keys
from tilth.engine.output import split_place
from tilth.engine.reading import sample_of
from tilth.engine.shard import read_mark
from tilth.engine.stage import StageState, read_decided, stage_folder
from tilth.errors import FolderError, FormatError, NotFoundError, SourceError
from tilth.recipe.check import check
from tilth.recipe.plan import Plan, Stage, Step
from tilth.sample import Assign, Drop, Hold, Measured, Propose, Sample
from tilth.sources import entries
from tilth.sources.base import Entry, Part
from tilth.store.decisions import exemptions, standing
from tilth.store.files import read_json, read_jsonl
from tilth.store.folder import RunFolder

DIFFERS = "The replay gives something else than the run stored. The run's own files are right."


@dataclass
class Life:
    """What became of one sample."""

    id: str
    place: str
    door: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    """`{name, before, after, door, reason, evidence}`; before and after are null where nothing changed."""
    proposals: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    split: str | None = None
    tokens: dict[str, Any] | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)
    source: str = ""
    """The line as it stands in the source, or why it cannot be shown."""
    note: str = ""
    """What the reader must know about this account, for example that the source changed since."""
    also: list[str] = field(default_factory=list)
    """Other places that the question to `explain` could have meant."""


def explain(run: str | Path, what: str) -> dict[str, Any]:
    """One sample's life as `tilth explain --json` prints it.

    Args:
        run: a run folder.
        what: an id, a place, or a text that stands in the sample.

    Raises:
        FolderError: this is no finished run folder.
        NotFoundError: no sample answers to `what`.
    """
    folder = RunFolder(Path(run))
    found = folder.read_run()
    if found["status"] == "running":
        raise FolderError(f"{run} has not finished.", "Run the same `tilth run` again to go on.")
    door, line, also = find(folder, what)
    life = Life(line.get("id", ""), line["place"], door, split=line.get("split"), also=also)
    life.proposals = [
        _without(p, "place", "id") for p in read_jsonl(folder.proposals) if p["place"] == life.place
    ]
    life.decisions = [e for e in standing(folder.decisions) if life.id and e["sample_id"] == life.id]
    life.answers = [
        _without(answer, "place", "id", "key")
        for answer in read_jsonl(folder.report / "answers.jsonl")
        if answer.get("place") == life.place
    ]
    try:
        _replay(folder, found, life, line)
    except (SourceError, FolderError) as problem:
        life.note = f"Stored facts only: {problem}"
    if not life.steps:
        life.steps = _stored(line, door)
    return msgspec.to_builtins(life)  # type: ignore[no-any-return]


def _without(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


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
        for row, sample in state.samples(mark):
            if row not in state.dead:
                yield apply(sample, state.changes.get(row, ()))


def plan_of(folder: RunFolder) -> Plan:
    """The plan a run was made with.

    Raises:
        FolderError: the folder does not hold it.
        RecipeError: the recipe no longer checks, for example because an operator is gone.
    """
    if not folder.origin.exists():
        raise FolderError(f"{folder.path} does not hold the plan it was made with.", "Run its recipe again.")
    origin = read_json(folder.origin)
    return check(
        json.dumps(origin["document"]), str(folder.recipe), Path(origin["folder"]), [], need_sources=False
    )


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


def _replay(folder: RunFolder, found: Mapping[str, Any], life: Life, line: Mapping[str, Any]) -> None:
    plan = plan_of(folder)
    states = load_states(folder, plan)
    if found.get("versions", {}).get("tilth") != __version__:
        life.note = "Stored facts only: this run was made by another version of Tilth."
        return
    done = read_json(folder.steps / "done.json")
    inputs = read_inputs(plan, done.get("limit", 0))
    today = stage_keys(plan, inputs, exemptions(folder.decisions), folder)
    if [[passed, list(sets)] for passed, sets in today] != done["stages"]:
        life.note = (
            "Stored facts only: the source, the recipe or a decision changed since. Run the recipe again."
        )
        return
    name, n, _ = split_place(life.place)
    entry, part = find_entry([p for shard in inputs.shards for p in shard.parts], name, n)
    life.source = entry.raw.decode("utf-8", errors="replace")
    try:
        sample = sample_of(entry, part, inputs.specs[part.source])
    except FormatError as error:
        life.steps.append(_step("read", None, None, "quarantined", str(error)))
        return
    life.steps.append(_step("read", None, None, "kept"))
    _walk(plan, states, exemptions(folder.decisions), sample, life)


def find_entry(parts: Sequence[Part], name: str, n: int) -> tuple[Entry, Part]:
    """The entry at a place.

    Raises:
        SourceError: the source has no such entry any more.
    """
    inside = [part for part in parts if part.name == name and part.first <= n]
    for entry in entries(inside[-1]) if inside else ():
        if entry.n == n:
            return entry, inside[-1]
    raise SourceError(f"{name} has no entry {n} any more.")


def _walk(plan: Plan, states: Sequence[StageState], exempt: Exempt, sample: Sample, life: Life) -> None:
    current = sample
    for stage, state in zip(plan.stages, states, strict=True):
        found = _walk_steps(stage, exempt, current, life)
        row = None if found is None else state.row_of.get(found.place)
        if found is None or row is None:
            life.note = "" if found is None else DIFFERS
            return
        current = state.rows[row]
        if current != found:
            life.note = DIFFERS
        for decided in state.decided:
            said = [v for r, v in decided.verdicts if r == row]
            life.steps.append(_decided(decided.step, said, decided.errors.get(row)))
            freed = is_exempt(current, exempt.get(decided.step.name, frozenset()))
            if freed and life.steps[-1]["door"] == "kept":
                life.steps[-1]["reason"] = "restored"
            if life.steps[-1]["door"] != "kept":
                return
        current = apply(current, state.changes.get(row, ()))


def _walk_steps(stage: Stage, exempt: Exempt, current: Sample, life: Life) -> Sample | None:
    """The sample, or the one made from it that we follow, behind a stage's per-sample steps; `None` where it left."""

    def trace(step: Step, before: Sample, outcome: Any) -> None:
        if not _ours(life, before):
            return
        freed = _leaves(outcome) and is_exempt(before, exempt.get(step.name, frozenset()))
        life.steps.append(_told(step, before, before if freed else outcome))
        if freed:
            life.steps[-1]["reason"] = "restored"

    kept = [s for s in Chain(stage.steps, exempt, trace).run([current]) if _ours(life, s)]
    return max(kept, key=lambda s: len(s.place)) if kept else None


def _ours(life: Life, sample: Sample) -> bool:
    """Whether this is the sample we follow, or one that it was made from."""
    return life.place == sample.place or life.place.startswith(sample.place + "/")


def _leaves(outcome: Any) -> bool:
    return isinstance(outcome, Drop | Hold | Exception)


def _step(
    name: str, before: str | None, after: str | None, door: str, reason: str = "", evidence: Any = None
) -> dict[str, Any]:
    return {
        "name": name,
        "before": before,
        "after": after,
        "door": door,
        "reason": reason,
        "evidence": evidence or {},
    }


def _told(step: Step, before: Sample, outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, Exception):
        return _step(step.name, None, None, "quarantined", f"{type(outcome).__name__}: {outcome}")
    if isinstance(outcome, Drop | Hold):
        door = "dropped" if isinstance(outcome, Drop) else "held"
        return _step(step.name, None, None, door, outcome.reason, outcome.evidence)
    if isinstance(outcome, Propose):
        proposed = {"proposals": [msgspec.to_builtins(p) for p in outcome.proposals]}
        texts = _texts(before, outcome.sample) if outcome.sample else (None, None)
        return _step(step.name, *texts, "kept", evidence=proposed)
    if isinstance(outcome, Sample):
        added = {k: v for k, v in outcome.signals.items() if before.signals.get(k) != v}
        return _step(step.name, *_texts(before, outcome), "kept", evidence=added)
    return _step(step.name, None, None, "kept", "made", {"made": len(outcome)})


def _texts(before: Sample, after: Sample) -> tuple[str | None, str | None]:
    pairs = [(a.content, b.content) for a, b in zip(before.messages, after.messages, strict=False) if a != b]
    if not pairs:
        return None, None
    return "\n".join(a for a, _ in pairs), "\n".join(b for _, b in pairs)


def _decided(step: Step, said: Sequence[Any], error: str | None) -> dict[str, Any]:
    if error:
        return _step(step.name, None, None, "quarantined", error)
    evidence: dict[str, Any] = {}
    for verdict in said:
        if isinstance(verdict, Drop | Hold):
            door = "dropped" if isinstance(verdict, Drop) else "held"
            return _step(step.name, None, None, door, verdict.reason, verdict.evidence)
        if isinstance(verdict, Propose):
            evidence["proposals"] = [msgspec.to_builtins(p) for p in verdict.proposals]
        elif isinstance(verdict, Assign):
            evidence["split"] = verdict.split
        elif isinstance(verdict, Measured):
            evidence |= verdict.signals
    return _step(step.name, None, None, "kept", evidence=evidence)


def _stored(line: Mapping[str, Any], door: str) -> list[dict[str, Any]]:
    if door == "kept":
        return []
    return [
        _step(
            line["step"], None, None, door, line.get("reason") or line.get("error", ""), line.get("evidence")
        )
    ]

"""`tilth explain`: one sample's whole life, replayed from its source and checked against what the run stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from tilth import __version__
from tilth.engine.chain import Chain, Exempt, Function, is_exempt
from tilth.engine.driver import stage_keys
from tilth.engine.inputs import Inputs, read_inputs
from tilth.engine.people import exempted
from tilth.engine.places import split_place
from tilth.engine.reading import sample_of
from tilth.engine.replay import find, load_states, plan_of
from tilth.engine.stage import StageState
from tilth.engine.waited import Waited
from tilth.errors import FolderError, FormatError, SourceError
from tilth.recipe.plan import Plan, Stage, Step
from tilth.sample import Assign, Drop, Hold, Measured, Propose, Sample
from tilth.sources import entry_at, files_of
from tilth.sources.base import Entry, Part
from tilth.store.decisions import standing
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
    teller = Teller(folder)
    door, line, also = find(folder, what)
    return teller.tell(door, line, also)


class Teller:
    """Tells the lives of one run's samples. What all lives need is read once, and anew when a file has changed."""

    def __init__(self, folder: RunFolder) -> None:
        """Open a run.

        Raises:
            FolderError: this is no finished run folder.
        """
        self._folder = folder
        self._run = folder.read_run()
        if self._run["status"] == "running":
            raise FolderError(f"{folder.path} has not finished.", "Run the same `tilth run` again to go on.")
        self._proposals = Remembered(lambda: _grouped(folder.proposals, "place"), folder.proposals)
        answers = folder.report / "answers.jsonl"
        self._answers = Remembered(lambda: _grouped(answers, "place"), answers)
        self._people = Remembered(lambda: _people(folder.decisions), folder.decisions)

    def tell(self, door: str, line: Mapping[str, Any], also: Sequence[str] = ()) -> dict[str, Any]:
        """One life.

        Args:
            door: where the sample is: `kept`, `dropped`, `quarantined` or `held`.
            line: the door's line about it; of a kept sample that of `data/index.jsonl`.
            also: other places that the question could have meant.
        """
        life = Life(line.get("id", ""), line["place"], door, split=line.get("split") or None, also=list(also))
        life.proposals = [_without(p, "place", "id") for p in self._proposals.value.get(life.place, ())]
        life.decisions = list(self._people.value.get(life.id, ())) if life.id else []
        life.answers = [_without(a, "place", "id", "key") for a in self._answers.value.get(life.place, ())]
        try:
            self._replay(life)
        except (SourceError, FolderError) as problem:
            life.note = f"Stored facts only: {problem}"
        if not life.steps:
            life.steps = _stored(line, door)
        return msgspec.to_builtins(life)  # type: ignore[no-any-return]

    def _replay(self, life: Life) -> None:
        if self._run.get("versions", {}).get("tilth") != __version__:
            life.note = "Stored facts only: this run was made by another version of Tilth."
            return
        plan, states = self._states
        exempt = self._exempt.value
        if not self._fresh.value:
            life.note = (
                "Stored facts only: the source, the recipe or a decision changed since. Run the recipe again."
            )
            return
        inputs = self._inputs.value
        name, n, _ = split_place(life.place)
        entry, part = find_entry([p for shard in inputs.shards for p in shard.parts], name, n)
        life.source = entry.raw.decode("utf-8", errors="replace")
        try:
            sample = sample_of(entry, part, inputs.specs[part.source])
        except FormatError as error:
            life.steps.append(_step("read", None, None, "quarantined", str(error)))
            return
        life.steps.append(_step("read", None, None, "kept"))
        _walk(plan, states, exempt, self._waited, sample, life)

    @cached_property
    def _waited(self) -> Waited:
        return Waited(*self._states, self._folder.decisions)

    @cached_property
    def _states(self) -> tuple[Plan, list[StageState]]:
        plan = plan_of(self._folder)
        return plan, load_states(self._folder, plan)

    @cached_property
    def _exempt(self) -> Remembered[Exempt]:
        decisions = self._folder.decisions
        return Remembered(lambda: exempted(self._states[0], decisions), decisions)

    @cached_property
    def _inputs(self) -> Remembered[Inputs]:
        done = read_json(self._folder.steps / "done.json")
        plan = self._states[0]
        return Remembered(lambda: read_inputs(plan, done.get("limit", 0)), *source_files(plan))

    @cached_property
    def _fresh(self) -> Remembered[bool]:
        """Whether the run is what its recipe would make today."""
        stages = read_json(self._folder.steps / "done.json")["stages"]
        plan = self._states[0]

        def same() -> bool:
            today = stage_keys(plan, self._inputs.value, self._exempt.value, self._folder)
            return bool([[passed, list(sets)] for passed, sets in today] == stages)

        return Remembered(same, self._folder.decisions, *source_files(plan))


T = TypeVar("T")


class Remembered(Generic[T]):
    """A value that is made again when one of some files has changed."""

    def __init__(self, make: Callable[[], T], *files: Path) -> None:
        self._make, self._files, self._known = make, files, dict[Any, T]()

    @property
    def value(self) -> T:
        """The value as the files are now."""
        stamp = tuple(map(_stamp, self._files))
        if stamp not in self._known:
            self._known = {stamp: self._make()}
        return self._known[stamp]


def source_files(plan: Plan) -> list[Path]:
    """The files a plan reads, and their folders, where a new one would show."""
    files = [Path(found.path) for found in files_of(plan.specs)]
    return [*files, *dict.fromkeys(path.parent for path in files)]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _grouped(path: Path, key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in read_jsonl(path):
        found.setdefault(row.get(key) or "", []).append(row)
    return found


def _people(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Sample id → decisions that stand."""
    said: dict[str, list[dict[str, Any]]] = {}
    for event in standing(path):
        said.setdefault(event["sample_id"], []).append(event)
    return said


def _without(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


def find_entry(parts: Sequence[Part], name: str, n: int) -> tuple[Entry, Part]:
    """The entry at a place.

    Raises:
        SourceError: the source has no such entry any more.
    """
    inside = [part for part in parts if part.name == name and part.first <= n]
    entry = entry_at(inside[-1], n) if inside else None
    if entry is None:
        raise SourceError(f"{name} has no entry {n} any more.")
    return entry, inside[-1]


def _walk(
    plan: Plan, states: Sequence[StageState], exempt: Exempt, waited: Waited, sample: Sample, life: Life
) -> None:
    current = sample
    for stage, state in zip(plan.stages, states, strict=True):
        found = _walk_steps(stage, exempt, current, life, waited.functions(stage))
        answers = waited.answers(stage, current.place)
        if answers:
            life.steps[-1]["evidence"] = {**life.steps[-1]["evidence"], "answers": answers}
        row = None if found is None else state.row_of.get(found.place)
        if found is None or row is None:
            life.note = "" if found is None else DIFFERS
            return
        current = state.rows[row]
        if current != found:
            life.note = DIFFERS
        for decided in state.decided:
            life.steps.append(_decided(decided.step, decided.said(row), decided.errors.get(row), current))
            freed = is_exempt(current, exempt.get(decided.step.name, frozenset()))
            if freed and life.steps[-1]["door"] == "kept":
                life.steps[-1]["reason"] = "restored"
            if life.steps[-1]["door"] != "kept":
                return
            current = _mended(current, decided.said(row))
        current = state.sample(row)


def _walk_steps(
    stage: Stage, exempt: Exempt, current: Sample, life: Life, functions: Sequence[Function]
) -> Sample | None:
    """The sample, or the one made from it that we follow, behind a stage's per-sample steps; `None` where it left."""

    def trace(step: Step, before: Sample, outcome: Any) -> None:
        if not _ours(life, before):
            return
        freed = _leaves(outcome) and is_exempt(before, exempt.get(step.name, frozenset()))
        life.steps.append(_told(step, before, before if freed else outcome))
        if freed:
            life.steps[-1]["reason"] = "restored"

    kept = [s for s in Chain(stage.steps, exempt, trace, functions).run([current]) if _ours(life, s)]
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
    pairs = [
        (a.content if a else "", b.content if b else "")
        for a, b in zip_longest(before.messages, after.messages)
        if a != b
    ]
    if not pairs:
        return None, None
    return "\n".join(a for a, _ in pairs), "\n".join(b for _, b in pairs)


def _mended(sample: Sample, said: Sequence[Any]) -> Sample:
    """The sample as a set step lets it go on, as far as its texts go."""
    mended = [verdict.sample for verdict in said if isinstance(verdict, Propose) and verdict.sample]
    return mended[-1] if mended else sample


def _decided(step: Step, said: Sequence[Any], error: str | None, before: Sample) -> dict[str, Any]:
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
    return _step(step.name, *_texts(before, _mended(before, said)), "kept", evidence=evidence)


def _stored(line: Mapping[str, Any], door: str) -> list[dict[str, Any]]:
    if door == "kept":
        return []
    return [
        _step(
            line["step"], None, None, door, line.get("reason") or line.get("error", ""), line.get("evidence")
        )
    ]

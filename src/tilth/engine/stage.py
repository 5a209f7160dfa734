"""One stage of a run: its shards' checkpoints, and what its set steps decided about the rows in them."""

from __future__ import annotations

import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, takewhile
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from tilth.engine.chain import Failed, apply, attempt, is_exempt
from tilth.engine.layer import Layer, names
from tilth.engine.shard import Mark, facts_file, observe, read_places
from tilth.engine.tally import Tally
from tilth.errors import TilthError
from tilth.operators.base import Facts, Read
from tilth.recipe.plan import Step
from tilth.sample import Assign, Drop, Hold, Measured, Propose, Sample, Verdict
from tilth.store.checkpoint import LineWriter, Rows, read_all, read_lines
from tilth.store.files import atomic, read_json, write_json

_decode_verdict = msgspec.json.Decoder(tuple[int, Verdict]).decode
BATCH = 512


@dataclass
class Decided:
    """What one set step said, by row of the stage's checkpoint."""

    step: Step
    key: str
    tally: Tally
    verdicts: list[tuple[int, Verdict]]
    errors: dict[int, str]
    """Rows that the step could not observe."""

    @property
    def gone(self) -> dict[int, Drop | Hold | str]:
        """Rows that left at this step."""
        found: dict[int, Drop | Hold | str] = {r: v for r, v in self.verdicts if isinstance(v, Drop | Hold)}
        return {**found, **self.errors}

    def proposed(self, first: int, end: int) -> Iterator[tuple[int, Propose]]:
        """What it proposed about the rows from `first` on and before `end`."""
        if not self.tally.proposed:
            return
        start = bisect_left(self.verdicts, first, key=itemgetter(0))
        for row, verdict in takewhile(lambda pair: pair[0] < end, islice(self.verdicts, start, None)):
            if isinstance(verdict, Propose):
                yield row, verdict

    @property
    def changes(self) -> Iterator[tuple[int, Verdict]]:
        """Rows that go on with something added."""
        return ((r, v) for r, v in self.verdicts if isinstance(v, Assign | Measured))


@dataclass
class StageState:
    """A stage that has been walked: where its rows are, and what became of them."""

    folder: Path
    marks: list[Mark]
    decided: list[Decided] = field(default_factory=list)
    dead: dict[int, tuple[Step, Drop | Hold | str]] = field(default_factory=dict)
    """Rows that left at a set step: the step, and its verdict or error."""
    changes: dict[int, list[Verdict]] = field(default_factory=dict)
    """Rows that carry something a set step added."""

    @cached_property
    def starts(self) -> list[int]:
        """Global row number of each shard's first row."""
        starts = [0]
        for mark in self.marks:
            starts.append(starts[-1] + mark.rows)
        return starts

    @cached_property
    def places(self) -> list[str]:
        """The place of each row."""
        return [place for mark in self.marks for place in read_places(self.folder, mark.index)]

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Place → row."""
        return {place: row for row, place in enumerate(self.places)}

    @cached_property
    def rows(self) -> Rows:
        """Random access to the checkpoint."""
        return Rows([(self.folder / names(m.index)["kept"], m.blocks, m.rows) for m in self.marks])

    def settle(self, decided: Decided) -> None:
        """Let what a set step said take effect for the steps after it."""
        self.decided.append(decided)
        self.dead.update({row: (decided.step, verdict) for row, verdict in decided.gone.items()})
        for row, verdict in decided.changes:
            self.changes.setdefault(row, []).append(verdict)

    def layer(self, index: int) -> Layer:
        """One shard, with what became of its rows."""
        first, end = self.starts[index], self.starts[index + 1]
        rows = range(first, end)
        gone = {row - first: (self.dead[row][0].name, self.dead[row][1]) for row in rows if row in self.dead}
        changes = {row - first: self.changes[row] for row in rows if row in self.changes}
        proposed = [
            (row - first, d.step.name, verdict)
            for d in self.decided
            for row, verdict in d.proposed(first, end)
        ]
        return Layer(self.folder, index, end - first, gone, changes, proposed)

    def samples(self, mark: Mark) -> Iterator[tuple[int, Sample]]:
        """Global row and sample of one shard, as they stand in the checkpoint."""
        path = self.folder / names(mark.index)["kept"]
        yield from enumerate(read_all(path), self.starts[mark.index])


def decide(
    state: StageState,
    step: Step,
    key: str,
    exempt: frozenset[str],
    history: Mapping[str, str],
    progress: Callable[[str, int, int], None],
) -> Decided:
    """Let a set step decide, or read what it decided when its key still holds."""
    known = read_decided(state, step, key)
    if known is not None:
        return known
    progress(step.name, 0, 1)
    decided = _decide(state, step, key, exempt, history)
    path, mark = _verdict_files(state, step)
    with atomic(path) as handle:
        lines = LineWriter(handle)
        for pair in decided.verdicts:
            lines.add(pair)
    errors_out = {str(row): error for row, error in decided.errors.items()}
    write_json(mark, {"key": key, "tally": msgspec.to_builtins(decided.tally), "errors": errors_out})
    progress(step.name, 1, 1)
    return decided


def read_decided(state: StageState, step: Step, key: str) -> Decided | None:
    """What a set step decided, if it was decided under this key."""
    path, mark = _verdict_files(state, step)
    if not mark.exists() or not path.exists():
        return None
    known = read_json(mark)
    if known["key"] != key:
        return None
    errors = {int(row): error for row, error in known["errors"].items()}
    return Decided(
        step, key, msgspec.convert(known["tally"], Tally), list(read_lines(path, _decode_verdict)), errors
    )


def _verdict_files(state: StageState, step: Step) -> tuple[Path, Path]:
    return state.folder / f"verdicts-{step.name}.jsonl", state.folder / f"verdicts-{step.name}.json"


def _decide(
    state: StageState,
    step: Step,
    key: str,
    exempt: frozenset[str],
    history: Mapping[str, str],
) -> Decided:
    start = perf_counter()
    dead, changes = state.dead, state.changes
    alive = np.ones(len(state.places), dtype=bool)
    if dead:
        alive[list(dead)] = False
    tally = Tally(step.name, taken=int(alive.sum()))
    facts, errors = _facts(state, step, bool(changes), dead)
    errors = {row: error for row, error in errors.items() if alive[row]}
    for row in errors:
        alive[row] = False
    errors = {row: error for row, error in errors.items() if not is_exempt(state.rows[row], exempt)}
    places = state.places if alive.all() else [p for p, ok in zip(state.places, alive, strict=True) if ok]

    def read(place: str) -> Sample:
        row = state.row_of[place]
        return apply(state.rows[row], changes.get(row, ()))

    shown = Facts(facts[alive], places, history)
    verdicts = attempt(lambda: _judge(state, step, tally, shown, read, exempt))
    if isinstance(verdicts, Failed):
        hint = "No sample was lost; mend the step and run again."
        raise TilthError(f"{step.name} could not decide: {verdicts.message}.", hint)
    for _ in errors:
        tally.left("quarantined", "operator_error")
    tally.kept = tally.taken - tally.dropped - tally.held - tally.quarantined
    tally.seconds = perf_counter() - start
    return Decided(step, key, tally, verdicts, errors)


def _judge(
    state: StageState, step: Step, tally: Tally, facts: Facts, read: Read, exempt: frozenset[str]
) -> list[tuple[int, Verdict]]:
    """The step's verdicts by row, in order; of a step that is none of ours also proven to survive on disk."""
    found = step.set_operator.decide(facts, read)
    verdicts = sorted(_settle(state, step, tally, found, exempt), key=lambda pair: pair[0])
    if not step.declared.target.__module__.startswith("tilth."):
        msgspec.json.decode(msgspec.json.encode([v for _, v in verdicts]), type=list[Verdict])
    return verdicts


def _settle(
    state: StageState, step: Step, tally: Tally, found: Any, exempt: frozenset[str]
) -> Iterator[tuple[int, Verdict]]:
    gone: set[int] = set()
    for place, verdict in found:
        row = state.row_of.get(place)
        if row is None:
            raise TilthError(f"{step.name} spoke of {place}, which is no sample it was shown.")
        if not isinstance(verdict, Drop | Hold | Propose | Assign | Measured):
            raise TilthError(f"{step.name} said {type(verdict).__name__} of {place}, which is no verdict.")
        if isinstance(verdict, Drop | Hold):
            if exempt and is_exempt(state.rows[row], exempt):
                continue
            if row in gone:
                raise TilthError(f"{step.name} let {place} go twice.")
            gone.add(row)
            tally.left("dropped" if isinstance(verdict, Drop) else "held", verdict.reason)
        elif isinstance(verdict, Propose):
            tally.proposed += 1
        yield row, verdict


def _facts(
    state: StageState, step: Step, changed: bool, dead: Mapping[int, Any]
) -> tuple[np.ndarray, dict[int, str]]:
    """The step's facts about all rows; observed anew where a step before it changed samples."""
    arrays: list[np.ndarray] = []
    errors: dict[int, str] = {}
    for mark in state.marks:
        path = facts_file(state.folder, mark.index, step)
        first = state.starts[mark.index]
        if not changed and path.name in mark.failures and path.exists():
            arrays.append(np.load(path, allow_pickle=False))
            errors |= {first + row: error for row, error in mark.failures[path.name]}
            continue
        rows, failed = observe_shard(state, mark, step)
        arrays.append(rows)
        errors |= {first + row: error for row, error in failed}
    empty = np.empty(0, dtype=step.set_operator.fact)
    return (np.concatenate(arrays) if arrays else empty), errors


def observe_shard(state: StageState, mark: Mark, step: Step) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Observe a shard from its checkpoint, in batches."""
    changes = state.changes
    arrays: list[np.ndarray] = [np.empty(0, dtype=step.set_operator.fact)]
    failures: list[tuple[int, str]] = []
    batch: list[Sample] = []
    done = 0
    for row, sample in state.samples(mark):
        batch.append(apply(sample, changes.get(row, ())))
        if len(batch) == BATCH:
            rows, failed = observe(step, batch)
            arrays.append(rows)
            failures += [(done + i, error) for i, error in failed]
            done += len(batch)
            batch = []
    rows, failed = observe(step, batch)
    arrays.append(rows)
    failures += [(done + i, error) for i, error in failed]
    return np.concatenate(arrays), failures


def stage_folder(steps: Path, index: int) -> Path:
    """The folder of a stage, counted from 0."""
    return steps / f"stage-{index + 1:02d}"


def clear(folder: Path) -> None:
    """Remove a stage's files, which belong to another key."""
    if folder.exists():
        shutil.rmtree(folder)

"""One stage of a run: its shards' checkpoints, and what its set steps decided about the rows in them."""

from __future__ import annotations

import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import merge
from itertools import chain, islice, pairwise, takewhile
from operator import itemgetter
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tilth.engine.asked import read_places
from tilth.engine.chain import Failed, attempt, change_of, is_exempt
from tilth.engine.layer import NO_SIDE, Layer, Texts, added, names
from tilth.engine.local import Workers
from tilth.engine.prepared import prepare
from tilth.engine.shard import Mark, facts_file, observe
from tilth.engine.tally import EXAMPLES, Tally
from tilth.errors import TilthError
from tilth.operators.base import LOOKED_AT, Facts, Look, Read
from tilth.recipe.plan import Step
from tilth.sample import SIDES, Assign, Drop, Hold, Measured, Propose, Sample, Verdict
from tilth.store.checkpoint import LineWriter, Rows, read_lines
from tilth.store.files import atomic, read_json, write_json

_decode_verdict = msgspec.json.Decoder(tuple[int, Verdict]).decode
BATCH = 512


class Keys(NamedTuple):
    """What a set step's result is known by."""

    before: str
    """The key of all that came before it."""
    own: str


@dataclass
class Decided:
    """What one set step said, by row of the stage's checkpoint."""

    step: Step
    key: str
    tally: Tally
    verdicts: list[tuple[int, Verdict]]
    """All but the sides, in the order of the rows."""
    sides: np.ndarray
    """For each row the number of the side it was given, `NO_SIDE` for none."""
    errors: dict[int, str]
    """Rows that the step could not observe."""

    @property
    def gone(self) -> Iterator[tuple[int, Drop | Hold | str]]:
        """Rows that left at this step."""
        yield from ((r, v) for r, v in self.verdicts if isinstance(v, Drop | Hold))
        yield from self.errors.items()

    def proposed(self, first: int, end: int) -> Iterator[tuple[int, Propose]]:
        """What it proposed about the rows from `first` on and before `end`."""
        for row, verdict in self._about(first, end) if self.tally.proposed else ():
            if isinstance(verdict, Propose):
                yield row, verdict

    def said(self, row: int) -> list[Verdict]:
        """All that it said of a row."""
        side = self.sides[row]
        assigned: list[Verdict] = [] if side == NO_SIDE else [Assign(SIDES[side])]
        return [*(verdict for _, verdict in self._about(row, row + 1)), *assigned]

    def lines(self) -> Iterator[tuple[int, Verdict]]:
        """All verdicts in the order of the rows, for the file."""
        words = [Assign(side) for side in SIDES]
        assigned = ((int(row), words[self.sides[row]]) for row in np.flatnonzero(self.sides != NO_SIDE))
        return merge(self.verdicts, assigned, key=itemgetter(0))

    def _about(self, first: int, end: int) -> Iterator[tuple[int, Verdict]]:
        start = bisect_left(self.verdicts, first, key=itemgetter(0))
        return takewhile(lambda pair: pair[0] < end, islice(self.verdicts, start, None))


@dataclass
class StageState:
    """A stage that has been walked: where its rows are, and what became of them."""

    folder: Path
    marks: list[Mark]
    decided: list[Decided] = field(default_factory=list)
    dead: dict[int, tuple[Step, Drop | Hold | str]] = field(default_factory=dict)
    """Rows that left at a set step: the step, and its verdict or error."""
    signals: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """Rows that a set step measured: what it added."""
    texts: dict[int, Texts] = field(default_factory=dict)
    """Rows that a set step mended."""

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

    @cached_property
    def sides(self) -> np.ndarray:
        """For each row the number of the side that a set step gave it, `NO_SIDE` for none."""
        return np.full(self.starts[-1], NO_SIDE, dtype=np.int8)

    @property
    def changed(self) -> bool:
        """Whether a set step added something to a row."""
        return bool(self.signals or self.texts) or bool((self.sides != NO_SIDE).any())

    def settle(self, decided: Decided) -> None:
        """Let what a set step said take effect for the steps after it."""
        self.decided.append(decided)
        self.dead.update((row, (decided.step, verdict)) for row, verdict in decided.gone)
        given = decided.sides != NO_SIDE
        self.sides[given] = decided.sides[given]
        for row, verdict in decided.verdicts:
            if isinstance(verdict, Measured):
                self.signals[row] = {**self.signals.get(row, {}), **verdict.signals}
            elif isinstance(verdict, Propose) and verdict.sample is not None:
                self.texts[row] = verdict.sample.messages

    def tally(self, decided: Decided) -> Tally:
        """What a set step did; its seconds with those of observing."""
        observing = sum(mark.observed.get(decided.step.name, 0.0) for mark in self.marks)
        return msgspec.structs.replace(decided.tally, seconds=decided.tally.seconds + observing)

    def sample(self, row: int) -> Sample:
        """One row with what set steps added to it."""
        return added(self.rows[row], int(self.sides[row]), self.signals.get(row), self.texts.get(row))

    def layer(self, index: int) -> Layer:
        """One shard, with what became of its rows."""
        first, end = self.starts[index], self.starts[index + 1]
        rows = range(first, end)
        return Layer(
            self.folder,
            index,
            end - first,
            {row - first: (self.dead[row][0].name, self.dead[row][1]) for row in rows if row in self.dead},
            self.sides[first:end],
            {row - first: self.signals[row] for row in rows if row in self.signals} if self.signals else {},
            {row - first: self.texts[row] for row in rows if row in self.texts} if self.texts else {},
            [(row - first, d.step.name, v) for d in self.decided for row, v in d.proposed(first, end)],
        )


def decide(
    state: StageState,
    step: Step,
    keys: Keys,
    exempt: frozenset[str],
    history: Mapping[str, str],
    workers: Workers,
    progress: Callable[[str, int, int], None],
) -> Decided:
    """Let a set step decide, or read what it decided when its key still holds."""
    known = read_decided(state, step, keys.own)
    if known is not None:
        return known
    progress(step.name, 0, 1)
    decided = _decide(state, step, keys, exempt, history, workers)
    path, mark = _verdict_files(state, step)
    with atomic(path) as handle:
        lines = LineWriter(handle)
        for pair in decided.lines():
            lines.add(pair)
    errors_out = {str(row): error for row, error in decided.errors.items()}
    write_json(mark, {"key": keys.own, "tally": msgspec.to_builtins(decided.tally), "errors": errors_out})
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
    verdicts, sides = _apart(read_lines(path, _decode_verdict), state.starts[-1])
    return Decided(step, key, msgspec.convert(known["tally"], Tally), verdicts, sides, errors)


def _verdict_files(state: StageState, step: Step) -> tuple[Path, Path]:
    return state.folder / f"verdicts-{step.name}.jsonl", state.folder / f"verdicts-{step.name}.json"


def _decide(
    state: StageState,
    step: Step,
    keys: Keys,
    exempt: frozenset[str],
    history: Mapping[str, str],
    workers: Workers,
) -> Decided:
    start = perf_counter()
    dead = state.dead
    alive = np.ones(len(state.places), dtype=bool)
    if dead:
        alive[list(dead)] = False
    tally = Tally(step.name, taken=int(alive.sum()))
    facts, errors = _facts(state, step)
    errors = {row: error for row, error in errors.items() if alive[row]}
    for row in errors:
        alive[row] = False
    errors = {row: error for row, error in errors.items() if not is_exempt(state.rows[row], exempt)}
    places = state.places if alive.all() else [p for p, ok in zip(state.places, alive, strict=True) if ok]

    def read(place: str) -> Sample:
        return state.sample(state.row_of[place])

    def spread(look: Look, among: np.ndarray | None) -> Iterator[Any]:
        wanted = alive.copy()
        if among is not None:
            wanted[alive] = among
        tasks = [
            _Looking(look, replace(state.layer(at), gone={}, proposed=()), wanted[first:end])
            for at, (first, end) in enumerate(pairwise(state.starts))
            if wanted[first:end].any()
        ]
        return chain.from_iterable(workers.each(_looked, tasks))

    shown = Facts(facts[alive], places, history, spread, workers.each, workers.beside, workers.count)

    def judge() -> tuple[list[tuple[int, Verdict]], np.ndarray]:
        facts = prepare(shown, read, step, state.folder, keys.before, alive)
        return _judge(state, step, tally, facts, read, exempt)

    said = attempt(judge)
    if isinstance(said, Failed):
        hint = "No sample was lost; mend the step and run again."
        raise TilthError(f"{step.name} could not decide: {said.message}.", hint)
    for _ in errors:
        tally.left("quarantined", "operator_error")
    tally.kept = tally.taken - tally.dropped - tally.held - tally.quarantined
    tally.seconds = perf_counter() - start
    verdicts, sides = said
    return Decided(step, keys.own, tally, verdicts, sides, errors)


class _Looking(NamedTuple):
    """A shard that a set step looks at again."""

    look: Look
    layer: Layer
    wanted: np.ndarray


def _looked(task: _Looking) -> list[Any]:
    samples = (sample for _, sample in task.layer.pick(task.wanted.tolist().__getitem__))
    return [task.look(block) for block in iter(lambda: list(islice(samples, LOOKED_AT)), [])]


def _judge(
    state: StageState, step: Step, tally: Tally, facts: Facts, read: Read, exempt: frozenset[str]
) -> tuple[list[tuple[int, Verdict]], np.ndarray]:
    """The step's verdicts and sides; of a step that is none of ours also proven to survive on disk."""
    found = step.set_operator.decide(facts, read)
    verdicts, sides = _apart(_settle(state, step, tally, found, exempt), state.starts[-1])
    verdicts.sort(key=itemgetter(0))
    if not step.declared.target.__module__.startswith("tilth."):
        msgspec.json.decode(msgspec.json.encode([v for _, v in verdicts]), type=list[Verdict])
    return verdicts, sides


def _apart(found: Iterable[tuple[int, Verdict]], rows: int) -> tuple[list[tuple[int, Verdict]], np.ndarray]:
    """Verdicts without those that assign a side, and the sides by row: a split speaks of every row."""
    verdicts: list[tuple[int, Verdict]] = []
    sides = np.full(rows, NO_SIDE, dtype=np.int8)
    numbers = {side: number for number, side in enumerate(SIDES)}
    for row, verdict in found:
        if isinstance(verdict, Assign):
            sides[row] = numbers[verdict.split]
        else:
            verdicts.append((row, verdict))
    return verdicts, sides


def _settle(
    state: StageState, step: Step, tally: Tally, found: Any, exempt: frozenset[str]
) -> Iterator[tuple[int, Verdict]]:
    gone: set[int] = set()
    row_of = state.row_of
    for place, verdict in found:
        row = row_of.get(place)
        if row is None:
            raise TilthError(f"{step.name} spoke of {place}, which is no sample it was shown.")
        if type(verdict) is Assign:
            yield row, verdict
            continue
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
            _count_proposal(state, tally, row, verdict)
        yield row, verdict


def _count_proposal(state: StageState, tally: Tally, row: int, verdict: Propose) -> None:
    tally.proposed += bool(verdict.proposals)
    if verdict.sample is None:
        return
    tally.changed += 1
    example = change_of(state.sample(row), verdict.sample)
    if example and len(tally.examples) < EXAMPLES:
        tally.examples.append(example)


def _facts(state: StageState, step: Step) -> tuple[np.ndarray, dict[int, str]]:
    """The step's facts about all rows; observed anew where a step before it changed samples."""
    facts = np.empty(state.starts[-1], dtype=step.set_operator.fact)
    errors: dict[int, str] = {}
    changed = state.changed
    for mark in state.marks:
        path = facts_file(state.folder, mark.index, step)
        first, end = state.starts[mark.index], state.starts[mark.index + 1]
        if not changed and path.name in mark.failures and path.exists():
            facts[first:end] = np.load(path, allow_pickle=False)
            failed = mark.failures[path.name]
        else:
            failed = _observe_shard(state, mark.index, step, facts[first:end])
        errors |= {first + row: error for row, error in failed}
    return facts, errors


def _observe_shard(state: StageState, index: int, step: Step, into: np.ndarray) -> list[tuple[int, str]]:
    """Observe a shard from its checkpoint, in batches; returns the rows that could not be observed."""
    failures: list[tuple[int, str]] = []
    samples = (sample for _, sample in state.layer(index).pick(lambda row: True))
    done = 0
    while batch := list(islice(samples, BATCH)):
        into[done : done + len(batch)], failed = observe(step, batch)
        failures += [(done + row, error) for row, error in failed]
        done += len(batch)
    return failures


def stage_folder(steps: Path, index: int) -> Path:
    """The folder of a stage, counted from 0."""
    return steps / f"stage-{index + 1:02d}"


def clear(folder: Path) -> None:
    """Remove a stage's files, which belong to another key."""
    if folder.exists():
        shutil.rmtree(folder)

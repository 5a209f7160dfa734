"""One shard through one stage: the function that workers run. It reads, walks the steps and writes a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from tilth.engine.asked import asked_line
from tilth.engine.chain import Chain, Exempt, Failed, Function, attempt, set_aside
from tilth.engine.layer import Layer, names
from tilth.engine.reading import sample_of
from tilth.engine.tally import Tally
from tilth.errors import FormatError
from tilth.operators.base import SetOperator
from tilth.recipe.check import use_plugins
from tilth.recipe.plan import Step, content_key
from tilth.registry import load_entry_points
from tilth.sample import Sample
from tilth.sources import entries
from tilth.sources.base import Shard, Spec
from tilth.store.checkpoint import LineWriter, Writer
from tilth.store.files import atomic

CHUNK = 512
"""Samples that walk the steps together."""


@dataclass(frozen=True)
class Task:
    """What a worker needs to know; it pickles."""

    key: str
    shard: Shard
    folder: Path
    """The stage's folder."""
    steps: tuple[Step, ...]
    sets: tuple[Step, ...]
    exempt: Exempt
    specs: tuple[Spec, ...] = ()
    """For the first stage: the sources, each with its format."""
    before: Layer | None = None
    """For later stages: this shard at the end of the stage before."""
    limit: int = 0
    """Stop after this many entries; 0 reads all."""


class Mark(msgspec.Struct):
    """`done-00000.json`: a finished shard. Written last."""

    key: str
    index: int
    rows: int
    blocks: list[int]
    tallies: list[Tally]
    read: Tally
    blank: int = 0
    failures: dict[str, list[tuple[int, str]]] = msgspec.field(default_factory=dict)
    """Facts file → rows that could not be observed, with the error."""
    observed: dict[str, float] = msgspec.field(default_factory=dict)
    """Set step → seconds that observing took."""


def read_mark(folder: Path, index: int, key: str) -> Mark | None:
    """The mark of a finished shard, if it was made with this key."""
    path = folder / names(index)["done"]
    if not path.exists():
        return None
    try:
        mark = msgspec.json.decode(path.read_bytes(), type=Mark)
    except (UnicodeDecodeError, msgspec.MsgspecError):
        return None
    return mark if mark.key == key else None


def run_shard(task: Task) -> Mark:
    """Do one shard's work and return its mark; the files are complete when the mark is there."""
    with Pass(task) as work:
        for samples, raws in work.chunks():
            work.walk(samples, raws)
        return work.finish()


class Pass:
    """One shard on its way through one stage: what is read is walked and written, chunk by chunk, in order."""

    def __init__(self, task: Task, functions: Sequence[Function] = ()) -> None:
        """Open the shard.

        Args:
            task: what to do.
            functions: what to call for each step instead of the operator itself.
        """
        self._task, self._reader = task, _Reader(task)
        self._chain = Chain(task.steps, task.exempt, functions=functions)
        self._facts = _Facts(task.sets)
        self._stack = ExitStack()
        self.asked: list[dict[str, Any]] = []
        """What models answered, a line an answer."""

    def __enter__(self) -> Pass:
        # What was rendered of an earlier checkpoint must not outlive it.
        self._file("rendered").unlink(missing_ok=True)
        self._writer = Writer(self._stack.enter_context(atomic(self._file("kept"))))
        self._questions = self._stack.enter_context(atomic(self._file("questions")))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def _file(self, name: str) -> Path:
        return self._task.folder / names(self._task.shard.index)[name]

    def chunks(self) -> Iterator[tuple[list[Sample], dict[str, bytes]]]:
        """Samples of the shard in order, with the bytes they came from."""
        return self._reader.chunks()

    def walk(self, samples: list[Sample], raws: dict[str, bytes]) -> None:
        """Let a chunk walk the steps, and write what is kept."""
        kept = self._chain.run(samples, raws)
        self._facts.observe(kept, self._writer.rows)
        for sample in kept:
            self._writer.add(sample)
        self._questions.writelines(map(asked_line, kept))

    def finish(self) -> Mark:
        """Complete the shard's files; the mark is written last."""
        task, chain, reader = self._task, self._chain, self._reader
        self._stack.close()
        with atomic(self._file("doors")) as handle:
            handle.writelines(reader.doors + chain.exits.doors)
        _write_lines(self._file("proposals"), chain.exits.proposals)
        _write_lines(self._file("answers"), self.asked)
        failures = self._facts.save(task.folder, task.shard.index)
        mark = Mark(
            task.key, task.shard.index, self._writer.rows, self._writer.blocks, chain.tallies, reader.tally,
            reader.blank, failures, self._facts.seconds,
        )  # fmt: skip
        with atomic(self._file("done")) as handle:
            handle.write(msgspec.json.encode(mark))
        return mark


def prepare_process(plugins: Sequence[Path]) -> None:
    """Make a fresh process know the operators that the recipe names."""
    load_entry_points()
    use_plugins(plugins)


class _Reader:
    """Samples of a shard in chunks, from its sources or from the checkpoint before."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.tally = Tally("read")
        self.blank = 0
        self.doors: list[bytes] = []

    def chunks(self) -> Iterator[tuple[list[Sample], dict[str, bytes]]]:
        before = self._task.before
        pairs = self._sources() if before is None else ((sample, None) for sample in before.kept())
        samples: list[Sample] = []
        raws: dict[str, bytes] = {}
        start = perf_counter()
        for sample, raw in pairs:
            samples.append(sample)
            if raw is not None:
                raws[sample.place] = raw
            if len(samples) == CHUNK:
                self.tally.seconds += perf_counter() - start
                yield samples, raws
                samples, raws = [], {}
                start = perf_counter()
        self.tally.seconds += perf_counter() - start
        yield samples, raws

    def _sources(self) -> Iterator[tuple[Sample, bytes]]:
        for part in self._task.shard.parts:
            spec = self._task.specs[part.source]
            for entry in entries(part):
                if entry.blank:
                    self.blank += 1
                    continue
                if self._task.limit and self.tally.taken == self._task.limit:
                    return
                self.tally.taken += 1
                try:
                    sample = sample_of(entry, part, spec)
                except FormatError as error:
                    self.doors.append(set_aside(f"{part.name}:{entry.n}", "read", str(error), entry.raw))
                    self.tally.left("quarantined", "unreadable" if entry.error else "wrong_shape")
                    continue
                self.tally.kept += 1
                yield sample, entry.raw


class _Facts:
    """What the set steps observe in a shard."""

    def __init__(self, sets: tuple[Step, ...]) -> None:
        self._sets = sets
        self._rows: dict[str, list[np.ndarray]] = {step.name: [] for step in sets}
        self._failures: dict[str, list[tuple[int, str]]] = {step.name: [] for step in sets}
        self.seconds = {step.name: 0.0 for step in sets}

    def observe(self, samples: list[Sample], first: int) -> None:
        for step in self._sets:
            start = perf_counter()
            rows, failed = observe(step, samples)
            self.seconds[step.name] += perf_counter() - start
            self._rows[step.name].append(rows)
            self._failures[step.name] += [(first + row, error) for row, error in failed]

    def save(self, folder: Path, index: int) -> dict[str, list[tuple[int, str]]]:
        """Write the facts as numpy files, which can be mapped into memory; returns file → failures."""
        failures = {}
        for step in self._sets:
            path = facts_file(folder, index, step)
            with atomic(path) as handle:
                np.save(handle, np.concatenate(self._rows[step.name]), allow_pickle=False)
            failures[path.name] = self._failures[step.name]
        return failures


def observe(step: Step, samples: list[Sample]) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """The facts about some samples, and the rows that could not be observed with the error."""
    op = step.set_operator
    many = getattr(op, "observe_many", None)
    if many is not None:
        found = attempt(lambda: np.asarray(many(samples), dtype=op.fact))
        if not isinstance(found, Failed):
            return found, []
    rows, failed = np.zeros(len(samples), dtype=op.fact), []
    for index, sample in enumerate(samples):
        fact = attempt(partial(_fact, op, sample))
        if isinstance(fact, Failed):
            failed.append((index, fact.message))
        else:
            rows[index] = fact
    return rows, failed


def _fact(op: SetOperator, sample: Sample) -> np.ndarray:
    return np.array(op.observe(sample), dtype=op.fact)


def facts_file(folder: Path, index: int, step: Step) -> Path:
    """Where a set step's facts about a shard lie; the name carries the settings that they depend on."""
    return folder / f"facts-{index:05d}-{step.name}-{content_key(step.facts_part())[:8]}.npy"


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a file that is there only where there are rows."""
    path.unlink(missing_ok=True)
    if not rows:
        return
    with atomic(path) as handle:
        lines = LineWriter(handle)
        for row in rows:
            lines.add(row)

"""Joins what the shards wrote into the files of the run: the training files, the index, the other doors."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tilth.engine.asked import Kept
from tilth.engine.local import Workers
from tilth.engine.stage import StageState
from tilth.engine.tally import Tally
from tilth.engine.writing import DOORS, READABLE, Counts, Group, Piece, Writing, part, write_shard
from tilth.formats.base import Format
from tilth.operators.grams import firsts
from tilth.operators.topics import KEYS, are_topics
from tilth.sample import SIDES
from tilth.sources.base import Shard
from tilth.store.files import atomic, write_text
from tilth.store.folder import RunFolder


@dataclass
class Written:
    """What the writer saw, for run.json and the report."""

    tally: Tally = field(default_factory=lambda: Tally("write"))
    splits: dict[str, int] = field(default_factory=dict)
    ids: list[np.ndarray] = field(default_factory=list)
    sides: list[np.ndarray] = field(default_factory=list)
    """By shard: ids and sides of the samples that a split gave one."""
    questions: list[Kept] = field(default_factory=list)
    """By shard: the questions of what is kept."""
    chars: list[np.ndarray] = field(default_factory=list)
    """By shard: characters of question and answer of each kept sample."""
    made: bool = False
    """Whether a step made one of the kept samples."""
    topics: Counts = field(default_factory=lambda: {key: {d: Counter() for d in READABLE} for key in KEYS})
    gone: dict[tuple[str, str, str], Group] = field(default_factory=dict)
    """(door, step, reason) → the samples that left there, door by door."""
    proposed: dict[str, Group] = field(default_factory=dict)
    """Step → its proposals."""

    def add(self, piece: Piece) -> None:
        """Note what the next shard gave."""
        self.tally.add(piece.tally)
        self.ids.append(np.array(piece.ids, dtype=np.uint64))
        self.sides.append(np.array(piece.sides, dtype=np.int8))
        self.chars.append(np.array(piece.chars, dtype=np.uint32).reshape(-1, 2))
        self.made = self.made or piece.made
        for side, rows in piece.rows.items():
            self.splits[side] = self.splits.get(side, 0) + rows
        for reason, group in piece.gone.items():
            self.gone.setdefault(reason, Group()).add(group)
        for step, group in piece.proposed.items():
            self.proposed.setdefault(step, Group()).add(group)
        for key, doors in piece.topics.items():
            mine = self.topics[key]
            if doors is None or mine is None:
                self.topics[key] = None
                continue
            for door, counts in doors.items():
                mine[door].update(counts)

    def assigned(self) -> Iterator[tuple[str, str]]:
        """Sample id and side, in data order; equal records share an id, and the last of them decides."""
        ids, sides = (np.concatenate(columns) for columns in (self.ids, self.sides))
        first, last = firsts(ids), ids.size - 1 - firsts(ids[::-1])
        for at in np.argsort(first).tolist():
            yield f"{int(ids[first[at]]):016x}", SIDES[sides[last[at]]]

    def named(self) -> dict[str, Counter[str]] | None:
        """Door → how often each topic, by the better field of `meta` that names topics; `None` where none does."""
        for doors in self.topics.values():
            if doors is not None and are_topics(set().union(*doors.values())):
                return doors
        return None


def write_data(
    folder: RunFolder,
    states: list[StageState],
    shards: list[Shard],
    target: Format,
    workers: Workers,
    progress: Callable[[str, int, int], None],
) -> Written:
    """Write `data/` and the other doors from the checkpoints, in source order."""
    written = Written()
    tasks = [
        Writing(shard, folder.steps, tuple(state.layer(shard.index) for state in states), target.name)
        for shard in shards
    ]
    pieces: list[Piece] = []
    for piece in _pieces(tasks, target, workers):
        progress("write", len(pieces), len(tasks))
        written.add(piece)
        written.questions.append(Kept.of(tasks[len(pieces)].layers[-1], piece.refused))
        pieces.append(piece)
    data, steps = folder.data, folder.steps
    for side in written.splits:
        _join(data / f"{side}.{target.container}", (part(steps, side, piece.index) for piece in pieces))
    _join_index(folder, [part(steps, "index", piece.index) for piece in pieces])
    for door in DOORS:
        _join(folder.door(door), (part(steps, door, piece.index) for piece in pieces))
    _join(folder.proposals, (part(steps, "proposals", piece.index) for piece in pieces))
    _tidy(folder, target, written)
    return written


def _pieces(tasks: Sequence[Writing], target: Format, workers: Workers) -> Iterator[Piece]:
    if target.container == "jsonl":
        yield from workers.each(write_shard, tasks)
        return
    # A table has the columns of its first record, so its shards are written one after the other.
    columns: dict[str, list[str]] = {}
    for task in tasks:
        piece = write_shard(replace(task, columns=columns))
        columns = {**piece.columns, **columns}
        yield piece


def _join(path: Path, parts: Iterable[Path]) -> None:
    """Write the parts that exist as one file."""
    with atomic(path) as handle:
        for each in parts:
            if each.exists():
                with each.open("rb") as lines:
                    shutil.copyfileobj(lines, handle, 1 << 20)
                each.unlink()


def _join_index(folder: RunFolder, parts: Iterable[Path]) -> None:
    """Write the index; only now is known how many lines of a file stand before those of a shard."""
    numbers: Counter[bytes] = Counter()
    with atomic(folder.index) as handle:
        for each in parts:
            with each.open("rb") as lines:
                for line in lines:
                    name, row = line.split(b" ", 1)
                    numbers[name] += 1
                    handle.write(b'{"file": "%b", "line": %d, %b' % (name, numbers[name], row))
            each.unlink()


def _tidy(folder: RunFolder, target: Format, written: Written) -> None:
    """Training is always there, if empty; sides that no longer exist do not stay behind."""
    for side in SIDES:
        for suffix in ("jsonl", "csv", "tsv"):
            path = folder.data / f"{side}.{suffix}"
            if side not in written.splits or suffix != target.container:
                path.unlink(missing_ok=True)
    if "train" not in written.splits:
        write_text(folder.data / f"train.{target.container}", "")
    if target.companions is not None:
        files = [f"{side}.{target.container}" for side in SIDES if side in written.splits]
        for name, text in target.companions(files).items():
            write_text(folder.data / name, text)

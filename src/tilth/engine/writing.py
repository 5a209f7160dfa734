"""What one shard gives to the files of a run: the function that workers run, before the parts are joined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from tilth.engine.chain import quarantined
from tilth.engine.layer import Layer
from tilth.engine.places import in_source_order, split_place
from tilth.engine.tally import Tally
from tilth.errors import FormatError
from tilth.formats.base import FORMATS, Format
from tilth.operators.topics import KEYS, MOST_TOPICS, said
from tilth.sample import SIDES, Sample
from tilth.sources.base import Shard
from tilth.sources.reading import entries
from tilth.store.checkpoint import read_lines
from tilth.store.files import json_line
from tilth.store.records import RecordWriter

QUESTIONS = "questions"
"""The part that holds what the leak proof looks at; it is no file of the run."""
DOORS = ("dropped", "quarantined", "held")
READABLE = ("kept", "dropped", "held")
"""Doors whose samples could be read."""
SHOWN = 3
"""Examples of each reason that a report may show."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[str, str, str]).decode

Topics = dict[str, dict[str, Counter[str]] | None]
"""Field of `meta` → door → how often each value; `None` where there are too many values for topics."""


@dataclass(frozen=True)
class Writing:
    """What a worker needs to know to write one shard; it pickles."""

    shard: Shard
    folder: Path
    """Where the parts go."""
    layers: tuple[Layer, ...]
    """The shard at the end of each stage."""
    target: str
    """The format of `data.to`."""
    columns: Mapping[str, list[str]] = field(default_factory=dict)
    """Of a table: side → columns, where an earlier shard has settled them."""


@dataclass
class Group:
    """Samples that left, or proposals, for one reason."""

    count: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    """The first lines."""

    def add(self, other: Group) -> None:
        """Count what a later shard counted."""
        self.count += other.count
        self.examples = [*self.examples, *other.examples][:SHOWN]


@dataclass
class Piece:
    """What became of one shard: its parts lie in files, and this is what there is to say about them."""

    index: int
    tally: Tally = field(default_factory=lambda: Tally("write"))
    rows: dict[str, int] = field(default_factory=dict)
    """Side → records written."""
    columns: dict[str, list[str]] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    sides: list[int] = field(default_factory=list)
    """Id and number of the side, of samples that a split gave one."""
    chars: list[tuple[int, int]] = field(default_factory=list)
    """Characters of question and answer of each kept sample."""
    made: bool = False
    """Whether a step made one of the kept samples."""
    topics: Topics = field(default_factory=lambda: {key: {d: Counter() for d in READABLE} for key in KEYS})
    gone: dict[tuple[str, str, str], Group] = field(default_factory=dict)
    """(door, step, reason) → the samples that left there."""
    proposed: dict[str, Group] = field(default_factory=dict)
    """Step → its proposals."""
    _known: dict[bytes, str] = field(default_factory=dict)

    def about(self, door: str, meta: Mapping[str, Any]) -> None:
        """Note what the source says that a sample is about."""
        for key, doors in self.topics.items():
            if doors is not None:
                doors[door][self._said(meta.get(key))] += 1
                if len(doors[door]) > MOST_TOPICS:
                    self.topics[key] = None

    def _said(self, value: Any) -> str:
        """`said`, which takes apart what is nested only once: few values name most samples."""
        if value is None or isinstance(value, str):
            return value or ""
        key = _encode(value)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = said(value)
        return found


def part(folder: Path, kind: str, index: int) -> Path:
    """Where a shard's part of a file lies until all are joined; named so that a killed run's parts are swept away."""
    return folder / f".{kind}-{index:05d}.tmp"


def write_shard(task: Writing) -> Piece:
    """Write a shard's part of `data/`, of the index, of the other doors and of the proposals."""
    piece = Piece(task.shard.index)
    late = _write_kept(task, piece)
    lines = [line for layer in task.layers for line in layer.doors()]
    _write_doors(task, piece, _with_sources(lines + late, task.shard))
    proposals = [line for layer in task.layers for line in layer.proposals()]
    with part(task.folder, "proposals", piece.index).open("wb") as handle:
        for line in in_source_order(proposals, task.shard):
            handle.write(json_line(line).encode("utf-8"))
            _note(piece.proposed.setdefault(line["step"], Group()), line)
    return piece


def _write_kept(task: Writing, piece: Piece) -> list[dict[str, Any]]:
    """Write what is kept; returns door lines of the samples that the format cannot carry."""
    target: Format = FORMATS.get(task.target)
    write, suffix = target.write or _unwritable, target.container
    late: list[dict[str, Any]] = []
    writers: dict[str, RecordWriter] = {}
    with ExitStack() as stack:
        index, questions = (
            stack.enter_context(part(task.folder, kind, piece.index).open("wb"))
            for kind in ("index", QUESTIONS)
        )
        for sample in task.layers[-1].kept():
            piece.tally.taken += 1
            piece.about("kept", sample.meta)
            side = sample.split or "train"
            try:
                record = write(sample)
                if side not in writers:
                    handle: IO[bytes] = stack.enter_context(part(task.folder, side, piece.index).open("wb"))
                    writers[side] = RecordWriter(handle, suffix, task.columns.get(side, ()))
                writers[side].add(record)
            except FormatError as error:
                late.append(quarantined(sample.place, "write", str(error), msgspec.json.encode(sample)))
                piece.tally.left("quarantined", "cannot_be_written")
                continue
            questions.write(_keep(piece, sample, side))
            row = {"id": sample.id, "place": sample.place, "family": sample.root, "split": side}
            index.write(f"{side}.{suffix} {json_line(row)}".encode())
    piece.rows = {side: writer.rows for side, writer in writers.items() if writer.rows}
    piece.columns = {side: writer.columns for side, writer in writers.items() if writer.columns}
    return late


def _unwritable(sample: Sample) -> dict[str, Any]:
    raise FormatError("this format can only be read.")


def _keep(piece: Piece, sample: Sample, side: str) -> bytes:
    """Note a sample that was written; returns the line of its question."""
    piece.tally.kept += 1
    question = sample.question
    if sample.split is not None:
        piece.ids.append(int(sample.id, 16))
        piece.sides.append(SIDES.index(sample.split))
    piece.chars.append((len(question), len(sample.answer)))
    piece.made = piece.made or ("#" in sample.place and split_place(sample.place)[2] != "")
    return _encode((side, sample.place, question)) + b"\n"


def read_kept_questions(files: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    """Side, place and question of the kept samples, in source order, from the shards' parts."""
    return (line for file in files for line in read_lines(file, _decode))


def _write_doors(task: Writing, piece: Piece, lines: list[dict[str, Any]]) -> None:
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for line in in_source_order(lines, task.shard):
            door = line.pop("door")
            if door not in files:
                files[door] = stack.enter_context(part(task.folder, door, piece.index).open("wb"))
            files[door].write(json_line(line).encode("utf-8"))
            reason = line.get("reason") or re.sub(r"(?<![\w-])\d+", "…", line["error"])
            _note(piece.gone.setdefault((door, line["step"], reason), Group()), line)
            if door in READABLE:
                piece.about(door, line["sample"].get("meta", {}))


def _note(group: Group, line: dict[str, Any]) -> None:
    group.count += 1
    if len(group.examples) < SHOWN:
        group.examples.append(line)


def _with_sources(lines: list[dict[str, Any]], shard: Shard) -> list[dict[str, Any]]:
    """The lines, those of quarantined samples with the bytes of their source also where a later stage failed on them.

    A made sample has no source of its own; its line keeps the sample.
    """
    wanted = {
        line["place"]: line
        for line in lines
        if line["door"] == "quarantined" and line["step"] != "read" and not split_place(line["place"])[2]
    }
    for each in shard.parts if wanted else ():
        for entry in entries(each):
            line = wanted.pop(f"{each.name}:{entry.n}", None)
            if line is not None:
                again = quarantined(line["place"], line["step"], line["error"], entry.raw)
                for key in ("raw", "raw_base64"):
                    line.pop(key, None)
                line.update(again)
            if not wanted:
                return lines
    return lines

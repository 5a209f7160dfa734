"""What one shard gives to the files of a run: the function that workers run, before the parts are joined."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import msgspec

from tilth.engine.chain import set_aside
from tilth.engine.layer import NO_SIDE, Layer
from tilth.engine.places import source_order, split_place
from tilth.engine.rendering import About, Rendered, Rendering, Topics
from tilth.engine.tally import Tally
from tilth.errors import FormatError
from tilth.formats.base import FORMATS
from tilth.operators.topics import KEYS, MOST_TOPICS
from tilth.sample import SIDES
from tilth.sources.base import Shard
from tilth.sources.reading import entries
from tilth.store.files import BUFFER, json_line
from tilth.store.records import RecordWriter

DOORS = ("dropped", "quarantined", "held")
READABLE = ("kept", "dropped", "held")
"""Doors whose samples could be read."""
SHOWN = 3
"""Examples of each reason that a report may show."""

_encode = msgspec.json.Encoder().encode

Counts = dict[str, dict[str, Counter[str]] | None]
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
    refused: list[int] = field(default_factory=list)
    """Rows of the last checkpoint that the format cannot carry."""
    made: bool = False
    """Whether a step made one of the kept samples."""
    topics: Counts = field(default_factory=lambda: {key: {d: Counter() for d in READABLE} for key in KEYS})
    gone: dict[tuple[str, str, str], Group] = field(default_factory=dict)
    """(door, step, reason) → the samples that left there."""
    proposed: dict[str, Group] = field(default_factory=dict)
    """Step → its proposals."""

    def about(self, door: str, found: Sequence[Topics]) -> None:
        """Note what the source says that samples of a door are about."""
        for at, key in enumerate(KEYS):
            doors = self.topics[key]
            if doors is not None:
                doors[door].update([topics[at] for topics in found])
                if len(doors[door]) > MOST_TOPICS:
                    self.topics[key] = None


def part(folder: Path, kind: str, index: int) -> Path:
    """Where a shard's part of a file lies until all are joined; named so that a killed run's parts are swept away."""
    return folder / f".{kind}-{index:05d}.tmp"


def write_shard(task: Writing) -> Piece:
    """Write a shard's part of `data/`, of the index, of the other doors and of the proposals."""
    start, piece = perf_counter(), Piece(task.shard.index)
    late = _write_kept(task, piece)
    _write_doors(task, piece, [line for layer in task.layers for line in layer.doors()] + late)
    proposals = [line for layer in task.layers for line in layer.proposals()]
    order = source_order(task.shard)
    with part(task.folder, "proposals", piece.index).open("wb", BUFFER) as handle:
        for line in sorted(proposals, key=lambda line: order(line["place"])):
            text = json_line(line).encode("utf-8")
            handle.write(text)
            _note(piece.proposed.setdefault(line["step"], Group()), text)
    piece.tally.seconds = perf_counter() - start
    return piece


def _write_kept(task: Writing, piece: Piece) -> list[bytes]:
    """Write what is kept; returns door lines of the samples that the format cannot carry."""
    target, layer = FORMATS.get(task.target), task.layers[-1]
    suffix, given = target.container, layer.sides.tolist()
    refused: dict[int, str] = {}
    about: list[Topics] = []
    writers: dict[str, RecordWriter] = {}
    with ExitStack() as stack:

        def opened(kind: str) -> IO[bytes]:
            return stack.enter_context(part(task.folder, kind, piece.index).open("wb", BUFFER))

        index = opened("index")
        for row in Rendering(layer, target).kept():
            about.append(row.topics)
            split = row.split if given[row.row] == NO_SIDE else SIDES[given[row.row]]
            side = split or "train"
            try:
                if row.error:
                    raise FormatError(row.error)
                if side not in writers:
                    writers[side] = RecordWriter(opened(side), suffix, task.columns.get(side, ()))
                writers[side].add_json(row.record)
            except FormatError as error:
                refused[row.row] = str(error)
                continue
            if split:
                piece.ids.append(int(row.id, 16))
                piece.sides.append(SIDES.index(split))
            piece.chars.append(row.chars)
            piece.made = piece.made or ("#" in row.place and split_place(row.place)[2] != "")
            index.write(_index_line(row, side, suffix))
    piece.about("kept", about)
    piece.refused = list(refused)
    for _ in refused:
        piece.tally.left("quarantined", "cannot_be_written")
    piece.tally.taken, piece.tally.kept = len(about), len(about) - len(refused)
    piece.rows = {side: writer.rows for side, writer in writers.items() if writer.rows}
    piece.columns = {side: writer.columns for side, writer in writers.items() if writer.columns}
    samples = layer.pick(refused.__contains__) if refused else ()
    return [set_aside(s.place, "write", refused[row], msgspec.json.encode(s)) for row, s in samples]


def _index_line(row: Rendered, side: str, suffix: str) -> bytes:
    """The file's name, and the line of the index but for the name and the number of the line in that file."""
    known = _encode(row.id), _encode(row.place), _encode(row.family or row.id)
    return b'%b.%b "id": %b, "place": %b, "family": %b, "split": "%b"}\n' % (
        side.encode(),
        suffix.encode(),
        *known,
        side.encode(),
    )


_About = msgspec.defstruct("_About", [(key, Any, None) for key in KEYS], frozen=True)


class _Sample(msgspec.Struct, frozen=True):
    meta: _About = _About()  # type: ignore[valid-type]  # made from `KEYS`


class _Gone(msgspec.Struct):
    """What is looked at in a door's line."""

    door: str
    place: str
    step: str
    reason: str = ""
    error: str = ""
    sample: _Sample = _Sample()


_decode_gone = msgspec.json.Decoder(_Gone).decode


def _write_doors(task: Writing, piece: Piece, lines: Iterable[bytes]) -> None:
    gone = [(_decode_gone(line), line) for line in lines]
    order = source_order(task.shard)
    gone.sort(key=lambda pair: order(pair[0].place))
    sources = _sources([each for each, _ in gone], task.shard)
    about, said = {door: list[Topics]() for door in READABLE}, About()
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for each, line in gone:
            if each.place in sources:
                line = set_aside(each.place, each.step, each.error, sources[each.place])
            line = b"{" + line[len(b'{"door": "", ') + len(each.door) :]
            if each.door not in files:
                files[each.door] = stack.enter_context(
                    part(task.folder, each.door, piece.index).open("wb", BUFFER)
                )
            files[each.door].write(line)
            reason = each.reason or re.sub(r"(?<![\w-])\d+", "…", each.error)
            _note(piece.gone.setdefault((each.door, each.step, reason), Group()), line)
            if each.door in READABLE:
                about[each.door].append(said(msgspec.structs.astuple(each.sample.meta)))
    for door, found in about.items():
        piece.about(door, found)


def _note(group: Group, line: bytes) -> None:
    group.count += 1
    if len(group.examples) < SHOWN:
        group.examples.append(msgspec.json.decode(line))


def _sources(gone: Iterable[_Gone], shard: Shard) -> dict[str, bytes]:
    """Place → the bytes of the source, of the quarantined samples that have one, also where a later stage failed on them.

    A made sample has none of its own; its line keeps the sample.
    """
    wanted = {
        each.place
        for each in gone
        if each.door == "quarantined" and each.step != "read" and not split_place(each.place)[2]
    }
    found: dict[str, bytes] = {}
    for each in shard.parts if wanted else ():
        for entry in entries(each):
            place = f"{each.name}:{entry.n}"
            if place in wanted:
                found[place] = entry.raw
                if len(found) == len(wanted):
                    return found
    return found

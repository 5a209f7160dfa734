"""Writes what came out: the training files, the other doors, the index and the sides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tilth.engine.chain import apply, quarantined
from tilth.engine.shard import Mark, names
from tilth.engine.stage import StageState, set_doors, set_proposals
from tilth.engine.tally import Tally
from tilth.errors import FormatError
from tilth.formats.base import Format
from tilth.operators.topics import KEYS, said
from tilth.sample import SIDES, Sample
from tilth.sources.base import Shard
from tilth.sources.reading import entries
from tilth.store.checkpoint import read_lines
from tilth.store.files import atomic, json_line, write_jsonl, write_text
from tilth.store.folder import RunFolder
from tilth.store.records import RecordWriter

_PLACE = re.compile(r"^(?P<name>.*):(?P<n>\d+)(?P<made>(?:/[\w.@-]+#\d+)*)$", re.DOTALL)
_READABLE = ("kept", "dropped", "held")
"""Doors whose samples could be read, in the order in which topics are counted."""


@dataclass
class Written:
    """What the writer saw, for run.json and the report."""

    tally: Tally = field(default_factory=lambda: Tally("write"))
    splits: dict[str, int] = field(default_factory=dict)
    sides: dict[str, str] = field(default_factory=dict)
    """Sample id → side, in data order."""
    questions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Side → (place, question)."""
    chars: list[tuple[int, int]] = field(default_factory=list)
    """Characters of question and answer of each kept sample."""
    _values: dict[str, list[list[str]]] = field(default_factory=lambda: {key: [[], [], []] for key in KEYS})
    _known: dict[str, str] = field(default_factory=dict)

    def about(self, door: str, meta: Mapping[str, Any]) -> None:
        """Note what the source says that a sample is about."""
        for key, values in self._values.items():
            value = said(meta.get(key))
            values[_READABLE.index(door)].append(self._known.setdefault(value, value))

    def topics(self, key: str) -> list[str]:
        """What the source says in this field of all samples that could be read: kept, dropped, held."""
        return [value for values in self._values[key] for value in values]


def write_data(
    folder: RunFolder,
    states: list[StageState],
    shards: list[Shard],
    target: Format,
    progress: Callable[[str, int, int], None],
) -> Written:
    """Write `data/` and the other doors from the checkpoints, in source order."""
    written = Written()
    late: dict[int, list[dict[str, Any]]] = {}
    with ExitStack() as stack:
        index = stack.enter_context(atomic(folder.index))
        writers: dict[str, RecordWriter] = {}
        for number, mark in enumerate(states[-1].marks):
            progress("write", number, len(states[-1].marks))
            for sample in final_samples(states[-1], mark):
                written.tally.taken += 1
                written.about("kept", sample.meta)
                side = sample.split or "train"
                try:
                    record = (target.write or _unwritable)(sample)
                    if side not in writers:
                        path = folder.data / f"{side}.{target.container}"
                        writers[side] = RecordWriter(stack.enter_context(atomic(path)), target.container)
                    writers[side].add(record)
                except FormatError as error:
                    line = quarantined(sample.place, "write", str(error), msgspec.json.encode(sample))
                    late.setdefault(mark.index, []).append(line)
                    written.tally.left("quarantined", "cannot_be_written")
                    continue
                _keep(written, sample, side)
                row = {"file": f"{side}.{target.container}", "line": writers[side].rows, "id": sample.id}
                more = {"place": sample.place, "family": sample.root, "split": side}
                index.write(json_line({**row, **more}).encode("utf-8"))
    _tidy(folder, target, written)
    write_doors(folder, states, shards, late, written)
    return written


def final_samples(state: StageState, mark: Mark) -> Iterator[Sample]:
    """The samples of a shard that are kept at the end, with everything that was added to them."""
    for row, sample in state.samples(mark):
        if row not in state.dead:
            yield apply(sample, state.changes.get(row, ()))


def _unwritable(sample: Sample) -> dict[str, Any]:
    raise FormatError("this format can only be read.")


def _keep(written: Written, sample: Sample, side: str) -> None:
    written.tally.kept += 1
    written.splits[side] = written.splits.get(side, 0) + 1
    written.questions.setdefault(side, []).append((sample.place, sample.question))
    if sample.split is not None:
        written.sides[sample.id] = side
    written.chars.append((len(sample.question), len(sample.answer)))


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


def write_doors(
    folder: RunFolder,
    states: list[StageState],
    shards: list[Shard],
    late: dict[int, list[dict[str, Any]]],
    written: Written,
) -> None:
    """Write dropped.jsonl, quarantined.jsonl, held.jsonl and the proposals, all steps together, in source order.

    `late`: shard → lines of samples that the target format could not carry.
    """
    with ExitStack() as stack:
        files = {d: stack.enter_context(atomic(folder.door(d))) for d in ("dropped", "quarantined", "held")}
        for shard in shards:
            lines = [line for state in states for line in _doors(state, state.marks[shard.index])]
            for line in _ordered(_with_sources(lines + late.get(shard.index, []), shard), shard):
                door = line.pop("door")
                files[door].write(json_line(line).encode("utf-8"))
                if door in _READABLE:
                    written.about(door, line["sample"].get("meta", {}))
    write_jsonl(folder.proposals, _proposals(states, shards))


def _with_sources(lines: list[dict[str, Any]], shard: Shard) -> list[dict[str, Any]]:
    """The lines, those of quarantined samples with the bytes of their source also where a later stage failed on them.

    A made sample has no source of its own; its line keeps the sample.
    """
    wanted = {
        line["place"]: line
        for line in lines
        if line["door"] == "quarantined" and line["step"] != "read" and not split_place(line["place"])[2]
    }
    for part in shard.parts if wanted else ():
        for entry in entries(part):
            line = wanted.pop(f"{part.name}:{entry.n}", None)
            if line is not None:
                again = quarantined(line["place"], line["step"], line["error"], entry.raw)
                for key in ("raw", "raw_base64"):
                    line.pop(key, None)
                line.update(again)
            if not wanted:
                return lines
    return lines


def _doors(state: StageState, mark: Mark) -> Iterator[dict[str, Any]]:
    yield from read_lines(state.folder / names(mark.index)["doors"])
    yield from set_doors(state, mark)


def _proposals(states: list[StageState], shards: list[Shard]) -> Iterator[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for state in states:
        for mark in state.marks:
            lines += read_lines(state.folder / names(mark.index)["proposals"])
        lines += set_proposals(state)
    ranks = _ranks(part.name for shard in shards for part in shard.parts)
    yield from sorted(lines, key=lambda line: _order(line["place"], ranks))


def _ordered(lines: list[dict[str, Any]], shard: Shard) -> list[dict[str, Any]]:
    ranks = _ranks(part.name for part in shard.parts)
    return sorted(lines, key=lambda line: _order(line["place"], ranks))


def _ranks(found: Iterable[str]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    for name in found:
        ranks.setdefault(name, len(ranks))
    return ranks


def split_place(place: str) -> tuple[str, int, str]:
    """A place as (file, n, what was made from it): `a.jsonl:7/augment.rules#0` → `a.jsonl`, 7, `/augment.rules#0`.

    Raises:
        ValueError: this is no place.
    """
    match = _PLACE.match(place)
    if match is None:
        raise ValueError(f"{place} is no place")
    return match["name"], int(match["n"]), match["made"]


def _order(place: str, ranks: dict[str, int]) -> tuple[int, int, list[tuple[str, int]]]:
    name, n, made = split_place(place)
    steps = [(step, int(k)) for step, k in (part.rsplit("#", 1) for part in made.split("/") if part)]
    return ranks.get(name, 0), n, steps

"""One shard at the end of one stage: its checkpoint, and what the stage's set steps said about the rows in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tilth.engine.chain import left, proposal_lines, set_aside
from tilth.sample import SIDES, Drop, Hold, Message, Propose, Sample
from tilth.store.checkpoint import decode, read_lines, read_rows

NO_SIDE = -1
Texts = tuple[Message, ...]
"""The messages of a sample as a set step mended them."""


def names(index: int) -> dict[str, str]:
    """The files of one shard in a stage's folder."""
    return {
        "kept": f"kept-{index:05d}.jsonl",
        "rendered": f"rendered-{index:05d}.jsonl",
        "doors": f"doors-{index:05d}.jsonl",
        "proposals": f"proposals-{index:05d}.jsonl",
        "questions": f"questions-{index:05d}.jsonl",
        "answers": f"answers-{index:05d}.jsonl",
        "done": f"done-{index:05d}.json",
    }


def added(sample: Sample, side: int, signals: Mapping[str, Any] | None, texts: Texts | None) -> Sample:
    """The sample with what set steps added to it, and the texts as they mended them."""
    if texts is not None:
        sample = sample.replace(messages=texts)
    if side != NO_SIDE:
        sample = sample.replace(split=SIDES[side])
    return sample.replace(signals={**sample.signals, **signals}) if signals else sample


@dataclass(frozen=True)
class Layer:
    """What a worker needs to go on with a shard where a stage left it; it pickles. Rows are counted from 0."""

    folder: Path
    """The stage's folder."""
    index: int
    """The shard's."""
    rows: int
    """Samples in the checkpoint."""
    gone: Mapping[int, tuple[str, Drop | Hold | str]]
    """Rows that left at a set step: its name, and its verdict or the error."""
    sides: np.ndarray
    """For each row the number of the side that a set step gave it, `NO_SIDE` for none."""
    signals: Mapping[int, Mapping[str, Any]]
    """Rows that a set step measured: what it added."""
    texts: Mapping[int, Texts]
    """Rows that a set step mended."""
    proposed: Sequence[tuple[int, str, Propose]]
    """What set steps proposed: row, step and proposals."""

    def kept(self) -> Iterator[Sample]:
        """The samples that go on, with what set steps added to them."""
        return (sample for _, sample in self.pick(lambda row: row not in self.gone))

    def doors(self) -> Iterator[bytes]:
        """Door lines of all samples that left in this stage; the door stands first in each."""
        with (self.folder / names(self.index)["doors"]).open("rb") as lines:
            yield from lines
        for row, line in self._lines(self.gone.__contains__) if self.gone else ():
            step, verdict = self.gone[row]
            if isinstance(verdict, str):
                yield set_aside(decode(line).place, step, verdict, line)
            else:
                door = "dropped" if isinstance(verdict, Drop) else "held"
                yield left(door, msgspec.Raw(line), step, verdict.reason, verdict.evidence)

    def proposals(self) -> Iterator[dict[str, Any]]:
        """Proposal lines of all steps of this stage."""
        path = self.folder / names(self.index)["proposals"]
        yield from read_lines(path) if path.exists() else ()
        wanted = {row for row, _, _ in self.proposed}
        samples = dict(self.pick(wanted.__contains__)) if wanted else {}
        for row, step, proposal in self.proposed:
            yield from proposal_lines(samples[row], step, proposal)

    def pick(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, Sample]]:
        """Row and sample of the rows that are wanted, with what set steps added to them."""
        sides = self.sides.tolist()
        for row, line in read_rows(self.folder / names(self.index)["kept"], wanted):
            yield row, added(decode(line), sides[row], self.signals.get(row), self.texts.get(row))

    def _lines(self, wanted: Callable[[int], bool]) -> Iterator[tuple[int, bytes]]:
        """As `pick`, but the samples as JSON; those to which nothing was added are never taken apart."""
        sides = self.sides.tolist()
        for row, line in read_rows(self.folder / names(self.index)["kept"], wanted):
            if sides[row] == NO_SIDE and row not in self.signals and row not in self.texts:
                yield row, line[:-1]
            else:
                sample = added(decode(line), sides[row], self.signals.get(row), self.texts.get(row))
                yield row, msgspec.json.encode(sample)

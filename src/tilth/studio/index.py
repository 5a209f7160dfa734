"""All samples of a run in memory, ready to be filtered and searched."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from tilth.engine.output import split_place
from tilth.engine.replay import kept_samples
from tilth.errors import UserError
from tilth.sample import Sample
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder

DOORS = ("kept", "dropped", "quarantined", "held")


@dataclass(frozen=True)
class Row:
    """One sample, and the door it stands behind."""

    place: str
    id: str
    door: str
    step: str
    """The step that sent it away; empty for a kept sample."""
    reason: str
    split: str
    sample: Sample | None
    """`None` where the entry could not be read, or the checkpoints are gone."""
    raw: str = ""
    """What stood in the source, where there is no sample."""
    proposed: tuple[str, ...] = ()
    """Steps that proposed a change."""

    @property
    def question(self) -> str:
        """What the user asks; for an unreadable entry what stood in the source."""
        return self.sample.question if self.sample else self.raw

    @property
    def answer(self) -> str:
        """What the assistant answers."""
        return self.sample.answer if self.sample else ""

    @cached_property
    def haystack(self) -> str:
        """What a search looks through."""
        said = [m.content for m in self.sample.messages] if self.sample else [self.raw]
        return fold("\n".join([self.place, self.id, self.reason, *said]))


@dataclass(frozen=True)
class Index:
    """A run's samples in the order of their places.

    Everything is held in memory, text and folded text, and a search reads all of it: made for up to about 100,000
    samples.
    """

    rows: tuple[Row, ...]
    note: str = ""
    """Why the texts of kept samples are missing, where they are."""
    by_place: Mapping[str, Row] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_place", {row.place: row for row in self.rows})

    def left(self) -> list[tuple[tuple[str, str, str], int]]:
        """((door, step, reason), samples), most frequent first."""
        gone = Counter((row.door, row.step, row.reason) for row in self.rows if row.door != "kept")
        return sorted(gone.items(), key=lambda item: (-item[1], item[0]))


def build(folder: RunFolder) -> Index:
    """Read a run's files.

    Raises:
        FolderError: this is no run folder.
    """
    folder.read_run()
    proposed: dict[str, tuple[str, ...]] = {}
    for line in read_jsonl(folder.proposals):
        proposed[line["place"]] = (*proposed.get(line["place"], ()), line["step"])
    note, samples = "", {}
    try:
        samples = {sample.place: sample for sample in kept_samples(folder)}
    except UserError as problem:
        note = str(problem)
    rows = [*_kept(folder, samples, proposed), *_gone(folder, proposed)]
    return Index(tuple(sorted(rows, key=lambda row: split_place(row.place))), note)


def _kept(
    folder: RunFolder, samples: Mapping[str, Sample], proposed: Mapping[str, tuple[str, ...]]
) -> Iterator[Row]:
    for line in read_jsonl(folder.index):
        place = line["place"]
        yield Row(
            place=place,
            id=line["id"],
            door="kept",
            step="",
            reason="",
            split=line.get("split") or "",
            sample=samples.get(place),
            proposed=proposed.get(place, ()),
        )


def _gone(folder: RunFolder, proposed: Mapping[str, tuple[str, ...]]) -> Iterator[Row]:
    for door in DOORS[1:]:
        for line in read_jsonl(folder.door(door)):
            yield Row(
                place=line["place"],
                id=line.get("id", ""),
                door=door,
                step=line["step"],
                reason=reason_of(line),
                split="",
                sample=msgspec.convert(line["sample"], Sample) if "sample" in line else None,
                raw=line.get("raw") or line.get("raw_base64", ""),
                proposed=proposed.get(line["place"], ()),
            )


def reason_of(line: Mapping[str, Any]) -> str:
    """The reason word of a door's line; for an error its text, with numbers left out so that equal errors group."""
    return line.get("reason") or re.sub(r"(?<![\w-])\d+", "…", line["error"])


def fold(text: str) -> str:
    """Text as it is compared in a search: full-width letters and capitals make no difference."""
    return unicodedata.normalize("NFKC", text).casefold()

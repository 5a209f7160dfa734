"""Places and questions of a checkpoint's samples, which are read without the samples themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from tilth.engine.layer import NO_SIDE, Layer, Texts, names
from tilth.sample import SIDES, Sample, text_of
from tilth.store.checkpoint import read_lines

GONE = -2
"""Stands for a row that is not kept, where others have the number of their side."""


class Asked(msgspec.Struct, omit_defaults=True):
    """A line of `questions-00000.jsonl`."""

    place: str
    question: str
    split: str = ""
    """The side that the checkpoint knows; empty for none."""


class _At(msgspec.Struct):
    place: str


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Asked).decode
_decode_place = msgspec.json.Decoder(_At).decode


def asked_line(sample: Sample) -> bytes:
    """The line of a sample."""
    return _encode(Asked(sample.place, sample.question, sample.split or "")) + b"\n"


def read_places(folder: Path, index: int) -> list[str]:
    """The places of a shard's rows, in order."""
    return [line.place for line in read_lines(folder / names(index)["questions"], _decode_place)]


class Kept(NamedTuple):
    """Which of a shard's questions are kept, and where; it pickles."""

    file: Path
    sides: np.ndarray
    """For each row the number of its side, `NO_SIDE` where a set step gave it none, `GONE` where it is not kept."""
    texts: Mapping[int, Texts]
    """Rows that a set step mended."""

    @classmethod
    def of(cls, layer: Layer, refused: Collection[int] = ()) -> Kept:
        """Those of a shard at the end of the last stage, without the rows that could not be written."""
        sides = layer.sides.copy()
        sides[[*layer.gone, *refused]] = GONE
        return cls(layer.folder / names(layer.index)["questions"], sides, layer.texts)


def read_kept_questions(shards: Iterable[Kept]) -> Iterator[tuple[str, str, str]]:
    """Side, place and question of the kept samples, in source order."""
    for shard in shards:
        asked = read_lines(shard.file, _decode)
        for row, (side, line) in enumerate(zip(shard.sides.tolist(), asked, strict=True)):
            if side == GONE:
                continue
            question = text_of(shard.texts[row], "user") if row in shard.texts else line.question
            yield (line.split or "train") if side == NO_SIDE else SIDES[side], line.place, question

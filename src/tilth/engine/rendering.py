"""Kept samples in the format of `data.to`: rendered once, and routed later, for the side of a split changes no text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from tilth import __version__
from tilth.engine.layer import NO_SIDE, Layer, names
from tilth.errors import FormatError
from tilth.formats.base import Format
from tilth.operators.topics import KEYS, said
from tilth.sample import Sample
from tilth.store.checkpoint import read_lines
from tilth.store.files import atomic, json_line

Topics = tuple[str, ...]
"""What the source says that a sample is about, for each of `KEYS`; empty where it says nothing."""
_encode = msgspec.json.Encoder().encode


class Rendered(msgspec.Struct, omit_defaults=True):
    """What a sample gives to the files of a run, on whichever side: a line of `rendered-00000.jsonl`."""

    row: int
    """Of the checkpoint."""
    id: str
    place: str
    chars: tuple[int, int]
    """Characters of question and answer."""
    topics: Topics
    record: msgspec.Raw
    """In the format of `data.to`, as the training file has it."""
    family: str = ""
    split: str = ""
    """The side that the checkpoint knows; empty for none."""
    error: str = ""
    """Why the format cannot carry the sample."""


_decode = msgspec.json.Decoder(Rendered).decode


class About:
    """Says what samples are about; it takes apart what is nested only once, for few values name most samples."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def __call__(self, values: Iterable[Any]) -> Topics:
        """What one sample is about, from its values of `KEYS`."""
        return tuple(map(self._said, values))

    def _said(self, value: Any) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        if type(value) is list and len(value) == 1 and type(value[0]) is str:
            return value[0]
        key = _encode(value)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = said(value)
        return found


class Rendering:
    """Renders a shard's samples at the end of the last stage, and remembers what the next run can use again.

    That is everything but what set steps measured or mended, which may be otherwise the next time, and formats that are
    none of ours, whose code may change under the same name.
    """

    def __init__(self, layer: Layer, target: Format) -> None:
        """Take the shard at its end, and the format of `data.to`."""
        # What is remembered must hold for every side.
        self._layer = replace(layer, sides=np.full(layer.rows, NO_SIDE, dtype=np.int8))
        self._write = target.write or _unwritable
        self._head = {"format": target.name, "tilth": __version__}
        self._lasting = target.read.__module__.startswith("tilth.")
        self._path = layer.folder / names(layer.index)["rendered"]
        self._about = About()

    def kept(self) -> Iterator[Rendered]:
        """What the kept samples give, in order; those without an error have a record."""
        layer = self._layer
        kept = np.ones(layer.rows, dtype=bool)
        kept[list(layer.gone)] = False
        known = self._known()
        missing = {row for row in np.flatnonzero(kept).tolist() if row not in known}
        fresh = layer.pick(missing.__contains__) if missing else iter(())
        added = False
        for row in np.flatnonzero(kept).tolist():
            if row not in missing:
                yield known[row]
                continue
            rendered = self._rendered(*next(fresh))
            if self._lasting and not rendered.error and row not in layer.signals and row not in layer.texts:
                known[row], added = rendered, True
            yield rendered
        if added:
            self._remember(known)

    def _known(self) -> dict[int, Rendered]:
        """Row → what an earlier run has rendered and holds today."""
        if not self._lasting or not self._path.exists():
            return {}
        changed = self._layer.signals.keys() | self._layer.texts.keys()
        lines = read_lines(self._path, bytes)
        try:
            if msgspec.json.decode(next(lines, b"{}")) != self._head:
                return {}
            found = list(map(_decode, lines))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {}  # nobody waited for the disk to have it
        return {rendered.row: rendered for rendered in found if rendered.row not in changed}

    def _rendered(self, row: int, sample: Sample) -> Rendered:
        try:
            record, error = json_line(self._write(sample)).encode("utf-8")[:-1], ""
        except FormatError as refused:
            record, error = b"null", str(refused)
        return Rendered(
            row,
            sample.id,
            sample.place,
            (len(sample.question), len(sample.answer)),
            self._about(map(sample.meta.get, KEYS)),
            msgspec.Raw(record),
            sample.family,
            sample.split or "",
            error,
        )

    def _remember(self, known: dict[int, Rendered]) -> None:
        with atomic(self._path, lasting=False) as handle:
            handle.write(_encode(self._head) + b"\n")
            handle.writelines(_encode(known[row]) + b"\n" for row in sorted(known))


def _unwritable(sample: Sample) -> dict[str, Any]:
    raise FormatError("this format can only be read.")

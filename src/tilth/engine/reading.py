"""From what lies in a source to a sample, the one way every command takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from tilth.errors import FormatError
from tilth.formats import FORMATS, detect, read_record
from tilth.sample import Sample
from tilth.sources import entries, plan
from tilth.sources.base import Entry, Part, Shard, Spec
from tilth.sources.identity import record_id

FAR = 1000
"""Entries of a file that are looked at for them, where few can be read."""
LOOKED_AT = 20
"""Records that settle the format of a source."""


def sample_of(entry: Entry, part: Part, spec: Spec) -> Sample:
    """The sample of an entry; `spec` must have its format settled.

    Raises:
        FormatError: the entry could not be parsed, or its record has another shape.
    """
    if entry.error:
        raise FormatError(entry.error)
    place = f"{part.name}:{entry.n}"
    read = FORMATS.get(spec.format or "").read
    return read_record(read, entry.record, spec.columns, record_id(entry.record), place)


def settle_formats(specs: Sequence[Spec], shards: Sequence[Shard]) -> tuple[Spec, ...]:
    """The sources, each with its format: the one it names, or the one its first records show.

    Raises:
        FormatError: no format fits.
    """
    return tuple(_settle(spec, index, shards) for index, spec in enumerate(specs))


def _settle(spec: Spec, index: int, shards: Sequence[Shard]) -> Spec:
    if spec.format is not None:
        return spec
    if spec.page == "list" and not spec.columns:
        return replace(spec, format="questions")
    parts = (part for shard in shards for part in shard.parts if part.source == index)
    found = (entry for part in parts for entry in islice(entries(part), FAR))
    records = list(islice((e.record for e in found if not (e.blank or e.error)), LOOKED_AT))
    return replace(spec, format=detect(records).name if records else "tilth")


def read_source(spec: Spec) -> Iterator[tuple[Entry, Part, Spec]]:
    """Every entry of one source that is no blank line, with its part and the settled source.

    Raises:
        SourceError: the source is missing or of an unknown kind.
        FormatError: no format fits.
    """
    shards = plan([spec])
    (settled,) = settle_formats([spec], shards)
    for part in (part for shard in shards for part in shard.parts):
        for entry in entries(part):
            if not entry.blank:
                yield entry, part, settled

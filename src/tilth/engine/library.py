"""`tilth.read` and `tilth.write`: samples in a notebook, without a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tilth.engine.reading import read_source, sample_of
from tilth.errors import FormatError, UserError
from tilth.formats import FORMATS
from tilth.sample import Sample
from tilth.sources.base import Spec
from tilth.store.files import atomic
from tilth.store.records import RecordWriter


def read(path: str | Path, format: str = "auto") -> Iterator[Sample]:
    """The samples of a file or folder, in order.

    Args:
        path: a file, a folder or a glob.
        format: a name of `tilth list formats`; `auto` detects it.

    Raises:
        SourceError: the path is missing or of an unknown kind.
        FormatError: no format fits, or an entry cannot be read; the message names its place. A run would
            quarantine it: use `tilth.run` for data that may be damaged.
        NotFoundError: there is no such format.
    """
    name = None if format == "auto" else FORMATS.get(format).name
    for entry, part, spec in read_source(Spec(str(path), name)):
        try:
            yield sample_of(entry, part, spec)
        except FormatError as error:
            raise FormatError(f"{part.name}:{entry.n}: {error.message}", error.hint) from None


def write(samples: Iterable[Sample], path: str | Path, format: str = "openai") -> int:
    """Write samples to a file, whole or not at all; returns how many.

    Raises:
        FormatError: the format cannot carry a sample; the message names its place.
        UserError: the format can only be read.
        NotFoundError: there is no such format.
    """
    target = FORMATS.get(format)
    if target.write is None:
        raise UserError(f"the format '{format}' can only be read.")
    with atomic(Path(path)) as handle:
        writer = RecordWriter(handle, target.container)
        for sample in samples:
            try:
                writer.add(target.write(sample))
            except FormatError as error:
                raise FormatError(f"{sample.place}: {error.message}", error.hint) from None
    return writer.rows

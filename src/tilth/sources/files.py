"""Files as a source: what there is, the work cut by size, the entries of each part, and a first look."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from tilth.errors import SourceError
from tilth.sources.base import Layout, Part, Shard, Spec
from tilth.sources.cutting import parts_of
from tilth.sources.layout import layout_of, likely_encoding
from tilth.sources.listing import Found, data_root, files_of
from tilth.sources.reading import entries
from tilth.sources.streams import BUFFER, canonical_encoding, open_stored, size_of

__all__ = ["Found", "Look", "data_root", "digest", "entries", "files_of", "plan", "size_of", "sniff"]

SHARD_BYTES = 1 << 20, 8 << 20
"""The least and the most that a shard holds."""
SHARDS = 64
"""Shards of a set that is neither so small nor so big: enough for many processes to end at about the same time."""
FAR = 1000
"""How many entries a first look reads at most, where few of them are good."""


@dataclass(frozen=True)
class Look:
    """What a first look at a file shows."""

    layout: Layout
    records: tuple[Any, ...]
    """The first records that could be parsed."""
    encoding: str = ""
    """The encoding that the file seems to be in, where that is not the one it was read with; else empty."""
    error: str = ""
    """Why the first entry that could not be parsed could not; empty when all could."""


def plan(specs: Sequence[Spec], *, shard_bytes: int = 0) -> list[Shard]:
    """The work in source order: small files share a shard, big ones are cut between records.

    The same files give the same shards, however many workers there are.

    Args:
        specs: the items of `data.from`.
        shard_bytes: about how many bytes a shard holds; 0 leaves it to the size of all files together.

    Raises:
        SourceError: a file is missing, of an unknown kind or in an unknown encoding, or a table has no header.
    """
    shards: list[Shard] = []
    parts: list[Part] = []
    held = 0
    files = [found for found in files_of(specs) if not found.skipped]
    least, most = SHARD_BYTES
    shard_bytes = shard_bytes or min(max(sum(size_of(f.path) for f in files) // SHARDS, least), most)
    for found in files:
        for part, size in parts_of(found, specs[found.source], shard_bytes):
            if parts and held + size > shard_bytes:
                shards.append(Shard(len(shards), tuple(parts)))
                parts, held = [], 0
            parts.append(part)
            held += size
    return [*shards, Shard(len(shards), tuple(parts))]


def sniff(path: str, *, encoding: str = "utf-8", page: str | None = None, limit: int = 20) -> Look:
    """A first look at one file: how its records lie, the first of them, and whether the encoding seems wrong.

    Args:
        path: the file.
        encoding: as in the recipe.
        page: as in the recipe.
        limit: how many records to show.

    Raises:
        SourceError: the file cannot be read, and nothing can be said about why.
    """
    codec = canonical_encoding(encoding)
    likely = likely_encoding(path) if codec == "utf-8" else ""
    part = Part(path, Path(path).name, layout_of(path, codec, page), encoding=codec)
    try:
        records, error = _first(part, limit)
    except SourceError:
        if likely:
            return Look(part.layout, (), likely)
        raise
    return Look(part.layout, tuple(records), likely, error)


def _first(part: Part, limit: int) -> tuple[list[Any], str]:
    """The first records of a part, and what was wrong with the first entry that is none."""
    records: list[Any] = []
    wrong = ""
    for entry in islice(entries(part), FAR):
        if entry.error:
            wrong = wrong or entry.error
        elif not entry.blank:
            records.append(entry.record)
        if len(records) == limit:
            break
    return records, wrong


def digest(path: str) -> str:
    """32 hex digits of blake2b over the file's bytes.

    Raises:
        SourceError: the file cannot be read.
    """
    state = hashlib.blake2b(digest_size=16)
    try:
        with open_stored(path) as stream:
            while block := stream.read(BUFFER):
                state.update(block)
    except BadZipFile:
        # What follows the damage cannot be read by anybody, so it is no part of the content.
        return state.hexdigest()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}.") from None
    return state.hexdigest()

"""The training files of a run, read back as samples through the format they were written in."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tilth.errors import FolderError, UserError
from tilth.formats import FORMATS
from tilth.sample import Sample
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder
from tilth.training.base import Job
from tilth.training.shape import TINY


def file_digest(*paths: Path) -> str:
    """16 hex digits over the bytes of some files."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        with path.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "blake2b").digest())
    return digest.hexdigest()


def format_of(run: RunFolder) -> str:
    """The format a run's data files are in, from its lock file."""
    lock = yaml.safe_load(run.lock.read_text(encoding="utf-8"))
    return str(lock["data"]["to"])


def side_file(run: RunFolder, side: str) -> Path:
    """The data file of a side; its suffix is that of the format's container."""
    return run.side(side).with_suffix(f".{FORMATS.get(format_of(run)).container}")


def relative(path: Path, folder: Path) -> str:
    """The path as seen from the folder, so that both can be moved together; absolute across Windows drives."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def model_reference(job: Job, folder: Path, place: Path) -> str:
    """The base model as a trainer working in `place` finds it; a model that is not here by the name it was given."""
    base = folder / job.base
    here = base.is_dir() or job.settings.base_model == TINY
    return relative(base, place) if here else job.settings.base_model


def read_data(path: Path, index: Path, format_name: str) -> Iterator[Sample]:
    """The samples of one data file, with the ids and places its run gave them.

    Raises:
        FolderError: the file and the index do not belong together.
        UserError: the samples are not meant to be learnt as they stand.
    """
    shape = FORMATS.get(format_name)
    known = [row for row in read_jsonl(index) if Path(row["file"]).name == path.name]
    records = list(_records(path, shape.container))
    if len(known) != len(records):
        raise FolderError(
            f"{path} has {len(records)} records where its index has {len(known)}.",
            "Write both again with: tilth run RECIPE",
        )
    for row, record in zip(sorted(known, key=lambda row: int(row["line"])), records, strict=True):
        sample = shape.read(record, row["id"], row["place"])
        if sample.rejected is not None or sample.label is not None:
            raise UserError(
                f"{row['place']} carries a preference, and this trainer learns from answers only.",
                "Set data.to to a format of plain conversations, for example `openai`.",
            )
        yield sample


def _records(path: Path, container: str) -> Iterator[Any]:
    if container == "jsonl":
        yield from read_jsonl(path)
        return
    with path.open(encoding="utf-8-sig", newline="") as handle:
        yield from csv.DictReader(handle, delimiter="," if container == "csv" else "\t")

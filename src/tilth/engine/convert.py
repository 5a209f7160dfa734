"""`tilth convert`: one pass from one shape of record to another; what a shape cannot carry is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tilth.engine.chain import quarantined
from tilth.engine.reading import read_source, sample_of
from tilth.errors import FormatError, UserError
from tilth.formats import FORMATS
from tilth.sample import Sample
from tilth.sources import files_of
from tilth.sources.base import Spec
from tilth.store.files import atomic, write_jsonl, write_text
from tilth.store.records import RecordWriter


def convert(
    source: str | Path,
    from_: str,
    to: str,
    out: str | Path,
    *,
    with_meta: bool = False,
    encoding: str = "utf-8",
) -> dict[str, Any]:
    """Convert a file or folder; returns `{from, to, taken, written, meta_left_out, problems, rejects}`.

    Records that cannot be read or carried stand in `OUT.rejects.jsonl` with their reason; the others are written.

    Raises:
        NotFoundError: a format is unknown.
        UserError: the target can only be read.
        SourceError: the input is missing or of an unknown kind.
    """
    target = FORMATS.get(to)
    if target.write is None:
        raise UserError(
            f"the format '{to}' can only be read.", "Choose another with --to; see: tilth list formats"
        )
    spec = Spec(str(source), None if from_ == "auto" else FORMATS.get(from_).name, encoding)
    path = Path(out)
    refuse_overwriting(spec, path)
    rejects = path.with_name(path.name + ".rejects.jsonl")
    problems: list[dict[str, Any]] = []
    left_out: set[str] = set()
    taken = 0
    with atomic(path) as handle:
        writer = RecordWriter(handle, target.container)
        for entry, part, spec in read_source(spec):  # noqa: B020  each entry comes with the settled source
            taken += 1
            try:
                sample = sample_of(entry, part, spec)
                writer.add(_with_meta(sample, target.write(sample), with_meta, left_out))
            except FormatError as error:
                problems.append(quarantined(f"{part.name}:{entry.n}", "convert", str(error), entry.raw))
    for name, text in (target.companions([path.name]) if target.companions else {}).items():
        write_text(path.parent / name, text)
    rejects.unlink(missing_ok=True)
    if problems:
        write_jsonl(rejects, [{k: v for k, v in problem.items() if k != "door"} for problem in problems])
    found = {
        "from": spec.format,
        "to": to,
        "taken": taken,
        "written": writer.rows,
        "meta_left_out": sorted(left_out),
    }
    return {**found, "problems": problems, "rejects": str(rejects) if problems else ""}


def refuse_overwriting(spec: Spec, out: Path) -> None:
    """Stop before a source would be written over.

    Raises:
        UserError: the output is one of the files that are read, or a folder.
    """
    if out.is_dir():
        raise UserError(f"{out} is a folder.", f"Name a file in it, for example {out / 'data.jsonl'}.")
    for found in files_of([spec]):
        if out.exists() and out.samefile(found.path):
            raise UserError(f"{out} is the input itself.", "Write to another file with -o.")


def _with_meta(sample: Sample, record: dict[str, Any], keep: bool, left_out: set[str]) -> dict[str, Any]:
    extra = {key: value for key, value in sample.meta.items() if key not in record}
    if keep:
        return {**record, **extra}
    left_out.update(extra)
    return record

"""Look behind the doors of a run, and bring samples back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tilth.engine.chain import quarantined
from tilth.engine.reading import read_source, sample_of
from tilth.engine.replay import kept_samples
from tilth.errors import FormatError, NotFoundError, UserError
from tilth.sources.address import spec_at
from tilth.sources.streams import canonical_encoding
from tilth.store.decisions import Event, append, event
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder
from tilth.store.lock import locked

DOORS = ("kept", "dropped", "quarantined", "held")


def _reasons(line: Mapping[str, Any]) -> set[str | None]:
    """The reasons by which a line may be asked for: those of run.json, and for a quarantined sample its error too.

    Of a record that could not be read a line tells only by its bytes whether it was damaged or of another shape.
    """
    if "error" not in line:
        return {line.get("reason")}
    names = {"write": {"cannot_be_written"}, "read": {"unreadable", "wrong_shape"}}
    found = names.get(line["step"], {"operator_error"})
    if line["step"] == "read" and ".json" in line["place"]:
        found = {"wrong_shape" if _is_json(line.get("raw", "")) else "unreadable"}
    return {line["error"], *found}


def _is_json(raw: str) -> bool:
    try:
        json.loads(raw)
    except ValueError:
        return False
    return True


def show(run: str | Path, door: str | None = None, reason: str | None = None) -> Iterator[dict[str, Any]]:
    """The lines behind a door; of kept samples the lines of index.jsonl with `sample`.

    Args:
        run: a run folder.
        door: kept by default; with a reason all other doors are looked behind.
        reason: only samples that left for it.

    Raises:
        UserError: there is no such door, or a reason is asked of kept samples.
        FolderError: this is no run folder.
    """
    folder = RunFolder(Path(run))
    folder.read_run()
    if door not in (None, *DOORS):
        raise UserError(f"there is no door '{door}'.", f"The doors are {', '.join(DOORS)}.")
    if door == "kept" and reason is not None:
        raise UserError("kept samples have no reason.", "Leave out --door kept, or leave out --reason.")
    if door not in (None, "kept") or reason is not None:
        for name in (door,) if door else DOORS[1:]:
            for line in read_jsonl(folder.door(name)):
                if reason is None or reason in _reasons(line):
                    yield line
        return
    samples = iter(kept_samples(folder))
    for line in read_jsonl(folder.index):
        sample = next(samples)
        while sample.place != line["place"]:
            sample = next(samples)
        yield {**line, "sample": msgspec.to_builtins(sample)}


def preview(
    source: str | Path, format_: str | None = None, encoding: str = "utf-8", page: str | None = None
) -> Iterator[dict[str, Any]]:
    """A source as question and answer, with what could not be read where it stands.

    Args:
        source: a file, a folder, a pattern, or an address; what is fetched is kept in `.tilth/` right here.
        format_: the format of the records; detected by default.
        encoding: of text files.
        page: `article`, `list` or `thread`, for web pages.

    Raises:
        SourceError: the source is missing, of an unknown kind, or in an unknown encoding.
        FormatError: no format fits.
    """
    at = spec_at(str(source), Path())
    spec_ = replace(at, format=format_, encoding=canonical_encoding(encoding), page=page)
    for entry, part, spec in read_source(spec_):
        try:
            sample = sample_of(entry, part, spec)
            yield {"place": sample.place, "id": sample.id, "sample": msgspec.to_builtins(sample)}
        except FormatError as error:
            line = quarantined(f"{part.name}:{entry.n}", "read", str(error), entry.raw)
            yield {key: value for key, value in line.items() if key != "door"}


def judged_alike(step: str, steps: Sequence[str]) -> list[str]:
    """The step, and later ones that would let the sample go on the same grounds: an exact duplicate is a near one."""
    later = steps[steps.index(step) + 1 :] if step in steps else []
    return [step, *(name for name in later if step.startswith("dedup.") and name.startswith("dedup."))]


def restore(run: str | Path, what: str | None = None, reason: str | None = None) -> list[Event]:
    """Exempt samples from the verdict of the step that sent them away.

    Args:
        run: a run folder.
        what: a place or an id.
        reason: all samples that left for this reason, as of today.

    Raises:
        UserError: neither or both were given.
        NotFoundError: nothing matches, or what matches could not be read in the first place.
    """
    if (what is None) == (reason is None):
        raise UserError("say which samples to bring back.", "Give a place or an id, or --reason REASON.")
    folder = RunFolder(Path(run))
    steps = [step["name"] for step in folder.read_run()["steps"]]
    gone = [line for door in DOORS[1:] for line in read_jsonl(folder.door(door))]
    meant = [
        line
        for line in gone
        if what in (None, line["place"], line.get("id")) and reason in (None, line.get("reason"))
    ]
    unread = sum(line["step"] in ("read", "write") for line in meant)
    # Decisions go by id: equal records share one, so they go on together.
    ids = {(line.get("id"), line["step"]) for line in meant if line.get("id")}
    places = {line["place"] for line in meant}
    events = [
        event(line.get("id", ""), "restore", place=line["place"], step=step)
        for line in gone
        if line["place"] in places or (line.get("id"), line["step"]) in ids
        if line["step"] not in ("read", "write")
        for step in judged_alike(line["step"], steps)
    ]
    if not events:
        wish = f"the place or id '{what}'" if what else f"the reason '{reason}'"
        if unread:
            raise NotFoundError(
                f"{wish} could not be read, so no step can let it through.", "Mend it in the source."
            )
        raise NotFoundError(f"no sample left for {wish}.", f"See them with: tilth show {run} --door dropped")
    with locked(folder.path):
        append(folder.decisions, events)
    return events

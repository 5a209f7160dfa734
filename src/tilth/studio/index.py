"""The studio's index: made once from a run's files, kept beside them, and made again when they change."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from tilth.errors import UserError
from tilth.sample import Sample
from tilth.store.catalog import SCHEMA, Catalog, Entry, Known, write
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder

DOORS = ("kept", "dropped", "quarantined", "held")
FIXED = ("door", "split", "step", "reason", "proposed", "language")
"""Facets every run has; others come from what the sources said and from what was measured."""
READ = 2_000
"""Characters of a text from which its language is told."""

Progress = Callable[[str, int, int], None]
"""Told (what, done, total)."""


def open_index(folder: RunFolder, progress: Progress = lambda *_: None) -> Catalog:
    """The index of a run as its files are now; made where it is missing.

    Raises:
        FolderError: this is no run folder.
    """
    folder.read_run()
    key = stamp(folder)
    known = [folder.catalog(key), _elsewhere(folder, key)]
    path = next((path for path in known if path.exists()), None)
    return Catalog(path or _build(folder, key, progress))


def stamp(folder: RunFolder) -> str:
    """A short text that changes when a file changes that the index is made from."""
    files = (folder.run_json, folder.index, folder.proposals, *map(folder.door, DOORS[1:]))
    marks = [SCHEMA]
    for path in files:
        try:
            found = path.stat()
            marks += [found.st_size, found.st_mtime_ns]
        except FileNotFoundError:
            marks.append(0)
    return blake2b(repr(marks).encode(), digest_size=6).hexdigest()


def _build(folder: RunFolder, key: str, progress: Progress) -> Path:
    """Make the index beside the run; where that may not be written, in the system's folder for such files."""
    try:
        for old in folder.steps.glob("catalog-*.sqlite"):
            _forget(old)
        return _write(folder, folder.catalog(key), progress)
    except OSError:
        return _write(folder, _elsewhere(folder, key), progress)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        # Windows keeps a file that another studio has open; it is in nobody's way.
        return


def _elsewhere(folder: RunFolder, key: str) -> Path:
    where = blake2b(str(folder.path.resolve()).encode(), digest_size=6).hexdigest()
    return Path(tempfile.gettempdir()) / f"tilth-{where}" / f"catalog-{key}.sqlite"


def _write(folder: RunFolder, path: Path, progress: Progress) -> Path:
    from tilth.engine.places import split_place

    places = [line["place"] for line in read_jsonl(folder.index)]
    for door in DOORS[1:]:
        places += [line["place"] for line in read_jsonl(folder.door(door))]
    number = {place: n for n, place in enumerate(sorted(places, key=split_place))}
    total = len(number)
    about: dict[str, Any] = {"note": "", "left": []}
    write(path, entries(folder, number, about), about, FIXED, lambda done: progress("index", done, total))
    return path


def entries(
    folder: RunFolder, number: Mapping[str, int], about: dict[str, Any]
) -> Iterator[tuple[Entry, Known]]:
    """Every entry of a run, and what is known about it.

    Args:
        folder: the run.
        number: place → number in the order of the run.
        about: its `note` is set where the texts of kept samples are missing, to the reason; its `left` is filled with
            door, step, reason and number of samples, most frequent first.
    """
    proposed: dict[str, tuple[str, ...]] = {}
    for line in read_jsonl(folder.proposals):
        proposed[line["place"]] = (*proposed.get(line["place"], ()), line["step"])
    left: Counter[tuple[str, str, str]] = Counter()
    for entry in chain(_kept(folder, about), _gone(folder)):
        if entry.place not in number:
            # The run is being made again just now; the files' new stamp leads to a new index.
            continue
        if entry.door != "kept":
            left[entry.door, entry.step, entry.reason] += 1
        whole = entry._replace(n=number[entry.place], proposed=proposed.get(entry.place, ()))
        yield whole, known(whole)
    about["left"] = [[*key, n] for key, n in sorted(left.items(), key=lambda item: (-item[1], item[0]))]


def _kept(folder: RunFolder, about: dict[str, Any]) -> Iterator[Entry]:
    from tilth.engine.replay import kept_samples

    lines = {line["place"]: line for line in read_jsonl(folder.index)}
    seen = set()
    try:
        for sample in kept_samples(folder):
            line = lines.get(sample.place)
            if line is not None:
                seen.add(sample.place)
                yield _kept_entry(line, sample)
    except UserError as problem:
        about["note"] = str(problem)
    for place, line in lines.items():
        if place not in seen:
            yield _kept_entry(line, None)


def _kept_entry(line: Mapping[str, Any], sample: Sample | None) -> Entry:
    family = line.get("family") or line["id"]
    return Entry(
        0, line["place"], line["id"], "kept", split=line.get("split") or "", family=family, sample=sample
    )


def _gone(folder: RunFolder) -> Iterator[Entry]:
    for door in DOORS[1:]:
        for line in read_jsonl(folder.door(door)):
            sample = msgspec.convert(line["sample"], Sample) if "sample" in line else None
            yield Entry(
                0,
                line["place"],
                line.get("id", ""),
                door,
                line["step"],
                reason_of(line),
                family=sample.root if sample else "",
                evidence=line.get("evidence") or {},
                raw=line.get("raw") or line.get("raw_base64", ""),
                sample=sample,
            )


def known(entry: Entry) -> Known:
    """The facets and numbers of an entry."""
    from tilth.engine.places import split_place
    from tilth.operators.measure import chars, language_of

    tags: dict[str, Sequence[str]] = {
        "door": (entry.door,),
        "split": (entry.split,) if entry.split else (),
        "step": (entry.step,) if entry.step else (),
        "reason": (entry.reason,) if entry.reason else (),
        "proposed": tuple(dict.fromkeys(entry.proposed)),
        "file": (split_place(entry.place)[0],),
    }
    if entry.sample is None:
        return Known(tags, {})
    sample = entry.sample
    numbers: dict[str, float] = {
        "question_chars": chars(sample.question),
        "answer_chars": chars(sample.answer),
        "turns": sum(message.role in ("user", "assistant") for message in sample.messages),
    }
    for name, value in sample.signals.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            numbers[name] = value
    said: dict[str, Any] = {**sample.meta, **sample.signals}
    for name, value in said.items():
        inner = (
            {f"{name}.{part}": one for part, one in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
        tags |= {key: found for key, one in inner.items() if key not in tags and (found := words(one))}
    if "language" not in tags:
        tags["language"] = (language_of(f"{sample.question}\n{sample.answer}"[:READ]),)
    return Known(tags, numbers)


def words(value: Any) -> tuple[str, ...]:
    """The values a facet may count: a short text, a yes or no, or a list of such."""
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, str):
        return (value,) if 0 < len(value) <= 60 else ()
    if isinstance(value, list):
        return tuple(dict.fromkeys(word for item in value for word in words(item)))
    return ()


def reason_of(line: Mapping[str, Any]) -> str:
    """The reason word of a door's line; for an error its text, with numbers left out so that equal errors group."""
    return line.get("reason") or re.sub(r"(?<![\w-])\d+", "…", line["error"])

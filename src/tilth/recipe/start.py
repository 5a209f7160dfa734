"""`tilth init`: a recipe for your data, made from a shipped one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml import YAMLError

from tilth.errors import FormatError, SourceError, UserError
from tilth.formats import detect, guess
from tilth.recipe.check import shipped_text
from tilth.recipe.yaml import value
from tilth.sources import files_of, sniff
from tilth.sources.address import is_address, is_web, parse_address
from tilth.sources.base import Spec
from tilth.store.files import write_text

AUTO = "auto"
LOOKED_AT = 20
"""How many files of a folder are looked at."""
KEEPS_ITS_SHAPE = ("kto", "preference")
"""Formats whose samples only they carry: a recipe for them writes them again."""
WITHOUT_ANSWERS = ("questions", "text")
NO_ANSWERS = (
    "This data has no answers; steps that need them drop every sample. "
    "A model can draft them: tilth init DATA --recipe augment"
)


def init(data: str | Path | None, recipe: str, out: Path, force: bool = False) -> dict[str, Any]:
    """Write a shipped recipe with your data in it; returns `{recipe, format, data, encoding, columns, note}`.

    Args:
        data: a file, a folder or a hub's address; its format is detected and written into the recipe, with the encoding and the keys
            that question and answer have there, where they are not the usual ones.
        recipe: the shipped recipe to start from.
        out: the folder to write `recipe.yaml` into, or a `.yaml` file, after which the run is named.
        force: write over an existing file.

    Raises:
        NotFoundError: there is no such shipped recipe.
        SourceError: there is no such data, it holds no record, or its files have different encodings.
        FormatError: no format fits the data.
        UserError: the file is there already.
    """
    text = shipped_text(recipe)
    target = out if out.suffix in (".yaml", ".yml") else out / "recipe.yaml"
    seen = _look(str(data)) if data is not None else _Seen()
    if data is not None:
        source = str(data) if is_address(str(data)) else _relative(Path(data), target.parent)
        text = _fill(text, "from", _source(source, seen.encoding))
        text = _fill(text, "format", _format(seen))
        if seen.format in KEEPS_ITS_SHAPE:
            text = _fill(text, "to", seen.format)
    if out.suffix and target.stem != "recipe":
        text = _fill(text, "name", _flow(_name(target.stem)), indent="")
    if target.exists() and not force:
        raise UserError(
            f"{target} is there already.", "Write over it with --force, or choose another place with -o."
        )
    write_text(target, text)
    notes = [*_notes(seen)]
    if seen.format in WITHOUT_ANSWERS and "annotate.draft_answer" not in text:
        notes.append(NO_ANSWERS)
    facts = {"recipe": str(target), "format": seen.format, "data": str(data) if data else ""}
    return {**facts, "encoding": seen.encoding, "columns": dict(seen.columns), "note": " ".join(notes)}


@dataclass(frozen=True)
class _Seen:
    """What a look at the data shows."""

    format: str = ""
    encoding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


def _look(data: str) -> _Seen:
    """The format, the encoding and the column map that the data need; an address is looked at when it is fetched."""
    if is_web(data):
        raise SourceError(
            f"{data} is a page, and whether it is an article, a list or a thread has to be said.",
            "Start with `tilth init`, then write `from: {path: URL, page: article}` into the recipe.",
        )
    if is_address(data):
        parse_address(data)
        return _Seen(AUTO)
    if not Path(data).exists():
        raise SourceError(f"there is no file or folder {data}.", "Give the path of your data.")
    files = [found.path for found in files_of([Spec(data)]) if not found.skipped]
    looks = {path: sniff(path) for path in files[:LOOKED_AT]}
    encodings = {look.encoding for look in looks.values()}
    if len(encodings) > 1:
        odd = next(path for path, look in looks.items() if look.encoding)
        raise SourceError(
            f"{odd} seems to be {looks[odd].encoding}, and other files there are not.",
            "Convert it, or name each file with its encoding: `from: [{path: FILE, encoding: NAME}, …]`.",
        )
    encoding = next(iter(encodings), "")
    if encoding:
        looks = {path: sniff(path, encoding=encoding) for path in looks}
    records = [record for look in looks.values() for record in look.records]
    if not records:
        wrong = next((f": {look.error}" for look in looks.values() if look.error), ", it is empty")
        raise SourceError(f"{data} holds no record that can be read{wrong}.", "Give another file.")
    try:
        return _Seen(detect(records).name, encoding)
    except FormatError:
        found = guess(records)
        if found is None:
            raise
        return _Seen(found.format, encoding, found.columns)


def _notes(seen: _Seen) -> Iterator[str]:
    if seen.format == AUTO:
        yield "The first run fetches it and finds its format; look before with: tilth show ADDRESS"
    if seen.encoding:
        yield f"It seems to be {seen.encoding}; the recipe says so."
    if seen.columns:
        keys = ", ".join(f"`{key}` as `{ours}`" for ours, key in seen.columns.items())
        yield f"No format has these keys; the recipe takes {keys}. Change `columns:` where that is wrong."


def _source(path: str, encoding: str) -> str:
    """The value of `data.from`."""
    return f"{{path: {_flow(path)}, encoding: {encoding}}}" if encoding else _flow(path)


def _format(seen: _Seen) -> str:
    """The value of `data.format`, with the column map in a line of its own below it."""
    if not seen.columns:
        return _flow(seen.format)
    columns = ", ".join(f"{ours}: {_flow(key)}" for ours, key in seen.columns.items())
    return f"{seen.format}\n  columns: {{{columns}}}"


def _name(stem: str) -> str:
    """A file's name as a recipe may have it."""
    return re.sub(r"[^\w.-]+", "-", stem).lstrip(".-") or "data"


def _flow(text: str) -> str:
    """A text as YAML reads it back, also inside braces."""
    quoted = "'" + text.replace("'", "''") + "'"
    try:
        return text if re.fullmatch(r"[\w./-]+", text) and value(f"[{text}]") == [text] else quoted
    except YAMLError:
        return quoted


def _fill(text: str, key: str, filled: str, indent: str = "  ") -> str:
    """Put a value where the shipped recipe has its placeholder; its comment goes with the placeholder."""
    return re.sub(rf"(?m)^({indent}{key}: ).*$", lambda match: match[1] + filled, text, count=1)


def _relative(data: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(data.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return data.resolve().as_posix()

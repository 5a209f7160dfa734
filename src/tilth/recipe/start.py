"""`tilth init`: a recipe for your data, made from a shipped one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from yaml import YAMLError

from tilth.errors import UserError
from tilth.recipe.check import shipped_text
from tilth.recipe.look import Seen, look
from tilth.recipe.yaml import value
from tilth.sources.address import is_address
from tilth.store.files import write_text

WITHOUT_ANSWERS = ("questions", "text")
KEEPS_ITS_SHAPE = ("kto", "preference", *WITHOUT_ANSWERS)
"""Formats that a recipe writes again: only they carry their samples, or nothing is added to them."""
USUAL, TEXTS = "assistant", "texts"
"""The shipped recipes for data with answers and without."""
SURE_COPIES = "    - dedup.near: {threshold: 0.9}\n"
"""Where only the question tells: pairs of questions that differ in one word lie above the usual 0.7."""
NO_ANSWERS = "This data has no answers; steps that need them drop every sample."
DRAFT = "A model can draft answers: tilth init DATA --recipe augment"


def init(data: str | Path | None, recipe: str | None, out: Path, force: bool = False) -> dict[str, Any]:
    """Write a shipped recipe with your data in it; returns `{recipe, format, data, encoding, columns, note}`.

    Args:
        data: a file, a folder or a hub's address; its format is detected and written into the recipe, with the encoding and the keys
            that question and answer have there, where they are not the usual ones.
        recipe: the shipped recipe to start from; `None` chooses `texts` for data without answers, else `assistant`.
        out: the folder to write `recipe.yaml` into, or a `.yaml` file, after which the run is named.
        force: write over an existing file.

    Raises:
        NotFoundError: there is no such shipped recipe.
        SourceError: there is no such data, it holds no record, or its files have different encodings.
        FormatError: no format fits the data.
        UserError: the file is there already.
    """
    seen = look(str(data)) if data is not None else Seen()
    bare = seen.format in WITHOUT_ANSWERS
    text = shipped_text(recipe or (TEXTS if bare else USUAL))
    target = out if out.suffix in (".yaml", ".yml") else out / "recipe.yaml"
    if data is not None:
        source = str(data) if is_address(str(data)) else _relative(Path(data), target.parent)
        text = _fill(text, "from", _source(source, seen))
        text = _fill(text, "format", _format(seen))
        if seen.short:
            text = text.replace("    - dedup.near\n", SURE_COPIES)
        if seen.format in KEEPS_ITS_SHAPE and "annotate.draft_answer" not in text:
            text = _fill(text, "to", seen.format)
    if out.suffix and target.stem != "recipe":
        text = _fill(text, "name", _flow(_name(target.stem)), indent="")
    if target.exists() and not force:
        raise UserError(
            f"{target} is there already.", "Write over it with --force, or choose another place with -o."
        )
    write_text(target, text)
    notes = [*seen.notes()]
    if bare and recipe is None:
        notes += [
            f"It has no answers, so the recipe `{TEXTS}` cleans it and writes it as `{seen.format}` again.",
            DRAFT,
        ]
    elif bare and "annotate.draft_answer" not in text:
        notes += [NO_ANSWERS, DRAFT]
    facts = {"recipe": str(target), "format": seen.format, "data": str(data) if data else ""}
    return {**facts, "encoding": seen.encoding, "columns": dict(seen.columns), "note": " ".join(notes)}


def _source(path: str, seen: Seen) -> str:
    """The value of `data.from`."""
    more = [f"{key}: {value}" for key, value in (("encoding", seen.encoding), ("page", seen.page)) if value]
    return f"{{path: {', '.join([_flow(path), *more])}}}" if more else _flow(path)


def _format(seen: Seen) -> str:
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

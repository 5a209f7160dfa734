"""`tilth init`: a recipe for your data, made from a shipped one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from tilth.errors import SourceError, UserError
from tilth.formats import detect
from tilth.recipe.check import shipped_text
from tilth.sources import files_of, sniff
from tilth.sources.base import Spec
from tilth.store.files import write_text

KEEPS_ITS_SHAPE = ("kto", "preference")
"""Formats whose samples only they carry: a recipe for them writes them again."""
WITHOUT_ANSWERS = ("questions", "text")
NO_ANSWERS = (
    "This data has no answers; steps that need them drop every sample. "
    "A model can draft them: tilth init DATA --recipe augment"
)


def init(data: Path | None, recipe: str, out: Path, force: bool = False) -> dict[str, Any]:
    """Write a shipped recipe with your data in it; returns `{recipe, format, data, note}`.

    Args:
        data: a file or folder; its format is detected and written into the recipe.
        recipe: the shipped recipe to start from.
        out: the folder to write `recipe.yaml` into, or a `.yaml` file.
        force: write over an existing file.

    Raises:
        NotFoundError: there is no such shipped recipe.
        SourceError: there is no such data.
        FormatError: no format fits the data.
        UserError: the file is there already.
    """
    text = shipped_text(recipe)
    target = out if out.suffix in (".yaml", ".yml") else out / "recipe.yaml"
    found = ""
    if data is not None:
        if not data.exists():
            raise SourceError(f"there is no file or folder {data}.", "Give the path of your data.")
        files = [f.path for f in files_of([Spec(str(data))]) if not f.skipped]
        hint = next((hint for path in files if (hint := sniff(path).hint)), "")
        if hint:
            raise SourceError(hint, "Write `from: {path: FILE, encoding: NAME}` into a recipe.")
        found = detect([record for path in files[:20] for record in sniff(path).records]).name
        text = _fill(text, "from", _relative(data, target.parent))
        text = _fill(text, "format", found)
        if found in KEEPS_ITS_SHAPE:
            text = _fill(text, "to", found)
    if target.exists() and not force:
        raise UserError(
            f"{target} is there already.", "Write over it with --force, or choose another place with -o."
        )
    write_text(target, text)
    note = NO_ANSWERS if found in WITHOUT_ANSWERS and "annotate.draft_answer" not in text else ""
    return {"recipe": str(target), "format": found, "data": str(data) if data else "", "note": note}


def _fill(text: str, key: str, value: str) -> str:
    """Put a value where the shipped recipe has its placeholder; its comment goes with the placeholder."""
    quoted = value if re.fullmatch(r"[\w./-]+", value) else "'" + value.replace("'", "''") + "'"
    return re.sub(rf"(?m)^(  {key}: ).*$", lambda match: match[1] + quoted, text, count=1)


def _relative(data: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(data.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return data.resolve().as_posix()

"""Glossary files: variant → canonical form, with longer phrases that keep the variant."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import yaml

from tilth.errors import UserError
from tilth.operators.regex import Hint

_MANY = 2000
"""Variants from which no hint is made of them, lest they are more than it can hold."""


class Glossary(NamedTuple):
    """What a file says: each entry and what is written for it (itself, for canonical forms and exceptions)."""

    forms: dict[str, str]
    pattern: re.Pattern[str]
    hint: Callable[[str], bool]
    """Whether a variant may stand in a text."""


def replace_terms(text: str, file: str) -> str:
    """`text` with the variants that `file` lists in their canonical forms.

    Raises:
        UserError: the file is missing or has a faulty entry.
    """
    glossary = load_glossary(file)
    if not glossary.hint(text):
        return text
    return glossary.pattern.sub(lambda match: glossary.forms[match[0]], text)


def load_glossary(file: str) -> Glossary:
    """The glossary in `file`: YAML where the name ends so, else lines of `variant<TAB>canonical[<TAB>phrase|phrase]`.

    In YAML a variant names its canonical form, or a mapping with `to` and `except` (a list of phrases). The file
    is read again only when it has changed.

    Raises:
        UserError: the file is missing or has a faulty entry.
    """
    path = Path(file)
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"the glossary {file} cannot be read.", "Check the path in the recipe.") from error
    return _load(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _load(path: Path, _mtime_ns: int, _size: int) -> Glossary:
    text = path.read_text(encoding="utf-8-sig")
    rows = _yaml_rows(path, text) if path.suffix in (".yaml", ".yml") else _tsv_rows(path, text)
    forms: dict[str, str] = {}
    for variant, canonical, phrases in rows:
        if variant in forms and forms[variant] != canonical:
            raise UserError(f"{path}: '{variant}' stands for two forms.", "Keep one of the two entries.")
        forms[variant] = canonical
        for phrase in phrases:
            forms.setdefault(phrase, phrase)
    for canonical in list(forms.values()):
        if forms.setdefault(canonical, canonical) != canonical:
            raise UserError(
                f"{path}: '{canonical}' is both a canonical form and a variant.",
                "Let every variant name the last form.",
            )
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    variants = [form for form in longest_first if forms[form] != form]
    hint = Hint("|".join(map(re.escape, variants))) if 0 < len(variants) <= _MANY else bool
    return Glossary(forms, re.compile("|".join(map(_whole, longest_first)) or r"(?!)"), hint)


_Rows = list[tuple[str, str, list[str]]]


def _tsv_rows(path: Path, text: str) -> _Rows:
    rows: _Rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) not in (2, 3) or not all(cells[:2]):
            raise UserError(
                f"{path}:{number} is no glossary entry: {line!r}.", "Write: variant, tab, canonical form."
            )
        rows.append((cells[0], cells[1], [phrase for phrase in "".join(cells[2:]).split("|") if phrase]))
    return rows


def _yaml_rows(path: Path, text: str) -> _Rows:
    try:
        entries = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {error}") from error
    rows: _Rows = []
    for variant, entry in entries.items() if isinstance(entries, dict) else [("", None)]:
        row = {"to": entry} if isinstance(entry, str) else entry
        if not (
            isinstance(variant, str) and variant and isinstance(row, dict) and isinstance(row.get("to"), str)
        ):
            raise UserError(
                f"{path}: '{variant}' is no glossary entry.",
                "Write `variant: canonical`, or `variant: {to: canonical, except: [longer phrase]}`.",
            )
        rows.append((variant, row["to"], list(row.get("except", []))))
    return rows


def _whole(form: str) -> str:
    """A pattern that matches `form`, but no part of a longer Latin word or number."""
    start = r"(?<![A-Za-z0-9_])" if re.match("[A-Za-z0-9_]", form) else ""
    end = r"(?![A-Za-z0-9_])" if re.search("[A-Za-z0-9_]$", form) else ""
    return f"{start}{re.escape(form)}{end}"

"""Which files a recipe means: files, folders and globs, in a fixed order, with the names their places carry."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from tilth.errors import SourceError, did_you_mean
from tilth.sources.base import Spec
from tilth.sources.streams import suffix_of
from tilth.sources.tables import DELIMITERS

JSON = (".json", ".jsonl", ".ndjson")
TEXT = {".txt": "line", ".md": "file", ".markdown": "file"}
"""Plain text: how much of a file one document is, where the recipe does not say."""
KNOWN = (*JSON, *DELIMITERS, *TEXT)
COMPANIONS = ("readme", "license", "licence", "notice", "changelog", "contributing", "citation")
DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json")
_WILD = "*?["


@dataclass(frozen=True)
class Found:
    """A file that `data.from` leads to."""

    path: str
    """The file, as it is opened."""
    name: str
    """The file relative to the data root, with `/`."""
    source: int
    """Index into `data.from`."""
    skipped: str = ""
    """Why it is not read; empty when it is."""


def data_root(specs: Sequence[Spec]) -> Path:
    """The folder that places are relative to: of the patterns as written, the deepest folder they share.

    Raises:
        SourceError: there is none, because the files lie on several drives.
    """
    try:
        return Path(os.path.commonpath([os.path.abspath(_base(spec.path)) for spec in specs]))  # noqa: PTH100  resolve() would follow links
    except ValueError:
        raise SourceError("`data.from` names nothing, or files on several drives.") from None


def files_of(specs: Sequence[Spec]) -> list[Found]:
    """Every file, in order of source and name; what a folder or glob holds but is not read says why.

    A file that several sources name belongs to the first.

    Raises:
        SourceError: a path does not exist, is of an unknown kind, or leads to nothing that can be read.
    """
    root = data_root(specs)
    found: dict[str, Found] = {}
    for source, spec in enumerate(specs):
        listed = [Found(str(path), _name(path, root), source, reason) for path, reason in _expand(spec.path)]
        if all(file.skipped for file in listed):
            seen = "; ".join(f"{file.name}: {file.skipped}" for file in listed[:5])
            raise SourceError(
                f"{spec.path} holds no file that can be read{f' ({seen})' if seen else ''}.",
                f"Known kinds: {', '.join(KNOWN)}, also compressed.",
            )
        for file in sorted(listed, key=lambda file: file.name):
            found.setdefault(os.path.abspath(file.path), file)  # noqa: PTH100  as above
    return list(found.values())


def _expand(pattern: str) -> list[tuple[Path, str]]:
    """Files with the reason why one is skipped."""
    path = Path(pattern).expanduser()
    if path.is_file():
        if suffix_of(pattern) not in KNOWN:
            raise SourceError(
                f"{pattern} is of an unknown kind.", f"Known kinds: {', '.join(KNOWN)}, also compressed."
            )
        return [(path, "")]
    if path.is_dir():
        return [(file, _reason(file)) for file in _walk(path)]
    if _is_glob(pattern):
        return list(_matches(path))
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    raise SourceError(f"{pattern} does not exist.", did_you_mean(path.name, siblings))


def _matches(path: Path) -> Iterator[tuple[Path, str]]:
    base = _base(str(path))
    for match in base.glob(str(path.relative_to(base))):
        if any(part.startswith(".") for part in match.relative_to(base).parts[:-1]):
            continue
        if match.is_dir():
            yield from ((file, _reason(file)) for file in _walk(match))
        else:
            yield match, _reason(match)


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place) / name for name in sorted(files))


def _reason(path: Path) -> str:
    suffix = suffix_of(path.name)
    if path.name.startswith("."):
        return "hidden"
    if suffix not in KNOWN:
        return "of an unknown kind"
    if path.name.lower() in DESCRIPTIONS or (suffix in TEXT and path.stem.lower() in COMPANIONS):
        return "about the data, not data; name the file itself to read it"
    return ""


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in _WILD)


def _base(pattern: str) -> Path:
    """The folder that a pattern as written begins with."""
    path = Path(pattern).expanduser()
    if path.is_dir():
        return path
    if path.is_file() or not _is_glob(pattern):
        return path.parent
    parts = PurePath(path).parts
    fixed = next(index for index, part in enumerate(parts) if _is_glob(part))
    return Path(*parts[:fixed])


def _name(path: Path, root: Path) -> str:
    """The name in places: a name that is no UTF-8 is written with escapes."""
    relative = PurePath(os.path.relpath(path, root)).as_posix()
    return relative.encode("utf-8", "backslashreplace").decode("utf-8")

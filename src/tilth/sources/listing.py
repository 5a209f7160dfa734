"""Which files a recipe means: files, folders and globs, in a fixed order, with the names their places carry."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from tilth.errors import SourceError, did_you_mean
from tilth.sources.address import is_web
from tilth.sources.archive import ZIP, members, split_archive
from tilth.sources.base import Spec
from tilth.sources.html import PAGES
from tilth.sources.html import SUFFIXES as HTML
from tilth.sources.hub import MARK, fetch
from tilth.sources.parquet import SUFFIX as PARQUET
from tilth.sources.streams import suffix_of
from tilth.sources.tables import DELIMITERS
from tilth.sources.web import fetch_pages

JSON = (".json", ".jsonl", ".ndjson")
TEXT = {".txt": "line", ".md": "file", ".markdown": "file"}
"""Plain text: how much of a file one document is, where the recipe does not say."""
KNOWN = (*JSON, *DELIMITERS, *TEXT, PARQUET)
SHEETS = (".xlsx", ".xls", ".ods")
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
    fetch_pages([spec for spec in specs if is_web(spec.address)])
    for spec in specs:
        if spec.address and not is_web(spec.address):
            fetch(spec, KNOWN)
    root = data_root(specs)
    found: dict[str, Found] = {}
    for source, spec in enumerate(specs):
        listed = [
            Found(str(path), _name(path, root), source, reason)
            for path, reason in _expand(spec.path, kinds_of(spec))
        ]
        if all(file.skipped for file in listed):
            seen = "; ".join(f"{file.name}: {file.skipped}" for file in listed[:5])
            raise SourceError(
                f"{spec.path} holds no file that can be read{f' ({seen})' if seen else ''}.",
                f"Known kinds: {', '.join(kinds_of(spec))}, also packed (.gz, .bz2, .xz, .zst, .zip).",
            )
        for file in sorted(listed, key=lambda file: file.name):
            found.setdefault(os.path.abspath(file.path), file)  # noqa: PTH100  as above
    return list(found.values())


def kinds_of(spec: Spec) -> tuple[str, ...]:
    """Suffixes of the files that a source reads: web pages where it declares them, else data."""
    return HTML if spec.page in PAGES else KNOWN


def is_there(path: str) -> bool:
    """Whether a path as written leads to a file, a folder, or a file in an archive."""
    return Path(path).exists() or split_archive(path) is not None


def _expand(pattern: str, kinds: tuple[str, ...]) -> list[tuple[Path, str]]:
    """Files with the reason why one is skipped."""
    path = Path(pattern).expanduser()
    if _is_archive(path):
        return list(_inside(path, kinds))
    if path.is_file() or split_archive(str(path)):
        if suffix_of(pattern) not in kinds:
            raise _unknown(pattern, kinds)
        return [(path, "")]
    if path.is_dir():
        return [found for file in _walk(path) for found in _each(file, kinds)]
    if _is_glob(pattern):
        return list(_matches(path, kinds))
    siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    raise SourceError(f"{pattern} does not exist.", did_you_mean(path.name, siblings))


def _unknown(path: str, kinds: tuple[str, ...]) -> SourceError:
    suffix = suffix_of(path)
    if suffix in HTML:
        return SourceError(f"{path} is a web page.", "Say which kind: `page: article`, `list` or `thread`.")
    if suffix in SHEETS:
        return SourceError(
            f"{path} is a spreadsheet.", "Save it as CSV or as text with tabs, and name that file."
        )
    return SourceError(
        f"{path} is of an unknown kind.",
        f"Known kinds: {', '.join(kinds)}, also packed (.gz, .bz2, .xz, .zst, .zip).",
    )


def _matches(path: Path, kinds: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    base = _base(str(path))
    for match in base.glob(str(path.relative_to(base))):
        if any(part.startswith(".") for part in match.relative_to(base).parts[:-1]):
            continue
        if match.is_dir():
            yield from (found for file in _walk(match) for found in _each(file, kinds))
        else:
            yield from _each(match, kinds)


def _each(file: Path, kinds: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """A file, or the files packed in it."""
    if _is_archive(file) and not file.name.startswith("."):
        yield from _inside(file, kinds)
    elif not file.is_file() and not file.name.startswith("."):
        yield (
            file,
            "a link that leads nowhere" if file.is_symlink() else "no file but a pipe, socket or device",
        )
    else:
        yield file, _reason(file, kinds)


def _inside(archive: Path, kinds: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for name in members(str(archive)):
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts[:-1])
        yield archive / name, "hidden" if hidden else _reason(PurePosixPath(name), kinds)


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() == ZIP and path.is_file()


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place) / name for name in sorted(files) if name != MARK)


def _reason(path: PurePath, kinds: tuple[str, ...]) -> str:
    suffix = suffix_of(path.name)
    if path.name.startswith("."):
        return "hidden"
    if suffix in HTML and suffix not in kinds:
        return "a web page; to read it, set `page: article`, `list` or `thread`"
    if suffix not in kinds:
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

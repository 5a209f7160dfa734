"""Downloads the data files of a data set on a hub, once, and checks them against the hub's checksums."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol

from tilth.errors import SourceError, did_you_mean
from tilth.sources.address import Address, parse_address
from tilth.sources.archive import ZIP
from tilth.sources.base import Spec
from tilth.sources.streams import suffix_of

MARK = ".fetched.json"
"""Beside the files: the commit they come from, and what has been fetched. It is written last."""


class RemoteFile(NamedTuple):
    """A file on a hub."""

    path: str
    size: int
    sha256: str = ""
    git_oid: str = ""
    """The name git gives to the content, where the hub tells no SHA-256."""


class Hub(Protocol):
    """What every hub can do."""

    def listing(self, repo: str, revision: str) -> tuple[str, list[RemoteFile]]:
        """The commit that a revision stands for, and its files."""

    def download(self, repo: str, commit: str, file: RemoteFile, target: Path) -> None:
        """Write a file's bytes to `target`, resuming where an earlier try stopped."""


def fetch(spec: Spec, kinds: Iterable[str]) -> None:
    """Bring the files of an address to where `spec.path` says; what is there already is not asked for again.

    A branch is followed once: later runs read the same commit until the folder is removed.

    Args:
        spec: the source.
        kinds: suffixes of the files that can be read.

    Raises:
        SourceError: the hub cannot be reached, has no such data set or file, or sent other bytes than it promised.
        MissingExtra: the libraries for hubs are not installed.
    """
    address = parse_address(spec.address)
    depth = len(PurePosixPath(address.path).parts)
    home = Path(spec.path).parents[depth - 1] if depth else Path(spec.path)
    mark = _read_mark(home)
    if address.path in mark["paths"] and all(_has(home, name, size) for name, size in mark["files"].items()):
        return
    commit, files = _HUBS[address.hub]().listing(address.repo, mark["commit"] or address.revision)
    wanted = _wanted(address, spec.address, files, tuple(kinds))
    for file in wanted:
        _bring(address, spec.address, commit, file, home)
    sizes = {**mark["files"], **{file.path: file.size for file in wanted}}
    _write_mark(home, {"commit": commit, "paths": sorted({*mark["paths"], address.path}), "files": sizes})


def _wanted(address: Address, text: str, files: list[RemoteFile], kinds: tuple[str, ...]) -> list[RemoteFile]:
    meant = [file for file in files if address.covers(file.path)]
    readable = [file for file in meant if suffix_of(file.path) in {*kinds, ZIP}]
    if not readable:
        what = "of a kind that can be read" if meant else "there"
        there = {
            str(part) for f in files for part in (PurePosixPath(f.path), *PurePosixPath(f.path).parents[:-1])
        }
        raise SourceError(f"{text}: no file {what}.", did_you_mean(address.path, sorted(there)))
    for file in readable:
        if (
            PurePosixPath(file.path).is_absolute()
            or ".." in PurePosixPath(file.path).parts
            or "\\" in file.path
        ):
            raise SourceError(f"{text}: the hub names a file outside the data set, {file.path!r}.")
    return readable


def _bring(address: Address, text: str, commit: str, file: RemoteFile, home: Path) -> None:
    target = home / file.path
    if _has(home, file.path, file.size) and _is_right(target, file):
        return
    _HUBS[address.hub]().download(address.repo, commit, file, target)
    if not _is_right(target, file):
        target.unlink(missing_ok=True)
        raise SourceError(
            f"{text}: {file.path} arrived with another checksum than the hub promises.",
            "Run the command again.",
        )


def _is_right(path: Path, file: RemoteFile) -> bool:
    if path.stat().st_size != file.size:
        return False
    if file.sha256:
        return _digest(path, hashlib.sha256()) == file.sha256
    # A git object's name is the SHA-1 of a header and the content.
    header = f"blob {file.size}\0".encode()
    return not file.git_oid or _digest(path, hashlib.sha1(header, usedforsecurity=False)) == file.git_oid


def _digest(path: Path, state: Any) -> str:
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            state.update(block)
    digest: str = state.hexdigest()
    return digest


def _has(home: Path, name: str, size: int) -> bool:
    path = home / name
    return path.is_file() and path.stat().st_size == size


def _read_mark(home: Path) -> Mapping[str, Any]:
    try:
        mark: dict[str, Any] = json.loads((home / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"commit": "", "paths": [], "files": {}}
    return mark


def _write_mark(home: Path, mark: Mapping[str, Any]) -> None:
    temporary = home / f"{MARK}.{os.getpid()}.tmp"
    temporary.write_text(json.dumps(mark, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    temporary.replace(home / MARK)


def _hugging_face() -> Hub:
    from tilth.sources import huggingface

    return huggingface


def _modelscope() -> Hub:
    from tilth.sources import modelscope

    return modelscope


_HUBS: dict[str, Callable[[], Hub]] = {"hf": _hugging_face, "ms": _modelscope}

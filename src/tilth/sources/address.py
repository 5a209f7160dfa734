"""Addresses of data sets on a hub and of web pages, and where each is kept beside the recipe."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path
from urllib.parse import urlsplit

from tilth.errors import SourceError
from tilth.sources.base import Spec

DOWNLOADS = Path(".tilth") / "downloads"
_ADDRESS = re.compile(
    r"(?P<hub>hf|ms)://datasets/(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(@(?P<revision>[^/]+))?(/(?P<path>.*))?"
)
_DEFAULT = {"hf": "main", "ms": "master"}


@dataclass(frozen=True)
class Address:
    """A data set on a hub, or some of its files."""

    hub: str
    """`hf` for Hugging Face, `ms` for ModelScope."""
    repo: str
    """`owner/name`."""
    revision: str
    """A branch, a tag or a commit."""
    path: str = ""
    """A file, a folder or a glob in it; empty for all of it."""

    def covers(self, name: str) -> bool:
        """Whether a file of the data set is meant; a folder, named or matched, stands for what lies in it."""
        return name == self.path or _fits(tuple(filter(None, self.path.split("/"))), tuple(name.split("/")))


def _fits(pattern: tuple[str, ...], name: tuple[str, ...]) -> bool:
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_fits(pattern[1:], name[start:]) for start in range(len(name)))
    return bool(name) and fnmatchcase(name[0], pattern[0]) and _fits(pattern[1:], name[1:])


def is_web(text: str) -> bool:
    """Whether an address is a web page's."""
    return re.match(r"https?://[^/]", text) is not None


def page_file(url: str, folder: Path) -> Path:
    """The file that a web page is kept in: readable, and unlike that of any other address."""
    parts = urlsplit(url)
    last = re.sub(r"[^\w-]+", "-", parts.path.rstrip("/").rsplit("/", 1)[-1]).strip("-")[:40] or "page"
    mark = blake2b(url.encode(), digest_size=4).hexdigest()
    return (
        folder / DOWNLOADS / "web" / parts.netloc.rpartition("@")[2].replace(":", "_") / f"{last}-{mark}.html"
    )


def is_address(text: str) -> bool:
    """Whether an item of `data.from` is an address rather than a path."""
    return re.match(r"\w+://", text) is not None


def parse_address(text: str) -> Address:
    """What an address names.

    Raises:
        SourceError: it is no address of a data set.
    """
    found = _ADDRESS.fullmatch(text)
    path = (found["path"] or "").strip("/") if found else ""
    if not found or ".." in path.split("/") or {found["owner"], found["name"]} & {".", ".."}:
        raise SourceError(
            f"{text} is no address of a data set.",
            "Write hf://datasets/OWNER/NAME or ms://datasets/OWNER/NAME, with @REVISION and /PATH where needed.",
        )
    revision = found["revision"] or _DEFAULT[found["hub"]]
    return Address(found["hub"], f"{found['owner']}/{found['name']}", revision, path)


def home_of(address: Address, folder: Path) -> Path:
    """The folder that the data set is downloaded to.

    Args:
        address: the data set.
        folder: the folder of the recipe.
    """
    return folder / DOWNLOADS / address.hub / f"{address.repo}@{address.revision}"


def spec_at(text: str, folder: Path) -> Spec:
    """The source that an item of `data.from` names.

    Args:
        text: a path, relative to `folder`, or an address.
        folder: the folder of the recipe.

    Raises:
        SourceError: it looks like an address but is none.
    """
    if not is_address(text):
        # In a pattern the recipe's own folder stands for itself, whatever its name holds.
        pattern = any(sign in text for sign in "*?[") and not (folder / text).exists()
        return Spec(str(Path(glob.escape(str(folder)) if pattern else folder) / text))
    if is_web(text):
        return Spec(str(page_file(text, folder)), address=text)
    address = parse_address(text)
    return Spec(str(home_of(address, folder) / address.path), address=text)

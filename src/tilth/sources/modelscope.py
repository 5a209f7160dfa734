"""ModelScope, through the file API its own library uses; `MODELSCOPE_DOMAIN` names another site."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.errors import SourceError
from tilth.sources.hub import RemoteFile
from tilth.sources.transfer import download_to, open_client, patiently

if TYPE_CHECKING:
    import httpx2

PAGE = 100


def listing(repo: str, revision: str) -> tuple[str, list[RemoteFile]]:
    """The revision as given, because the site tells no commit, and its files.

    Raises:
        SourceError: the site cannot be reached, or has no such data set or revision.
        MissingExtra: the library for hubs is not installed.
    """
    files: dict[str, RemoteFile] = {}
    with _site(repo) as client:
        page = 1
        while found := [row for row in _page(client, repo, revision, page) if row["Path"] not in files]:
            files |= {row["Path"]: _remote(row) for row in found}
            page += 1
    return revision, [file for file in files.values() if file.size >= 0]


def download(repo: str, commit: str, file: RemoteFile, target: Path) -> None:
    """Write a file's bytes to `target`. A download that broke goes on where it broke, in a later run too.

    Raises:
        SourceError: the site cannot be reached, or the file did not arrive whole.
        MissingExtra: the library for hubs is not installed.
    """
    with _site(repo) as client:
        where = client.base_url.join(f"{repo}/repo").copy_merge_params(
            {"Revision": commit, "FilePath": file.path}
        )
        download_to(client, str(where), target, file.size)


def _page(client: httpx2.Client, repo: str, revision: str, page: int) -> list[dict[str, Any]]:
    asked: dict[str, str | int] = {
        "Revision": revision,
        "Root": "",
        "Recursive": "true",
        "PageNumber": page,
        "PageSize": PAGE,
    }
    answer = patiently(lambda: client.get(f"{repo}/repo/tree", params=asked).raise_for_status()).json()
    if answer.get("Code") != 200:
        raise SourceError(
            f"ModelScope does not list {repo}@{revision}: {answer.get('Message') or answer.get('Code')}."
        )
    rows: list[dict[str, Any]] = (answer.get("Data") or {}).get("Files") or []
    return rows


def _remote(row: dict[str, Any]) -> RemoteFile:
    """A row of the listing; a folder has a size below zero."""
    return RemoteFile(
        row["Path"], -1 if row.get("Type") == "tree" else int(row["Size"]), row.get("Sha256") or ""
    )


@contextmanager
def _site(repo: str) -> Iterator[httpx2.Client]:
    domain = os.environ.get("MODELSCOPE_DOMAIN") or "www.modelscope.cn"
    site = domain if "://" in domain else f"https://{domain}"
    client = open_client("downloading from a hub", "hub")
    import httpx2

    try:
        with client:
            client.base_url = httpx2.URL(f"{site.rstrip('/')}/api/v1/datasets/")
            yield client
    except (httpx2.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
        said = str(error).split("\n")[0] or type(error).__name__
        raise SourceError(
            f"{repo} cannot be downloaded from ModelScope: {said}.",
            "Check the name and the network, and run the command again.",
        ) from None

"""Hugging Face: `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` mean what they mean to its own library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from tilth.errors import MissingExtra, SourceError
from tilth.sources.hub import RemoteFile


def listing(repo: str, revision: str) -> tuple[str, list[RemoteFile]]:
    """The commit that a revision stands for, and its files.

    Raises:
        SourceError: the hub cannot be reached, or has no such data set or revision.
        MissingExtra: huggingface_hub is not installed.
    """
    with _explained(repo):
        from huggingface_hub import HfApi

        info = HfApi(endpoint=_endpoint()).dataset_info(repo, revision=revision, files_metadata=True)
    files = [
        RemoteFile(
            file.rfilename,
            file.lfs.size if file.lfs else file.size or 0,
            file.lfs.sha256 if file.lfs else "",
            "" if file.lfs else file.blob_id or "",
        )
        for file in info.siblings or []
    ]
    return info.sha or revision, files


def download(repo: str, commit: str, file: RemoteFile, target: Path) -> None:
    """Write a file's bytes to `target`. A connection that breaks is taken up again where it broke.

    Raises:
        SourceError: the hub cannot be reached, or the file did not arrive whole.
        MissingExtra: huggingface_hub is not installed.
    """
    home = target.parents[len(PurePosixPath(file.path).parts) - 1]
    with _explained(repo):
        from huggingface_hub import hf_hub_download

        hf_hub_download(
            repo,
            file.path,
            repo_type="dataset",
            revision=commit,
            local_dir=home,
            endpoint=_endpoint(),
            # What lies there and was asked for again is known to be wrong.
            force_download=target.exists(),
        )


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or None


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    try:
        from httpx2 import HTTPError
        from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled
    except ImportError as error:
        raise MissingExtra("downloading from a hub", "hub") from error
    try:
        yield
    except OfflineModeIsEnabled:
        raise SourceError(
            f"{repo} is not downloaded yet, and HF_HUB_OFFLINE forbids it.", "Unset it and run again."
        ) from None
    except (HTTPError, HFValidationError, OSError) as error:
        first = str(error).strip().split("\n")[0]
        hint = "Check the name and the network; for a gated set, set HF_TOKEN; for a mirror, HF_ENDPOINT."
        raise SourceError(f"{repo} cannot be downloaded from Hugging Face: {first}", hint) from None

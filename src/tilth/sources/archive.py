"""Members of zip archives, named like files of a folder: `archive.zip/inner.jsonl`."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from tilth.errors import SourceError, did_you_mean

ZIP = ".zip"
_UTF8_NAME = 0x800
"""General purpose bit 11: the name is UTF-8 (APPNOTE.TXT 4.4.4)."""


def split_archive(path: str) -> tuple[str, str] | None:
    """The archive and the member that a path names; `None` where it leads into no archive."""
    text = path.replace(os.sep, "/")
    at = text.lower().find(f"{ZIP}/")
    while at >= 0:
        end = at + len(ZIP)
        if Path(text[:end]).is_file():
            return text[:end], text[end + 1 :]
        at = text.lower().find(f"{ZIP}/", end)
    return None


def members(archive: str) -> dict[str, ZipInfo]:
    """The files in an archive, by name; of two with one name the last, as in every unpacker.

    Raises:
        SourceError: the file is no zip archive, or its directory is damaged.
    """
    try:
        with ZipFile(archive) as opened:
            return _by_name(opened)
    except (BadZipFile, OSError) as error:
        raise SourceError(
            f"{archive} cannot be read as a zip archive: {error}.", "Download or pack it again."
        ) from None


def member_of(archive: str, name: str) -> ZipInfo:
    """What the archive's directory says about a member.

    Raises:
        SourceError: there is no such member, or the archive cannot be read.
    """
    held = members(archive)
    if name not in held:
        raise SourceError(f"{archive} holds no file {name}.", did_you_mean(name, held))
    return held[name]


def open_member(archive: str, name: str) -> IO[bytes]:
    """A member's bytes. Closing the stream closes the archive.

    Raises:
        SourceError: there is no such member, it is encrypted, or packed in a way that Python cannot unpack.
    """
    info = member_of(archive, name)
    try:
        with ZipFile(archive) as opened:
            return opened.open(info)
    except (BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise SourceError(
            f"{archive}/{name} cannot be unpacked: {error}.", "Unpack the archive, and name the folder."
        ) from None


def _by_name(opened: ZipFile) -> dict[str, ZipInfo]:
    return {_name(info): info for info in opened.infolist() if not info.is_dir()}


def _name(info: ZipInfo) -> str:
    """The name as a relative path with `/`, whatever the archiver wrote."""
    return str(PurePosixPath(_written_name(info).replace("\\", "/"))).lstrip("/")


def _written_name(info: ZipInfo) -> str:
    """Old Windows archivers write names in the system's encoding and do not say which; in China that is GB18030."""
    if info.flag_bits & _UTF8_NAME or info.orig_filename.isascii():
        return info.orig_filename
    raw = info.orig_filename.encode("cp437")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.orig_filename

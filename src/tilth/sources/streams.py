"""Opening files: compression by suffix, and any encoding as UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from collections.abc import Callable
from io import BufferedReader, BytesIO
from pathlib import Path, PurePath
from typing import IO, Any
from zipfile import BadZipFile

from tilth.errors import MissingExtra, SourceError
from tilth.sources.archive import member_of, open_member, split_archive

try:
    from backports import zstd
except ImportError:
    zstd = None  # type: ignore[assignment]  # an optional dependency; `_open_zst` says so

BOM = codecs.BOM_UTF8
_MARK = "tilth.mark"
BUFFER = 1 << 20
DAMAGED = (
    *(EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, BadZipFile),
    *((zstd.ZstdError,) if zstd else ()),
)
"""What is raised where a compressed file is damaged; bz2 alone raises a bare OSError."""


def _open_zst(file: Any) -> Any:
    if zstd is None:
        raise MissingExtra("reading .zst files", "zstd")
    # Large published sets are often packed with a window that decoders refuse unless told otherwise.
    return zstd.open(file, options={zstd.DecompressionParameter.window_log_max: 31})


COMPRESSED: dict[str, Callable[[Any], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zst,
}


def is_compressed(path: str) -> bool:
    """Whether the file is packed: its suffix says so, or it lies in an archive."""
    return PurePath(path).suffix.lower() in COMPRESSED or split_archive(path) is not None


def suffix_of(path: str) -> str:
    """The suffix that tells the kind of file, in small letters: `.jsonl` for `a.JSONL` and for `a.jsonl.gz`."""
    pure = PurePath(path)
    return (pure.with_suffix("") if pure.suffix.lower() in COMPRESSED else pure).suffix.lower()


def size_of(path: str) -> int:
    """The file's bytes as it lies on the disk; of a member of an archive the bytes it unpacks to.

    Raises:
        SourceError: there is no such file.
    """
    inside = split_archive(path)
    try:
        return member_of(*inside).file_size if inside else Path(path).stat().st_size
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}.") from None


def canonical_encoding(name: str) -> str:
    """The encoding's name as Python writes it; `utf-8` for UTF-8 with or without a BOM, and for ASCII.

    Raises:
        SourceError: no such encoding.
    """
    try:
        found = codecs.lookup(name).name
        "".encode(found)
    except LookupError:
        raise SourceError(
            f"unknown encoding '{name}'.",
            "Write one that Python knows, for example utf-8, gb18030 or utf-16.",
        ) from None
    return "utf-8" if found in ("utf-8-sig", "ascii") else found


def keeps_lines(encoding: str) -> bool:
    """Whether the encoding writes ASCII as ASCII, so that its lines can be told apart before decoding."""
    try:
        return bytes(range(128)).decode(encoding) == "".join(map(chr, range(128)))
    except UnicodeDecodeError:
        return False


def open_bytes(path: str) -> IO[bytes]:
    """The file's bytes, decompressed.

    Raises:
        SourceError: the file cannot be opened.
        MissingExtra: its compression needs a library that is not installed.
    """
    unpack = COMPRESSED.get(PurePath(path).suffix.lower())
    if unpack is None:
        return open_stored(path)
    inside = split_archive(path)
    try:
        return BufferedReader(unpack(open_member(*inside) if inside else path))
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}.") from None


def open_stored(path: str) -> IO[bytes]:
    """The file's bytes as they are stored; of a member of an archive the bytes that were packed.

    Raises:
        SourceError: the file cannot be opened.
    """
    inside = split_archive(path)
    try:
        if inside:
            return BufferedReader(open_member(*inside))  # type: ignore[type-var]  # reads like a raw stream
        return open(path, "rb", buffering=BUFFER)  # noqa: PTH123  Path.open would parse the path once more
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror or error}.") from None


def open_utf8(path: str, encoding: str) -> IO[bytes]:
    """The file as UTF-8 bytes; in another encoding it is decoded as a whole.

    Raises:
        SourceError: the file cannot be opened.
    """
    stream = open_bytes(path)
    if encoding == "utf-8":
        return stream
    with stream:
        return BytesIO(to_utf8(stream.read(), encoding))


def skip_bom(stream: IO[bytes]) -> int:
    """Step over a byte order mark at the beginning of a stream; returns the new offset."""
    if stream.read(len(BOM)) == BOM:
        return len(BOM)
    stream.seek(0)
    return 0


def to_utf8(data: bytes, encoding: str) -> bytes:
    """The text as UTF-8. Bytes that mean nothing stay in their place as hex digits behind 0xFF, which is never UTF-8."""
    return data.decode(encoding, _MARK).encode("utf-8", "surrogateescape")


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return f"\udcff{error.object[error.start : error.end].hex()}", error.end


codecs.register_error(_MARK, _mark)

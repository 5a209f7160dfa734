"""Opening files: compression by suffix, and any encoding as UTF-8."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import zlib
from io import BufferedReader, BytesIO
from pathlib import PurePath
from typing import IO

from tilth.errors import SourceError

COMPRESSED = (".gz", ".bz2", ".xz")
BOM = codecs.BOM_UTF8
_MARK = "tilth.mark"
BUFFER = 1 << 20
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)
"""What the standard library raises where a compressed file is damaged; bz2 alone raises a bare OSError."""


def is_compressed(path: str) -> bool:
    """Whether the suffix says that the file is compressed."""
    return PurePath(path).suffix.lower() in COMPRESSED


def suffix_of(path: str) -> str:
    """The suffix that tells the kind of file, in small letters: `.jsonl` for `a.JSONL` and for `a.jsonl.gz`."""
    pure = PurePath(path)
    return (pure.with_suffix("") if is_compressed(path) else pure).suffix.lower()


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
    """
    suffix = PurePath(path).suffix.lower()
    try:
        if suffix == ".gz":
            return BufferedReader(gzip.open(path, "rb"))
        if suffix == ".bz2":
            return BufferedReader(bz2.open(path, "rb"))
        if suffix == ".xz":
            return BufferedReader(lzma.open(path, "rb"))
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

"""How records lie in a file, decided by what it holds and not by its suffix; and a first look at them."""

from __future__ import annotations

import codecs

from tilth.errors import SourceError
from tilth.sources.base import Layout
from tilth.sources.html import PAGES
from tilth.sources.html import SUFFIXES as HTML
from tilth.sources.json_text import parse
from tilth.sources.listing import TEXT
from tilth.sources.parquet import SUFFIX as PARQUET
from tilth.sources.streams import BOM, DAMAGED, open_bytes, open_utf8, suffix_of, to_utf8
from tilth.sources.tables import DELIMITERS

HEAD = 1 << 20
"""How many bytes of a file are looked at."""
TEXTS: dict[str, Layout] = {"file": "documents", "line": "lines", "blocks": "blocks", "rows": "rows"}
"""What a plain text may be read as."""
LINES = 20
"""How many lines of them."""


def layout_of(path: str, encoding: str, page: str | None) -> Layout:
    """How records lie in this file.

    Args:
        path: the file.
        encoding: its encoding, in Python's spelling.
        page: for plain text, `file`, `line` or `blocks`: how much one document is; `None` leaves it to the suffix.
            For a table without a header, `rows`; for a JSON object with a list of objects, `items`. For a web page,
            `article`, `list` or `thread`.

    Raises:
        SourceError: `page` is another word, or the file cannot be opened.
    """
    if page not in (None, *TEXTS, "items", *PAGES):
        raise SourceError(
            f"unknown `page: {page}`.",
            "Write `file`, `line` or `blocks` for text, `rows` for a table without a header, `items` for the list in a "
            "JSON object; for web pages `article`, `list` or `thread`.",
        )
    suffix = suffix_of(path)
    if suffix in HTML:
        return _html_layout(path, page)
    if suffix in DELIMITERS:
        return "rows" if page == "rows" else "table"
    if suffix == PARQUET:
        return "parquet"
    if suffix in TEXT:
        return TEXTS.get(page or TEXT[suffix], "lines")
    return "items" if page == "items" else _json_layout(path, encoding)


def _html_layout(path: str, page: str | None) -> Layout:
    layouts: dict[str | None, Layout] = {"article": "article", "list": "list", "thread": "thread"}
    if page not in layouts:
        raise SourceError(f"{path} is a web page: say what kind.", "Set `page: article`, `list` or `thread`.")
    return layouts[page]


def _json_layout(path: str, encoding: str) -> Layout:
    raw = head(path)
    text = raw if encoding == "utf-8" else to_utf8(raw, encoding)
    text = text.removeprefix(BOM).lstrip()
    whole, lines = len(raw) < HEAD, text.split(b"\n")
    if not whole:
        lines.pop()
    lines = [line for line in lines if line.strip()][:LINES]
    good = sum(isinstance(parse(line)[0], dict | list) for line in lines)
    if lines and good * 2 >= len(lines) and (len(lines) > 1 or text.startswith(b"{")):
        return "lines"
    if text.startswith(b"["):
        return "array"
    if text.startswith(b"{") and lines:
        alone = lines[0].strip() == b"{"
        return "object" if alone or not parse(text if whole else _everything(path, encoding))[1] else "lines"
    return "lines"


def head(path: str) -> bytes:
    """The first bytes of a file; of a damaged compressed file those that can be read.

    Raises:
        SourceError: the file cannot be opened.
    """
    with open_bytes(path) as stream:
        try:
            return stream.read(HEAD)
        except (*DAMAGED, OSError):
            return b""


def _everything(path: str, encoding: str) -> bytes:
    with open_utf8(path, encoding) as stream:
        return stream.read().removeprefix(BOM)


def likely_encoding(path: str) -> str:
    """`utf-16` or `gb18030` where a file that is read as UTF-8 seems to be in it; else empty.

    Raises:
        SourceError: the file cannot be opened.
    """
    raw = head(path) if suffix_of(path) not in (PARQUET, *HTML) else b""
    if raw.startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return "utf-16"
    lines = raw.split(b"\n")
    if len(raw) == HEAD and len(lines) > 1:
        lines.pop()
    lines = [line for line in lines if not line.isascii()]
    wrong = [line for line in lines if not _decodes(line, "utf-8")]
    if len(wrong) * 2 > len(lines) and sum(_decodes(line, "gb18030") for line in wrong) * 2 > len(wrong):
        return "gb18030"
    return ""


def encoding_hint(path: str) -> str:
    """What the recipe should say where a file that is read as UTF-8 seems to be in another encoding; else empty.

    Raises:
        SourceError: the file cannot be opened.
    """
    match likely_encoding(path):
        case "utf-16":
            return f"{path} begins like UTF-16: set `encoding: utf-16`."
        case "gb18030":
            return f"most lines of {path} are no UTF-8 but read as GB18030: set `encoding: gb18030`."
    return ""


def _decodes(line: bytes, encoding: str) -> bool:
    """Whether the line is text of this encoding; the look at the file may have cut its last character."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(line)
    except UnicodeDecodeError:
        return False
    return True

"""The entries of a web page that lies on the disk, with what is known about how it came there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tilth.sources.base import Entry, Part
from tilth.sources.html import records_of, text_of_page
from tilth.sources.streams import open_bytes
from tilth.sources.web import note_of


def page_entries(part: Part) -> Iterator[Entry]:
    """What a declared page holds: one article, or the items of a list or a thread, from its first to its last.

    Raises:
        SourceError: the file cannot be opened.
        MissingExtra: the libraries for web pages are not installed.
    """
    with open_bytes(part.path) as stream:
        raw = stream.read()
    note = _note(part.path)
    if note.get("error"):
        yield Entry(1, json.dumps(note, ensure_ascii=False).encode(), error=f"{note['url']}: {note['error']}")
        return
    try:
        html = text_of_page(raw) if part.encoding == "utf-8" else raw.decode(part.encoding)
    except ValueError as error:
        yield Entry(1, raw, error=str(error))
        return
    for n, (record, wrong) in enumerate(records_of(part.layout, html, note.get("url", "")), 1):
        if wrong:
            yield Entry(n, raw, error=wrong)
            continue
        if note:
            record = {"url": record.pop("url"), "fetched": note["fetched"], **record}
        yield Entry(n, json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass"), record)


def _note(path: str) -> dict[str, Any]:
    """What was written down when the page was fetched; nothing for a page that somebody saved."""
    try:
        note: dict[str, Any] = json.loads(note_of(Path(path)).read_text(encoding="utf-8"))
    except OSError:
        return {}
    return note

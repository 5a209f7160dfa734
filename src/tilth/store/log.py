"""A log of events kept open: each event is read once, and one that is added is on disk before it counts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tilth.store.decisions import Event, parse_log
from tilth.store.files import json_line
from tilth.store.lock import waiting


class Log:
    """An append-only file of events, for a process that reads and writes it for long.

    Other processes may append to the same file at the same time; what they added is seen by the next `refresh`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self.ids: set[str] = set()
        self._end = 0
        """Bytes read so far; always after a line feed."""

    def refresh(self) -> list[Event]:
        """Read what was appended since the last time; all of it again where the file was cut or replaced.

        Returns:
            The new events, oldest first.

        Raises:
            FolderError: a line is no event.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < self._end:
            self.events, self.ids, self._end = [], set(), 0
        if size == self._end:
            return []
        with self.path.open("rb") as handle:
            handle.seek(self._end)
            said = handle.read()
        whole = said[: said.rfind(b"\n") + 1]
        found = [e for e in parse_log(whole, self.path, self._lines()) if e["event_id"] not in self.ids]
        self._end += len(whole)
        self.events += found
        self.ids.update(e["event_id"] for e in found)
        return found

    def add(self, events: Iterable[Event]) -> list[Event]:
        """Append events that the log does not know yet, and wait until they are on disk.

        Returns:
            Those that were new to the log since the last refresh, others' included, oldest first.

        Raises:
            UnicodeEncodeError: an event holds half of a surrogate pair; nothing is written then.
        """
        new = list(events)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with waiting(self.path.with_name(f".{self.path.name}.lock")):
            before = self.refresh()
            known = set(self.ids)
            lines = []
            for event in new:
                if event["event_id"] not in known:
                    known.add(event["event_id"])
                    lines.append(json_line(event).encode("utf-8"))
            if lines:
                self._write(b"".join(lines))
            return [*before, *self.refresh()]

    def _write(self, text: bytes) -> None:
        """Behind the last whole line: what a stop tore off is cut, it was never an event."""
        if self.path.exists() and self.path.stat().st_size > self._end:
            os.truncate(self.path, self._end)
        with self.path.open("ab") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())

    def _lines(self) -> int:
        return len(self.events)

"""The decision log: what people decided, append-only. State is a fold over it; an undo is an event."""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tilth.errors import FolderError
from tilth.store.files import json_line

Event = dict[str, Any]
"""`event_id, sample_id, content_hash, person, verdict, messages, scores, note, ms, time`; a restoration also has
`place` and `step`; an undo has `undoes`, the event it takes back."""


def person() -> str:
    """Who decides: TILTH_PERSON, else the account's name."""
    try:
        return os.environ.get("TILTH_PERSON") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def event(sample_id: str, verdict: str, **more: Any) -> Event:
    """A new decision, now, by whoever is at the keyboard."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "event_id": uuid.uuid4().hex,
        "sample_id": sample_id,
        "person": person(),
        "verdict": verdict,
        "time": now,
        **more,
    }


def append(path: Path, events: Iterable[Event]) -> int:
    """Add events to the log; one that is already there (same `event_id`) is not added again."""
    known = {old["event_id"] for old in read_log(path)}
    path.parent.mkdir(parents=True, exist_ok=True)
    added = 0
    _mend(path)
    with path.open("a", encoding="utf-8", newline="\n") as handle:
        for new in events:
            if new["event_id"] in known:
                continue
            known.add(new["event_id"])
            handle.write(json_line(new))
            added += 1
        handle.flush()
        os.fsync(handle.fileno())
    return added


def read_log(path: Path) -> Iterator[Event]:
    """Every event of the log, oldest first. A last line that a stop tore off is passed over.

    Raises:
        FolderError: another line is no event; the message names it.
    """
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            good = isinstance(found, dict) and {"event_id", "sample_id", "verdict"} <= found.keys()
        except ValueError:
            good = False
        if good:
            yield found
        elif number < len(lines):
            raise FolderError(
                f"{path}:{number} is no decision.", "Mend or remove the line; the log is yours."
            )


def _mend(path: Path) -> None:
    """Cut off a last line that a stop tore: it was never a whole event."""
    said = path.read_bytes() if path.exists() else b""
    if said and not said.endswith(b"\n"):
        os.truncate(path, said.rfind(b"\n") + 1)


def standing(path: Path) -> list[Event]:
    """The events that no later event undoes, oldest first."""
    events = list(read_log(path))
    undone = {e["undoes"] for e in events if e.get("undoes")}
    return [e for e in events if e["event_id"] not in undone and not e.get("undoes")]


def exemptions(path: Path) -> Mapping[str, frozenset[str]]:
    """Step → ids that `tilth restore` exempts from its verdict; a place where a sample never got an id."""
    found: dict[str, set[str]] = {}
    for e in standing(path):
        if e["verdict"] == "restore":
            found.setdefault(e["step"], set()).add(e["sample_id"] or e["place"])
    return {step: frozenset(ids) for step, ids in found.items()}

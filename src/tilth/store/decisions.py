"""The decision log: what people decided, append-only. State is a fold over it; an undo is an event.

A decision about a sample speaks of the text that stood in front of the person (`content_hash`), at the step that
asked (`step`; empty or missing for a sample that nobody asked about, such as a kept one). A decision about a proposal
carries it under `proposal`.
"""

from __future__ import annotations

import getpass
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tilth.errors import FolderError
from tilth.sample import Message, Sample, Settled
from tilth.sources.identity import record_id
from tilth.store.files import json_line

Event = dict[str, Any]
"""`event_id, sample_id, content_hash, person, verdict, messages, scores, note, ms, time`, and where they apply:
`step`, `place` (a restoration), `undoes` (an undo: the event it takes back), `adjudicates: true` (it settles a
disagreement), `proposal: {field, before, after}` (accept or reject speaks of the proposal, not of the sample),
`blind: true`."""

VERDICTS = ("accept", "edit", "reject", "flag")
"""The verdicts that decide about a sample; a restoration is not one of them."""


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
    if path.exists():
        yield from parse_log(path.read_bytes(), path)


def parse_log(text: bytes, path: Path, before: int = 0) -> Iterator[Event]:
    """The events in a log's bytes. `path` and `before`, the lines before these, are named where one is no event.

    Raises:
        FolderError: a line is no event, other than a last one without a line feed.
    """
    lines = text.split(b"\n")
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
                f"{path}:{before + number} is no decision.", "Mend or remove the line; the log is yours."
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


def content_hash(sample: Sample) -> str:
    """16 hex digits of what a person sees of a sample: its messages, the rejected ones too."""
    shown = {"messages": sample.messages, **({"rejected": sample.rejected} if sample.rejected else {})}
    return record_id(msgspec.to_builtins(shown))


def settle(events: Iterable[Event], content: str, answers: int = 1) -> Settled:
    """What people have decided about a sample, all taken together.

    `answers` different persons must agree: the last decision of each counts. Where they differ, the sample is disputed
    until one with `adjudicates: true` stands, which settles it alone.

    Args:
        events: the standing events about this sample, oldest first.
        content: the `content_hash` of the sample as the step sees it; decisions about another text do not apply.
        answers: how many persons must decide.
    """
    about = [e for e in events if e["verdict"] in VERDICTS and not e.get("proposal")]
    valid = [e for e in about if e.get("content_hash") in (None, "", content)]
    final = next((e for e in reversed(valid) if e.get("adjudicates")), None)
    last = {e.get("person", ""): e for e in valid}
    said = sorted(last.values(), key=valid.index)
    if final is not None:
        return _settled(_STATES[final["verdict"]], [final], said)
    if any(e["verdict"] == "flag" for e in said):
        return _settled("flagged", said, said)
    if len({_wish(e) for e in said}) > 1:
        return _settled("disputed", said, said)
    if said and len(said) >= answers:
        return _settled(_STATES[said[0]["verdict"]], said, said)
    return _settled("stale" if about and not valid else "waiting", said, said)


_STATES: Mapping[str, Any] = {"accept": "accepted", "edit": "edited", "reject": "rejected", "flag": "flagged"}


def _wish(event: Event) -> str:
    """What a person wants done; two edits agree only where they write the same."""
    return str(event["verdict"]) + (
        json.dumps(event.get("messages"), sort_keys=True) if event["verdict"] == "edit" else ""
    )


def _settled(state: Any, deciding: Sequence[Event], said: Sequence[Event]) -> Settled:
    messages = None
    if state == "edited":
        messages = msgspec.convert(deciding[-1].get("messages"), tuple[Message, ...])
    last = deciding[-1] if deciding else {}
    people = dict.fromkeys(e.get("person", "") for e in (*said, *deciding))
    return Settled(state, messages, tuple(people), last.get("scores") or {}, last.get("note") or "")


def by_sample(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Sample id → its decisions, oldest first."""
    found: dict[str, list[Event]] = {}
    for e in events:
        if e["verdict"] in VERDICTS:
            found.setdefault(e["sample_id"], []).append(e)
    return found

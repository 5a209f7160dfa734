"""Decisions out to a file and back in: what was exported, imported and exported again is the same, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tilth.errors import FormatError
from tilth.review.intake import decision
from tilth.store.decisions import VERDICTS, Event
from tilth.store.files import json_line

OTHERS = ("restore", "undo")


def exported(events: Iterable[Event]) -> bytes:
    """The whole log as a file: undone events and undos too, in their order."""
    return "".join(map(json_line, events)).encode("utf-8")


def imported(text: str) -> list[Event]:
    """The events of an exported file, as they stand there.

    Raises:
        FormatError: a line is no decision; the message names it.
    """
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
            if not isinstance(event, dict):
                raise FormatError("this is no object.")
            _check(event)
        except FormatError as error:
            raise FormatError(f"line {number}: {error.message}") from None
        except (ValueError, RecursionError):
            raise FormatError(f"line {number}: this is no JSON.") from None
        found.append(event)
    return found


def _check(event: Event) -> None:
    """Hold an event to the shape of the log; what it holds beyond that is kept."""
    if event.get("verdict") in VERDICTS:
        decision(event)
        return
    known = event.get("verdict") in OTHERS and all(
        isinstance(event.get(name), str) for name in ("event_id", "sample_id")
    )
    needs = "undoes" if event.get("verdict") == "undo" else "step"
    if not known or not isinstance(event.get(needs), str):
        raise FormatError(f"this is no decision: it needs event_id, sample_id, verdict and {needs}.")

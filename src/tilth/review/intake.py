"""Decisions as they come in, from a page or a file: each is checked, and written in one shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from tilth.errors import FormatError
from tilth.sample import Message
from tilth.store.decisions import VERDICTS, Event

HEX = re.compile(r"[0-9a-f]{1,64}")
EVENT_ID = re.compile(r"[0-9a-zA-Z_-]{8,64}")
LONGEST_NAME, LONGEST_NOTE = 60, 20_000
OFFER = ("step", "field", "before", "after")


def decision(said: Mapping[str, Any]) -> Event:
    """A decision in the shape of the log.

    Raises:
        FormatError: it is none; the message names the field.
    """
    verdict = said.get("verdict")
    if verdict not in (*VERDICTS, "undo"):
        raise _wrong("verdict", f"must be one of: {', '.join(VERDICTS)}, undo")
    event: Event = {
        "event_id": _matching(said, "event_id", EVENT_ID),
        "sample_id": _matching(said, "sample_id", HEX),
        "content_hash": _matching(said, "content_hash", HEX) if said.get("content_hash") else "",
        "person": _person(said),
        "verdict": verdict,
        "messages": _messages(said) if verdict == "edit" else None,
        "scores": _scores(said),
        "note": _text(said, "note", LONGEST_NOTE),
        "ms": _ms(said),
        "time": _time(said),
    }
    if verdict == "undo":
        kept = ("event_id", "sample_id", "person", "verdict", "time")
        undo = {**{name: event[name] for name in kept}, "undoes": _matching(said, "undoes", EVENT_ID)}
        _check_writable(undo)
        return undo
    event["step"] = _text(said, "step", 200)
    event |= {name: True for name in ("blind", "adjudicates") if said.get(name) is True}
    if said.get("proposal") is not None:
        event["proposal"] = _offer(said["proposal"])
    _check_writable(event)
    return event


def _wrong(name: str, what: str) -> FormatError:
    return FormatError(f"this is no decision: `{name}` {what}.")


def _matching(said: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _wrong(name, "is missing or of another form")
    return value


def _text(said: Mapping[str, Any], name: str, longest: int) -> str:
    value = said.get(name) or ""
    if not isinstance(value, str) or len(value) > longest:
        raise _wrong(name, f"must be a text of at most {longest:,} characters")
    return value


def _person(said: Mapping[str, Any]) -> str:
    name = " ".join(_text(said, "person", LONGEST_NAME).split())
    if not name:
        raise _wrong("person", "is empty: say who decides")
    return name


def _messages(said: Mapping[str, Any]) -> Any:
    try:
        messages = msgspec.convert(said.get("messages"), tuple[Message, ...])
    except msgspec.ValidationError as error:
        raise _wrong("messages", f"must be the edited conversation ({error})") from None
    if not messages:
        raise _wrong("messages", "is empty")
    return list(msgspec.to_builtins(messages))


def _scores(said: Mapping[str, Any]) -> dict[str, int] | None:
    scores = said.get("scores")
    if not scores:
        return None
    good = isinstance(scores, dict) and len(scores) <= 20
    if not good or any(type(n) is not int or not 1 <= n <= 5 or len(name) > 60 for name, n in scores.items()):
        raise _wrong("scores", "must be whole numbers from 1 to 5 by name")
    return dict(scores)


def _ms(said: Mapping[str, Any]) -> int | None:
    ms = said.get("ms")
    if ms is None:
        return None
    if type(ms) is not int or not 0 <= ms < 1e10:
        raise _wrong("ms", "must be the milliseconds on screen, a whole number")
    return ms


def _time(said: Mapping[str, Any]) -> str:
    """When it was decided, in UTC to the second: a decision may reach us long after."""
    text = said.get("time")
    if text is None:
        return datetime.now(UTC).isoformat(timespec="seconds")
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError):
        raise _wrong("time", "is no ISO 8601 time") from None


def _offer(proposal: Any) -> dict[str, Any]:
    if not isinstance(proposal, dict) or not all(isinstance(proposal.get(name), str) for name in OFFER):
        raise _wrong("proposal", f"must hold {', '.join(OFFER)}")
    return {name: proposal[name] for name in OFFER}


def _check_writable(event: Event) -> None:
    try:
        msgspec.json.encode(event)
        str(event).encode("utf-8")
    except (UnicodeEncodeError, msgspec.MsgspecError, ValueError):
        raise FormatError("this decision holds half of a character pair, which no file can hold.") from None

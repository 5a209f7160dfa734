"""Who said what about which case: a fold over the decision log that is kept up to date event by event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tilth.review.cases import Case, proposal_key
from tilth.sample import Message, Settled
from tilth.sources.identity import record_id
from tilth.store.decisions import VERDICTS, Event, settle

Content = Callable[[Case], str]
"""The `content_hash` of a case's sample as it stands now."""


class Board:
    """The decisions that stand, by case."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._said: dict[str, list[Event]] = {}
        """Case key → decisions, oldest first, undone ones included."""
        self._undone: set[str] = set()
        self._now: dict[str, list[Event]] = {}
        """Case key → the decisions that count, until another one comes in."""
        self._rivals: dict[tuple[Any, ...], list[str]] = {}
        """(Sample id, field, text before) → keys of the proposals for it that were spoken of."""
        self.people: dict[str, None] = {}
        """Everyone who ever decided, in the order of their first decision."""

    def add(self, events: Iterable[Event]) -> None:
        """Take in events that come after all that are here."""
        for event in events:
            if event.get("undoes"):
                self._undone.add(event["undoes"])
                self._now.pop(event["sample_id"], None)
            elif event["verdict"] in VERDICTS:
                self._hear(_key(event), event)

    def _hear(self, key: str, event: Event) -> None:
        self._said.setdefault(key, []).append(event)
        self._now.pop(key, None)
        self.people.setdefault(event.get("person", ""))
        if offer := event.get("proposal"):
            rivals = (event["sample_id"], offer["field"], offer["before"])
            self._rivals.setdefault(rivals, []).append(key)

    def spoken_of(self) -> list[str]:
        """The cases about which something was said, in the order of the first decision."""
        return list(self._said)

    def standing(self) -> Iterator[Event]:
        """All decisions that nobody took back, case by case."""
        for events in self._said.values():
            yield from (e for e in events if e["event_id"] not in self._undone)

    def about(self, case: Case) -> list[Event]:
        """The standing decisions about a case as it is now, oldest first.

        Of each person the last vote counts, and the last that settles a disagreement. A decision about another text
        does not count, unless it is the edit that made the text what it is.
        """
        if case.key not in self._said and case.proposal is None:
            return []
        if case.key not in self._now or case.proposal is not None:
            self._now[case.key] = self._about(case)
        return self._now[case.key]

    def _about(self, case: Case) -> list[Event]:
        valid = self._standing(case.key)
        if case.proposal is not None:
            rivals = (e for key in self._taken(case) for e in self._standing(key) if e["verdict"] == "accept")
            valid = valid or list(rivals)
        elif valid:
            now = self._content(case)
            valid = [e for e in valid if e.get("content_hash") in (None, "", now) or _written(e) == now]
        last = {_hand(e): e for e in valid}
        return [e for e in valid if e is last[_hand(e)]]

    def _standing(self, key: str) -> list[Event]:
        return [e for e in self._said.get(key, ()) if e["event_id"] not in self._undone]

    def _taken(self, case: Case) -> list[str]:
        """Proposals for the same text: one reading taken, the others are answered too."""
        offer = case.proposal or {}
        return self._rivals.get((case.id, offer.get("field"), offer.get("before")), [])

    def stale(self, case: Case) -> list[Event]:
        """Standing decisions about another text than the case has now."""
        now = {e["event_id"] for e in self.about(case)}
        return [e for e in self._standing(case.key) if e["event_id"] not in now]

    def votes(self, case: Case) -> list[Event]:
        """What people said before anyone settled it."""
        return [e for e in self.about(case) if not e.get("adjudicates")]


def settled(said: Iterable[Event], wanted: int = 1) -> Settled:
    """What follows from decisions that all speak of the case as it is now, `wanted` people's answers asked for."""
    return settle([{**e, "content_hash": "", "proposal": None} for e in said], "", wanted)


def _hand(event: Event) -> tuple[str, bool]:
    return event.get("person", ""), bool(event.get("adjudicates"))


def _key(event: Event) -> str:
    offer: Mapping[str, Any] | None = event.get("proposal")
    return proposal_key(event["sample_id"], offer) if offer else event["sample_id"]


def _written(event: Event) -> str:
    """The content hash of the text that an edit wrote."""
    if event["verdict"] != "edit" or not event.get("messages"):
        return ""
    messages = msgspec.convert(event["messages"], tuple[Message, ...])
    return record_id({"messages": msgspec.to_builtins(messages)})

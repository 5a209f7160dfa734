"""The review room: queues of cases, whose turn it is, and the log that everything follows from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import RLock

from tilth.review.board import Board, settled
from tilth.review.cases import Case, Cases
from tilth.review.chats import write_accepted
from tilth.review.judged import contradicts
from tilth.store.decisions import Event
from tilth.store.folder import RunFolder
from tilth.store.log import Log

QUEUES = ("held", "proposals", "judges", "disputed", "flagged", "worklist", "chats", "spot", "kept")
SETTLING = ("disputed", "flagged")
"""Queues in which one person settles what others left open."""


@dataclass(frozen=True)
class Wish:
    """Which cases somebody wants to be asked about."""

    queue: str = "held"
    wanted: int = 1
    """How many people each case needs."""
    share: float = 0.1
    """Of a spot check: the share of what is kept."""
    seed: int = 1
    step: str = ""
    """Only cases of this step."""
    reason: str = ""
    """Only cases that wait for this reason."""
    split: str = ""

    @property
    def place(self) -> tuple[object, ...]:
        """What tells one queue from another."""
        return self.queue, self.share, self.seed, self.step, self.reason, self.split

    @property
    def narrowed(self) -> dict[str, str]:
        """The wishes that leave cases of the queue out."""
        return {name: getattr(self, name) for name in ("step", "reason", "split") if getattr(self, name)}


@dataclass(frozen=True)
class Count:
    """How far a queue is."""

    samples: int
    decided: int
    """Cases that want no more answers."""
    mine: int
    """Cases this person has decided."""
    left: int
    """Cases this person may still be asked about."""


class Room:
    """One run under review. Safe to use from several threads.

    Nothing is locked and nothing expires: who is asked what follows from the log and from who is here.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._lock = RLock()
        self._log = Log(folder.decisions)
        self._stamp: tuple[int, ...] = ()
        self._queues: dict[object, Mapping[str, Case]] = {}
        self._here: dict[str, None] = {}
        """People who asked for work since the room was opened."""
        self._cases = Cases(folder)
        self._board = Board(self._cases.content)

    def refresh(self) -> tuple[Cases, Board]:
        """The cases as the run's last pass left them, and what was said about them up to now."""
        with self._lock:
            # A comparison changes its work list while the run stays as it is.
            paths = self._folder.run_json, self._folder.worklist
            stamp = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)
            known = len(self._log.events)
            new = self._log.refresh()
            if stamp != self._stamp or len(self._log.events) != known + len(new):
                self._stamp = stamp
                self._cases = Cases(self._folder)
                self._board = Board(self._cases.content)
                self._queues = {}
                new = self._log.events
            self._board.add(new)
            return self._cases, self._board

    def events(self) -> list[Event]:
        """The whole log."""
        with self._lock:
            self.refresh()
            return list(self._log.events)

    def take(self, events: Sequence[Event]) -> int:
        """Append decisions to the log; those it has already are not added again. Returns how many were new.

        Raises:
            UnicodeEncodeError: a text cannot be written.
        """
        with self._lock:
            self.refresh()
            known = len(self._log.ids)
            self._board.add(self._log.add(events))
            self._write_accepted(events)
            return len(self._log.ids) - known

    def _write_accepted(self, events: Sequence[Event]) -> None:
        """Accepted conversations stand where a recipe can read them as soon as somebody decides about one."""
        talks = self._cases.talks
        if any(event["sample_id"] in talks for event in events):
            cases = {case.key: case for case in self._cases.chats}
            write_accepted(
                self._folder.chats_accepted, talks, lambda key: settled(self._board.about(cases[key]))
            )

    def wanted(self) -> int:
        """How many people's answers the run's own steps ask for."""
        with self._lock:
            return max((case.wanted for case in self.refresh()[0].held), default=1)

    def queue(self, wish: Wish) -> Sequence[Case]:
        """The cases of a queue, decided ones included, in the order in which they are asked."""
        with self._lock:
            return list(self._queue(wish).values())

    def _queue(self, wish: Wish) -> Mapping[str, Case]:
        cases, board = self.refresh()
        if wish.queue in SETTLING:
            known = map(cases.find, board.spoken_of())
            found = [case for case in known if case and settled(board.votes(case)).state == wish.queue]
            return {case.key: case for case in found if _fits(case, wish)}
        if wish.queue == "judges":
            judged = (case for case in (*cases.held, *cases.kept) if case.judged)
            return {case.key: case for case in judged if _fits(case, wish) and _is_doubtful(case, board)}
        if wish.queue == "chats":
            return {case.key: case for case in cases.chats if _fits(case, wish)}
        if wish.place not in self._queues:
            chosen = (case for case in _static(wish, cases) if _fits(case, wish))
            self._queues[wish.place] = {case.key: case for case in chosen}
        return self._queues[wish.place]

    def count(self, wish: Wish, person: str = "", without: Collection[str] = ()) -> Count:
        """How far a queue is; what `person` said about the cases named in `without` is left out."""
        with self._lock:
            queue = self._queue(wish)
            decided = mine = done = 0
            for key in queue if wish.queue == "proposals" else self._board.spoken_of():
                if key not in queue:
                    continue
                said = [
                    e for e in self._board.about(queue[key]) if key not in without or e["person"] != person
                ]
                wants, own = _wants(queue[key], said, wish), any(e.get("person") == person for e in said)
                decided += not wants
                mine += own
                done += not wants or (own and wish.queue not in SETTLING)
            return Count(len(queue), decided, mine, len(queue) - done)

    def next(self, wish: Wish, person: str, have: Collection[str] = (), limit: int = 40) -> list[Case]:
        """The cases this person should see next.

        Args:
            wish: which cases.
            person: who asks; remembered as somebody who is here.
            have: keys that the person's page holds already, or has decided and not yet sent.
            limit: at most so many.
        """
        with self._lock:
            self._here.setdefault(person)
            return list(islice(self._turns(wish, person, frozenset(have)), limit))

    def _turns(self, wish: Wish, person: str, have: frozenset[str]) -> Iterator[Case]:
        """First the cases that fall to this person, then those that fall to others.

        Everybody who is here takes a different share, so that two people seldom do the same work twice; when a share
        is done its owner helps with the others'.
        """
        queue = self._queue(wish)
        spoken = frozenset(queue if wish.queue == "proposals" else self._board.spoken_of())
        people = sorted({*self._here, *self._board.people})
        me, later = people.index(person), []
        for n, case in enumerate(queue.values()):
            if case.key in have or (case.key in spoken and not self._may(wish, person, case)):
                continue
            if (me - n) % len(people) < wish.wanted or wish.queue in SETTLING:
                yield case
            else:
                later.append(case)
        yield from later

    def _may(self, wish: Wish, person: str, case: Case) -> bool:
        said = self._board.about(case)
        return _wants(case, said, wish) and (
            wish.queue in SETTLING or all(e.get("person") != person for e in said)
        )


def _static(wish: Wish, cases: Cases) -> Sequence[Case]:
    """The cases of a queue that only another run changes."""
    if wish.queue == "spot":
        return cases.spot(wish.share, wish.seed)
    found: Sequence[Case] = getattr(cases, wish.queue)
    return found


def _is_doubtful(case: Case, board: Board) -> bool:
    """Whether a judge is of two minds about it, or of another mind than people."""
    return case.judged == "mixed" or contradicts(case.judged, {e["verdict"] for e in board.votes(case)})


def _fits(case: Case, wish: Wish) -> bool:
    return all(getattr(case, name) == value for name, value in wish.narrowed.items())


def _wants(case: Case, said: Sequence[Event], wish: Wish) -> bool:
    """Whether a case still wants an answer; one more where people and the judge contradict each other."""
    if any(e.get("adjudicates") for e in said):
        return False
    doubt = wish.queue == "judges" and contradicts(case.judged, {e["verdict"] for e in said})
    return wish.queue in SETTLING or len({e.get("person") for e in said}) < wish.wanted + doubt

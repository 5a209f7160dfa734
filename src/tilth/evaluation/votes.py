"""Blind votes: a person sees two answers without names, says which is better, and only the file knows whose they were.

What a page may show is a `Ballot`: question, left, right, and a token for the pair. Sides are swapped by a digest of
the seed and the token, so a reload never changes them and nothing in the page tells them. The log is append-only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from tilth.errors import FolderError, NotFoundError, UserError
from tilth.evaluation.ask import Answers, read_sides
from tilth.evaluation.protocol import Protocol, Question, SideName
from tilth.evaluation.verdicts import Verdict, Winner
from tilth.recipe.plan import content_key
from tilth.store.decisions import Event, append, event, person, standing
from tilth.store.files import read_json
from tilth.store.folder import RunFolder

Choice = Literal["left", "right", "both_good", "both_bad"]
CHOICES: tuple[Choice, ...] = get_args(Choice)


@dataclass(frozen=True)
class Ballot:
    """All that a voter may see."""

    item: str
    """Stands for the pair when the vote comes back. It is the same whichever answer is whose."""
    question: Question
    left: str
    right: str


@dataclass(frozen=True)
class Pairing:
    """The two answers to one question. Never shown as it is."""

    question: Question
    before: str
    after: str

    @property
    def item(self) -> str:
        """16 hex digits of the place and both texts in alphabetical order."""
        return content_key(self.question.place, sorted((self.before, self.after)))[:16]

    @property
    def digests(self) -> list[str]:
        """What the texts were when somebody voted: before, after."""
        return [content_key(text)[:16] for text in (self.before, self.after)]


@dataclass(frozen=True)
class Booth:
    """Where the votes on one comparison are cast and kept."""

    pairs: Mapping[str, Pairing]
    """Item → pair, in the order in which they are asked: by a digest of seed and item, so any prefix is a random
    sample."""
    seed: int
    file: Path
    """`votes.jsonl` of the run folder."""

    def swapped(self, item: str) -> bool:
        """Whether the tuned model's answer stands on the left. The same seed and item always say the same."""
        return int(content_key("swap", self.seed, item)[:8], 16) % 2 == 1

    def ballot(self, item: str) -> Ballot:
        """One pair as a voter may see it.

        Raises:
            NotFoundError: the comparison has no such pair, perhaps because the answers have changed.
        """
        pair = self.pair(item)
        left, right = (pair.before, pair.after) if not self.swapped(item) else (pair.after, pair.before)
        return Ballot(item, pair.question, left, right)

    def pair(self, item: str) -> Pairing:
        """Both answers with their names. For the server alone.

        Raises:
            NotFoundError: the comparison has no such pair.
        """
        if item not in self.pairs:
            raise NotFoundError("this pair of answers is not there any more.", "Ask for the next one.")
        return self.pairs[item]


@dataclass(frozen=True)
class VoteProgress:
    """How far the voting is."""

    pairs: int
    """Pairs of different answers."""
    mine: int
    """Pairs that the person has voted on."""
    people: Mapping[str, int]
    """Person → pairs voted on."""


def open_booth(run: RunFolder) -> Booth:
    """The pairs of a run's last comparison. Pairs with a failed answer are left out.

    Raises:
        FolderError: the folder holds no comparison.
    """
    protocol = read_protocol(run.report)
    pairs = pairings(protocol, read_sides(run.report / "answers.jsonl"))
    return make_booth(pairs, protocol.seed, run.votes)


def pairings(protocol: Protocol, answers: Answers) -> list[Pairing]:
    """The pairs of answers that can be judged: those that came on both sides."""
    both = ((q, answers["before"].get(q.place), answers["after"].get(q.place)) for q in protocol.questions)
    return [
        Pairing(question, before.text, after.text)
        for question, before, after in both
        if before is not None and after is not None and "failed" not in (before.state, after.state)
    ]


def make_booth(pairs: Iterable[Pairing], seed: int, file: Path) -> Booth:
    """A booth for these pairs."""
    ordered = sorted(pairs, key=lambda pair: content_key("order", seed, pair.item))
    return Booth({pair.item: pair for pair in ordered}, seed, file)


def read_protocol(report: Path) -> Protocol:
    """The protocol of the last comparison in a report folder.

    Raises:
        FolderError: the folder holds no comparison.
    """
    path = report / "protocol.json"
    if not path.exists():
        raise FolderError(f"{report} holds no comparison.", "Make one with: tilth compare")
    return Protocol.from_dict(read_json(path))


def next_ballot(
    booth: Booth, who: str | None = None, *, skip: Iterable[str] = (), each: int | None = None
) -> Ballot | None:
    """The next pair for a person; `None` when nothing is left.

    Args:
        booth: where the votes are.
        who: the person; by default whoever is at the keyboard.
        skip: items the person wants to leave for later.
        each: how many votes a pair needs: pairs that have them from others are not asked; `None` asks everybody
            about every pair, which is what agreement is computed from.
    """
    me, votes = who or person(), _latest(booth)
    counts = Counter(item for item, _ in votes)
    later = set(skip)
    for item, pair in booth.pairs.items():
        enough = each is not None and counts[item] >= each
        if pair.before != pair.after and (item, me) not in votes and item not in later and not enough:
            return booth.ballot(item)
    return None


def cast(
    booth: Booth,
    item: str,
    choice: Choice,
    *,
    who: str | None = None,
    ms: int | None = None,
    note: str = "",
    event_id: str | None = None,
) -> Event:
    """Write one vote down; a later one of the same person on the same pair replaces it.

    Args:
        booth: where the votes are.
        item: the ballot's token.
        choice: what the person said.
        who: the person; by default whoever is at the keyboard.
        ms: how long the pair was on screen.
        note: what the person wrote; it becomes the analysis of the row.
        event_id: the page's own id of this vote: sent twice, it counts once.

    Raises:
        NotFoundError: the comparison has no such pair.
        UserError: the choice is none of the four.
    """
    if choice not in CHOICES:
        raise UserError(f"'{choice}' is no choice.", f"Say one of: {', '.join(CHOICES)}.")
    pair = booth.pair(item)
    sides: tuple[SideName, SideName] = ("after", "before") if booth.swapped(item) else ("before", "after")
    winner = {"left": sides[0], "right": sides[1]}.get(choice, "tie")
    more: dict[str, Any] = {"person": who} if who else {}
    more |= {"event_id": event_id} if event_id else {}
    vote = event(
        pair.question.id,
        choice,
        item=item,
        place=pair.question.place,
        winner=winner,
        answers=pair.digests,
        ms=ms,
        note=note,
        **more,
    )
    append(booth.file, [vote])
    return vote


def take_back(booth: Booth, who: str | None = None) -> Ballot | None:
    """Undo a person's last vote and give its pair again; `None` where there is nothing to undo."""
    me = who or person()
    mine = [vote for vote in standing(booth.file) if vote["person"] == me and vote.get("item") in booth.pairs]
    if not mine:
        return None
    last = mine[-1]
    append(booth.file, [event(last["sample_id"], "undo", undoes=last["event_id"], person=me)])
    return booth.ballot(last["item"])


def progress(booth: Booth, who: str | None = None) -> VoteProgress:
    """How far a person is, and everybody."""
    people = Counter(name for _, name in _latest(booth))
    different = sum(pair.before != pair.after for pair in booth.pairs.values())
    return VoteProgress(different, people[who or person()], dict(sorted(people.items())))


def verdicts(booth: Booth) -> list[Verdict]:
    """What people have said so far, with the blinding undone. Votes on answers that have changed since do not count.

    Pairs of equal answers are never asked. As ties they belong to the sample of questions that was voted on: those
    count that stand, in the order of asking, before the last pair with a vote.
    """
    votes = _latest(booth)
    found = [_verdict(booth.pairs[item], vote) for (item, _), vote in votes.items()]
    order = list(booth.pairs)
    reached = max((order.index(item) for item, _ in votes), default=-1)
    same = [pair for pair in list(booth.pairs.values())[: reached + 1] if pair.before == pair.after]
    return found + [Verdict(pair.question.place, "tie", SAME) for pair in same]


SAME = "tilth"
"""Who says that equal answers are a tie."""


def _verdict(pair: Pairing, vote: Event) -> Verdict:
    winner: Winner = vote["winner"]
    bad = vote["verdict"] == "both_bad"
    return Verdict(pair.question.place, winner, vote["person"], reason=vote.get("note") or "", both_bad=bad)


def _latest(booth: Booth) -> dict[tuple[str, str], Event]:
    """(Item, person) → that person's last vote on the answers as they are now."""
    found: dict[tuple[str, str], Event] = {}
    for vote in standing(booth.file):
        pair = booth.pairs.get(vote.get("item", ""))
        if pair is not None and vote.get("answers") == pair.digests:
            found[vote["item"], vote["person"]] = vote
    return found

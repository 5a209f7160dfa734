"""Walks documents in order and keeps each that resembles none kept before, many documents at a time.

Who is a candidate depends on who was kept, and that on similarities, for which texts must be read. So the walk goes
ahead on guesses; then all pairs that it met are measured together, by as many processes as there are, and where a
guess was wrong the walk goes again from there. What it ends with is what one pair after the other would have given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from tilth.operators.candidates import Flags, Groups, Values
from tilth.operators.grams import Ints, distinct, ordered, runs, spans

MOST = 4096
"""Documents of one block at most; a block has fewer where they would make too many pairs."""
PAIRS = 1_000_000
"""Candidate pairs of one block at most, unless a single document has more."""
SCREENED = 1 << 16
"""Pairs screened at a time, so that what is fetched for them stays in the cache."""
AHEAD = 2_000_000
"""Pairs held after which the walk stops to have measured what is not known of them; each takes 25 bytes."""
PATIENCE = 3
"""How often pairs are measured on guesses, before a block is settled that takes nothing for granted."""

Screen = Callable[[Ints, Ints], tuple[Flags, Flags]]
"""Whether each document of one array may be similar to the one beside it, never false where it is; and whether it
probably is."""
Verify = Callable[[Ints, Ints], Values]
"""The similarity of each document of one array and the one beside it; 0 where it is below the threshold."""
Dropped = dict[int, tuple[int, float]]
"""For each document that is not kept: the kept one most similar to it (of equals the first), and the similarity."""


class Candidates(Protocol):
    """Which documents must be compared, numbered by rank: 0 is the first choice."""

    documents: Ints
    """Those that must be compared with an earlier one."""

    def pairs(self, block: Ints, limit: int | None) -> tuple[Ints, Ints] | None:
        """The block's documents with kept ones and earlier ones of the block; `None` for more than `limit` pairs."""

    def add(self, block: Ints) -> Ints:
        """Remember these as kept; what must be told to forget them."""

    def leave(self, entered: Ints) -> None:
        """Forget what was remembered last."""


def keep_greedily(candidates: Candidates, documents: int, screen: Screen, verify: Verify) -> Dropped:
    """Keep each document that resembles none kept before it.

    A block of documents meets the kept ones before it and its own earlier ones. All its pairs are found, freed of
    repetitions and screened at once; of those that pass, pairs with a kept one are verified.

    Args:
        candidates: see `Candidates`.
        documents: how many there are.
        screen: see `Screen`.
        verify: see `Verify`; it is given many pairs at once.
    """
    walk = _Walk(candidates, documents, screen)
    while walk.goes_ahead():
        walk.settle(verify)
    return walk.dropped


@dataclass
class _Block:
    """Documents that the walk passed together."""

    members: Ints
    end: int
    """How many documents the walk has passed with it."""
    size: int
    """Documents of the next block at most."""
    later: Ints
    earlier: Ints
    likely: Flags
    value: Values
    """The similarity of each pair, NaN where it is not known."""
    dropped: Dropped = field(default_factory=dict)
    entered: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """The groups that remember a document of it, each as often as it remembers one."""


class _Walk:
    """Where the walk is: blocks that are settled, and those beyond, of which something is taken for granted."""

    def __init__(self, candidates: Candidates, documents: int, screen: Screen) -> None:
        self._index, self._screen = candidates, screen
        self._present = candidates.documents
        self._flags = bytearray(b"\1" * documents)
        self._kept = np.frombuffer(self._flags, dtype=np.bool_)
        self._at, self._size = 0, 64
        self._blocks: list[_Block] = []
        self._reach = documents
        """Blocks that the walk goes ahead at most."""
        self._pairs, self._values = np.zeros(0, np.int64), np.zeros(0)
        """Pairs beyond what is settled that were measured, ascending, and their similarities."""
        self.dropped: Dropped = {}

    def goes_ahead(self) -> bool:
        """Pass blocks on guesses; whether there were any."""
        held = sum(block.later.size for block in self._blocks)
        while self._at < self._present.size and len(self._blocks) < self._reach and held < AHEAD:
            block = self._next()
            if block is not None:
                self._pass(block, trust=True)
                self._enter(block)
                self._blocks.append(block)
                held += block.later.size
        return bool(self._blocks)

    def settle(self, verify: Verify) -> None:
        """Measure what the blocks gone ahead take for granted, again and again until it is nothing."""
        rounds = 0
        while any(self._asked(block).any() for block in self._blocks):
            self._learn(verify)
            rounds += 1
            self._again(trust=rounds < PATIENCE)
        blocks = len(self._blocks)
        self._reach = max(1, blocks // 2) if rounds >= PATIENCE else max(self._reach, 2 * blocks)
        for block in self._blocks:
            self.dropped |= block.dropped
        self._blocks = []
        ahead = self._pairs >> 32 > (self._present[self._at - 1] if self._at else -1)
        self._pairs, self._values = self._pairs[ahead], self._values[ahead]

    def _next(self) -> _Block | None:
        """The next block with its pairs, or `None` where it had too many: then the next will be half as large."""
        members = self._present[self._at : self._at + self._size]
        pairs = self._index.pairs(members, PAIRS if self._size > 1 else None)
        if pairs is None:
            self._size //= 2
            return None
        self._at, self._size = self._at + members.size, min(self._size * 2, MOST)
        later, earlier, likely = _screened(*pairs, self._screen)
        return _Block(members, self._at, self._size, later, earlier, likely, self._known(later, earlier))

    def _known(self, later: Ints, earlier: Ints) -> Values:
        value = np.full(later.size, np.nan)
        if self._pairs.size:
            pairs = later << 32 | earlier
            at = np.minimum(np.searchsorted(self._pairs, pairs), self._pairs.size - 1)
            known = self._pairs[at] == pairs
            value[known] = self._values[at[known]]
        return value

    def _pass(self, block: _Block, trust: bool) -> None:
        """Decide a block by what is known, and where nothing is by what is likely, or as if nothing were similar."""
        guess = block.likely.astype(np.float64) if trust else np.zeros(block.later.size)
        value = np.where(np.isnan(block.value), guess, block.value)
        alike = np.flatnonzero(value)
        self._kept[block.members] = True
        flags, dropped, best = self._flags, block.dropped, 0.0
        dropped.clear()
        for x, y, similarity in zip(
            block.later[alike].tolist(), block.earlier[alike].tolist(), value[alike].tolist(), strict=True
        ):
            # The pairs of a document stand together, and all others of its pairs are decided.
            if flags[y] and (flags[x] or similarity > best):
                dropped[x] = y, similarity
                flags[x], best = 0, similarity

    def _asked(self, block: _Block) -> Flags:
        """The pairs with a kept document whose similarity is not known."""
        return np.asarray(np.isnan(block.value) & self._kept[block.earlier])

    def _learn(self, verify: Verify) -> None:
        asked = [self._asked(block) for block in self._blocks]
        later = np.concatenate([block.later[which] for block, which in zip(self._blocks, asked, strict=True)])
        earlier = np.concatenate(
            [block.earlier[which] for block, which in zip(self._blocks, asked, strict=True)]
        )
        values = verify(later, earlier)
        ends = np.cumsum([int(which.sum()) for which in asked])
        for block, which, part in zip(self._blocks, asked, np.split(values, ends[:-1]), strict=True):
            block.value[which] = part
        pairs = np.concatenate([self._pairs, later << 32 | earlier])
        order = np.argsort(pairs)
        self._pairs, self._values = pairs[order], np.concatenate([self._values, values])[order]

    def _again(self, trust: bool) -> None:
        """Decide the blocks again by what is known now, and go on from the first that turns out otherwise."""
        for at, block in enumerate(self._blocks):
            before = set(block.dropped)
            self._pass(block, trust=True)
            doubted = not trust and bool(self._asked(block).any())
            if doubted:
                self._pass(block, trust=False)
            if doubted or before != block.dropped.keys():
                self._return(at)
                if trust:
                    self.goes_ahead()
                return

    def _return(self, at: int) -> None:
        """Forget the blocks after this one, and what the index remembers of it."""
        for block in self._blocks[at:]:
            self._index.leave(block.entered)
        for block in self._blocks[at + 1 :]:
            self._kept[block.members] = True
        del self._blocks[at + 1 :]
        block = self._blocks[at]
        self._enter(block)
        self._at, self._size = block.end, block.size

    def _enter(self, block: _Block) -> None:
        block.entered = self._index.add(block.members[self._kept[block.members]])


def _screened(later: Ints, earlier: Ints, screen: Screen) -> tuple[Ints, Ints, Flags]:
    """The pairs that may be similar, and which of them probably are."""
    passed, likely = np.zeros(later.size, np.bool_), np.zeros(later.size, np.bool_)
    for first in range(0, later.size, SCREENED):
        cut = slice(first, first + SCREENED)
        passed[cut], likely[cut] = screen(later[cut], earlier[cut])
    return later[passed], earlier[passed], likely[passed]


class Found:
    """Candidates that are all known beforehand, whoever is kept."""

    def __init__(self, found: Ints) -> None:
        """`found`: the pairs, later << 32 | earlier, ascending."""
        self.found = found
        self._later = found >> 32
        self.documents = distinct(self._later)

    @property
    def members(self) -> int:
        """How many documents stand in a pair."""
        return distinct(np.concatenate([self._later, self.found & 0xFFFFFFFF])).size

    def pairs(self, block: Ints, limit: int | None) -> tuple[Ints, Ints] | None:
        """See `Candidates`."""
        cut = slice(*np.searchsorted(self._later, [block[0], block[-1] + 1]).tolist())
        if limit is not None and cut.stop - cut.start > limit:
            return None
        return self._later[cut], self.found[cut] & 0xFFFFFFFF

    def add(self, block: Ints) -> Ints:
        """See `Candidates`; nothing is remembered."""
        return block[:0]

    def leave(self, entered: Ints) -> None:
        """See `Candidates`."""


class Kept:
    """Candidates that share a key with a kept document, which are remembered for each key.

    The kept entries of a group stand in the places that the group's own entries leave for them.
    """

    def __init__(self, groups: Groups, documents: int, bucket: int | None = None) -> None:
        """`documents`: how many there are; `bucket`: how many kept ones to remember for one key, `None` for all."""
        self.documents = distinct(groups.document)
        sizes = np.diff(groups.starts)
        self._groups = groups
        self._group = np.repeat(np.arange(sizes.size), sizes)
        self._none = np.zeros(groups.document.size, dtype=np.int8)
        self._order = ordered(groups.document, self._none)
        self._first = np.searchsorted(groups.document[self._order], np.arange(documents + 1))
        self._filled = np.zeros(sizes.size, dtype=np.int64)
        self._slots = np.zeros(groups.document.size, dtype=np.int64)
        self._bucket = bucket or groups.document.size

    def _entries(self, block: Ints) -> tuple[Ints, Ints]:
        """The block's entries by group, those of one group in the order of their documents; and their groups."""
        counts = self._first[block + 1] - self._first[block]
        entries = self._order[spans(self._first[block], counts)]
        entries = entries[ordered(self._group[entries], self._none[: entries.size])]
        return entries, self._group[entries]

    def pairs(self, block: Ints, limit: int | None) -> tuple[Ints, Ints] | None:
        """See `Candidates`."""
        entry, group = self._entries(block)
        count = self._filled[group]
        start, before = _places_in_run(group)
        if limit is not None and count.sum() + before.sum() > limit:
            return None
        later = np.concatenate([np.repeat(entry, count), np.repeat(entry, before)])
        kept = self._slots[spans(self._groups.starts[group], count)]
        earlier = np.concatenate([kept, entry[spans(start, before)]])
        allowed = self._groups.allow(later, earlier)
        document = self._groups.document
        pairs = distinct((document[later[allowed]] << 32) | document[earlier[allowed]])
        return pairs >> 32, pairs & 0xFFFFFFFF

    def add(self, block: Ints) -> Ints:
        """See `Candidates`: they are remembered in each of their groups that has room; the groups that had."""
        entry, group = self._entries(block)
        _, before = _places_in_run(group)
        place = self._filled[group] + before
        room = place < self._bucket
        entered = group[room]
        self._slots[self._groups.starts[entered] + place[room]] = entry[room]
        np.add.at(self._filled, entered, 1)
        return entered

    def leave(self, entered: Ints) -> None:
        """See `Candidates`: in these groups."""
        np.subtract.at(self._filled, entered, 1)


def _places_in_run(values: Ints) -> tuple[Ints, Ints]:
    """For each of sorted values where its run of equal ones starts, and how many of them come before it."""
    first = runs(values)
    start = np.repeat(first, np.diff(np.append(first, values.size)))
    return start, np.arange(values.size) - start

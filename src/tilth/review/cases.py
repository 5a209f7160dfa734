"""What a run may ask people about: its held samples, its proposals, and what it kept. Texts are read when shown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from tilth.engine.replay import load_states, plan_of
from tilth.engine.stage import StageState
from tilth.errors import NotFoundError
from tilth.recipe.plan import content_key
from tilth.review.chats import Chat, chats
from tilth.review.judged import HS, Judged, judged
from tilth.sample import Sample
from tilth.store.decisions import content_hash
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Case:
    """One question to people: a sample, or a change that a step proposed for one."""

    key: str
    """The sample's id; of a proposal a digest of what it proposes."""
    id: str
    place: str
    """The first place where the sample stands."""
    door: str
    step: str = ""
    """The step that holds it or proposed the change; empty for a kept sample."""
    reason: str = ""
    split: str = ""
    copies: int = 1
    """Places where equal records stand: one decision is about all of them."""
    judged: Judged = ""
    """What a judge said of the three H."""
    wanted: int = 1
    """How many people the step that holds it asks."""
    proposal: Mapping[str, Any] | None = None
    """`step, field, before, after, evidence`."""


class Cases:
    """The cases of one run, as its last pass left them."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._lines: dict[str, tuple[int, int]] = {}
        self._hashes: dict[str, str] = {}
        self._kept_chats: tuple[int, dict[str, Chat]] = (0, {})
        self.run = folder.read_run()

    @cached_property
    def held(self) -> tuple[Case, ...]:
        """Samples that wait for a person or a model, in source order."""
        return tuple(_first_places(self._held()))

    def _held(self) -> Iterator[Case]:
        path, offset = self._folder.door("held"), 0
        if not path.exists():
            return
        with path.open("rb") as handle:
            for text in handle:
                line = json.loads(text)
                self._lines[line["place"]] = (offset, len(text))
                offset += len(text)
                yield Case(
                    line["id"], line["id"], line["place"], "held", line["step"], line["reason"],
                    judged=judged(line["sample"].get("signals", {})),
                    wanted=line.get("evidence", {}).get("wanted", 1),
                )  # fmt: skip

    @cached_property
    def kept(self) -> tuple[Case, ...]:
        """What the run wrote to `data/`, in source order."""
        said = self._judged if self._is_judged else {}
        lines = read_jsonl(self._folder.index)
        return tuple(
            _first_places(
                Case(
                    line["id"], line["id"], line["place"], "kept",
                    split=line.get("split") or "", judged=said.get(line["place"], ""),
                )
                for line in lines
            )
        )  # fmt: skip

    @property
    def _is_judged(self) -> bool:
        judges = ("annotate.judge", *(f"filter.{name}" for name in HS))
        return any(step["name"].startswith(judges) for step in self.run.get("steps", []))

    @cached_property
    def _judged(self) -> dict[str, Judged]:
        said = ((sample.place, judged(sample.signals)) for sample in self._kept_samples())
        return {place: word for place, word in said if word}

    def _kept_samples(self) -> Iterator[Sample]:
        state = self._state
        for mark in state.marks:
            yield from state.layer(mark.index).kept()

    @cached_property
    def proposals(self) -> tuple[Case, ...]:
        """Changes that steps proposed for samples that are kept or held."""
        found: dict[str, Case] = {}
        by_place = {case.place: case for case in (*self.kept, *self.held)}
        for line in read_jsonl(self._folder.proposals):
            case = by_place.get(line["place"])
            if case is None:
                continue
            offer = {name: line.get(name) for name in ("step", "field", "before", "after", "evidence")}
            key = proposal_key(case.id, offer)
            found.setdefault(key, Case(key, case.id, case.place, case.door, line["step"], proposal=offer))
        return tuple(found.values())

    @cached_property
    def worklist(self) -> tuple[Case, ...]:
        """The training samples that the comparison wants looked at, the most pressing first."""
        kept = {case.id: case for case in (*self.kept, *self.held)}
        lines = read_jsonl(self._folder.worklist)
        # Lines about a topic that is missing name no sample.
        found = {line["id"]: line for line in lines if "id" in line}
        return tuple(kept[id_] for id_ in found if id_ in kept)

    @property
    def chats(self) -> tuple[Case, ...]:
        """Conversations kept from the chat, the oldest first; there may be more of them at any moment."""
        return tuple(map(_chat_case, self.talks.values()))

    @property
    def talks(self) -> Mapping[str, Chat]:
        """The same by key, as they stand in their file."""
        path = self._folder.chats
        size = path.stat().st_size if path.exists() else 0
        if size != self._kept_chats[0]:
            self._kept_chats = size, chats(path)
        return self._kept_chats[1]

    def spot(self, share: float, seed: int) -> tuple[Case, ...]:
        """A random share of what is kept, in random order; data that grows keeps the samples drawn before."""
        drawn = ((int(content_key("spot", seed, case.id)[:12], 16) / 16**12, case) for case in self.kept)
        return tuple(case for at, case in sorted(drawn, key=lambda pair: pair[0]) if at < share)

    def find(self, key: str) -> Case | None:
        """The case with this key."""
        found = self._by_key.get(key)
        if found is None and (chat := self.talks.get(key)):
            return _chat_case(chat)
        return found

    @cached_property
    def _by_key(self) -> dict[str, Case]:
        return {case.key: case for case in (*self.proposals, *self.kept, *self.held)}

    def sample(self, case: Case) -> Sample:
        """What the case is about, as it stands in the run.

        Raises:
            NotFoundError: the run has changed since.
            FolderError: the checkpoints do not belong to the run any more.
        """
        if case.door == "chat":
            return self.talks[case.key].sample
        if case.door == "held":
            return self._held_sample(case.place)
        row = self._state.row_of.get(case.place)
        if row is None:
            raise NotFoundError(f"this run has no sample at '{case.place}'.")
        return self._state.sample(row)

    def _held_sample(self, place: str) -> Sample:
        offset, size = self._lines[place]
        with self._folder.door("held").open("rb") as handle:
            handle.seek(offset)
            line = msgspec.json.decode(handle.read(size))
        if line["place"] != place:
            raise NotFoundError(f"held.jsonl has changed; '{place}' is not where it was.")
        return msgspec.convert(line["sample"], Sample)

    @cached_property
    def _state(self) -> StageState:
        return load_states(self._folder, plan_of(self._folder))[-1]

    def content(self, case: Case) -> str:
        """The `content_hash` of the case's sample."""
        if case.place not in self._hashes:
            self._hashes[case.place] = content_hash(self.sample(case))
        return self._hashes[case.place]


def proposal_key(sample_id: str, offer: Mapping[str, Any]) -> str:
    """What stands for a proposal in the page and in the log: the same offer keeps its key over reruns."""
    return content_key("proposal", sample_id, *(offer.get(name) for name in ("field", "before", "after")))[
        :16
    ]


def _chat_case(chat: Chat) -> Case:
    return Case(chat.sample.id, chat.sample.id, chat.sample.place, "chat")


def _first_places(cases: Iterable[Case]) -> Iterator[Case]:
    """One case for each id, at the first of its places."""
    found = list(cases)
    copies = Counter(case.id for case in found)
    first: dict[str, Case] = {}
    for case in found:
        first.setdefault(case.id, case)
    for case in first.values():
        yield case if copies[case.id] == 1 else replace(case, copies=copies[case.id])

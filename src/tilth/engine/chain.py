"""Per-sample steps, applied to a chunk of samples; one bad sample never harms its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgspec

from tilth.engine.gates import Gates
from tilth.engine.tally import EXAMPLES, Tally
from tilth.errors import TilthError, UserError
from tilth.recipe.plan import Step
from tilth.sample import Drop, Hold, Made, Propose, Sample
from tilth.sources.identity import record_id
from tilth.store.decisions import content_hash
from tilth.store.files import json_line, spaced

Exempt = Mapping[str, frozenset[str]]
"""Step → ids, places, and ids with a text (`seen`) that people exempted from its verdict."""


Function = Callable[[Sample], Any]
"""What a step does to one sample; it gives an outcome or raises."""


@dataclass
class Exits:
    """What left, and what was proposed, in the order it happened."""

    doors: list[bytes] = field(default_factory=list)
    """Lines of the doors' files; see `left` and `set_aside`."""
    proposals: list[dict[str, Any]] = field(default_factory=list)


Trace = Callable[[Step, Sample, Any], None]
"""Told about each outcome: the step, the sample before it, and the outcome or the error."""


class _Known(msgspec.Struct):
    id: str
    place: str


_encode = msgspec.json.Encoder().encode
_decode_known = msgspec.json.Decoder(_Known).decode


def is_exempt(sample: Sample, exempt: frozenset[str]) -> bool:
    """Whether a person brought this sample back from the step, or decided about it as it stands."""
    if not exempt:
        return False
    return sample.id in exempt or sample.place in exempt or seen(sample.id, content_hash(sample)) in exempt


def seen(sample_id: str, content: str) -> str:
    """What stands for a sample together with its text in an exemption."""
    return f"{sample_id}@{content}"


@dataclass(frozen=True)
class Failed:
    """What code that is not ours raised."""

    error: BaseException

    @property
    def message(self) -> str:
        """Kind and words of the error, as text that can be written."""
        text = f"{type(self.error).__name__}: {self.error}"
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def attempt(call: Callable[[], Any]) -> Any:
    """The result of a set operator's code, or `Failed`: its caller knows which samples to set aside."""
    try:
        return call()
    except TilthError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  operators may come from anywhere
        return Failed(error)


def check_outcome(sample: Sample, outcome: Any, foreign: bool) -> None:
    """Hold an operator to its contract, inside the guard that sets a single sample aside.

    Args:
        sample: what it was given.
        outcome: what it returned.
        foreign: whether it is none of ours: then the values must also survive being written and read.

    Raises:
        TypeError, ValueError, msgspec.MsgspecError: the outcome is none that an operator may give.
    """
    if isinstance(outcome, Sample):
        if (outcome.id, outcome.place) != (sample.id, sample.place):
            raise ValueError("the step changed the sample's id or place, which belong to the engine")
    elif isinstance(outcome, list | tuple):
        if not all(isinstance(item, Made | Sample) for item in outcome):
            raise TypeError("a step that makes samples returns Sample and Made only")
        own = [item for item in outcome if isinstance(item, Sample)]
        if len(own) > 1 or any((s.id, s.place) != (sample.id, sample.place) for s in own):
            raise ValueError("a step may return the sample it was given once, and the others as Made")
    elif not isinstance(outcome, Drop | Hold | Propose):
        raise TypeError(
            f"the step returned {type(outcome).__name__}, expected Sample, Drop, Hold, Propose or a list"
        )
    if foreign:
        text = msgspec.json.encode(outcome)
        if isinstance(outcome, Sample):
            msgspec.json.decode(text, type=Sample)


def left(
    door: str, sample: Sample | msgspec.Raw, step: str, reason: str, evidence: Mapping[str, Any]
) -> bytes:
    """A line of dropped.jsonl or held.jsonl, with its door first; of a sample or of its JSON."""
    known = _decode_known(sample) if isinstance(sample, msgspec.Raw) else sample
    line = {"door": door, "id": known.id, "place": known.place, "step": step, "reason": reason}
    return spaced(_encode({**line, "evidence": evidence, "sample": sample})) + b"\n"


def set_aside(place: str, step: str, error: str, raw: bytes) -> bytes:
    """A line of quarantined.jsonl, with its door first."""
    return json_line(quarantined(place, step, error, raw)).encode("utf-8")


def quarantined(place: str, step: str, error: str, raw: bytes) -> dict[str, Any]:
    """What a line of quarantined.jsonl says. Bytes that are no UTF-8 stand there in base64."""
    line: dict[str, Any] = {"door": "quarantined", "place": place, "step": step, "error": error}
    try:
        line["raw"] = raw.decode("utf-8")
    except UnicodeDecodeError:
        from base64 import b64encode

        line["raw_base64"] = b64encode(raw).decode("ascii")
    return line


class Chain:
    """Fused per-sample steps with their counts."""

    def __init__(
        self,
        steps: Sequence[Step],
        exempt: Exempt,
        trace: Trace | None = None,
        functions: Sequence[Function] = (),
    ) -> None:
        """Take the steps; `functions` stand in for those of steps that wait for models or people."""
        self.steps = steps
        self._functions = list(functions) or [step.function for step in steps]
        self._gates = Gates(steps)
        self.tallies = [Tally(step.name) for step in steps]
        self.exits = Exits()
        self._exempt = exempt
        self._trace = trace

    def run(self, samples: list[Sample], raws: Mapping[str, bytes] | None = None) -> list[Sample]:
        """Walk a chunk through all steps; returns what is kept. `raws`: place → the bytes a sample came from."""
        self._gates.look(samples)
        for at, (step, tally) in enumerate(zip(self.steps, self.tallies, strict=True)):
            start = perf_counter()
            tally.taken += len(samples)
            samples = self._step(step, at, tally, samples, raws or {})
            tally.kept += len(samples)
            tally.seconds += perf_counter() - start
        return samples

    def _step(
        self,
        step: Step,
        at: int,
        tally: Tally,
        samples: list[Sample],
        raws: Mapping[str, bytes],
    ) -> list[Sample]:
        function = self._functions[at]
        exempt = self._exempt.get(step.name, frozenset())
        foreign = not step.declared.target.__module__.startswith("tilth.")
        kept: list[Sample] = []
        done = 0
        for index in self._opened(at, samples):
            kept += samples[done:index]
            done = index + 1
            sample = samples[index]
            try:
                outcome = function(sample)
                if outcome is not sample:
                    check_outcome(sample, outcome, foreign)
            except UserError as error:
                # A fault of the recipe, not of this sample: every sample would meet it.
                raise UserError(f"{step.name}: {error.message}", error.hint) from None
            except (Exception, SystemExit) as error:  # noqa: BLE001  the one place where any operator's failure is met
                if self._trace:
                    self._trace(step, sample, error)
                self._failed(step, tally, sample, error, raws, exempt, kept)
                continue
            if self._trace:
                self._trace(step, sample, outcome)
            if outcome is sample:
                kept.append(sample)
            else:
                self._settle(step, tally, sample, outcome, exempt, kept)
        kept += samples[done:]
        return kept

    def _opened(self, at: int, samples: Sequence[Sample]) -> Sequence[int]:
        """The places of the samples that the step is handed: all where each outcome is told, or where a gate fails."""
        found = range(len(samples)) if self._trace else attempt(lambda: self._gates.open(at, samples))
        return range(len(samples)) if isinstance(found, Failed) else found

    def _failed(
        self,
        step: Step,
        tally: Tally,
        sample: Sample,
        error: BaseException,
        raws: Mapping[str, bytes],
        exempt: frozenset[str],
        kept: list[Sample],
    ) -> None:
        if is_exempt(sample, exempt):
            kept.append(sample)
            return
        raw = raws.get(sample.place) or msgspec.json.encode(sample)
        self.exits.doors.append(set_aside(sample.place, step.name, Failed(error).message, raw))
        tally.left("quarantined", "operator_error")

    def _settle(
        self,
        step: Step,
        tally: Tally,
        sample: Sample,
        outcome: Any,
        exempt: frozenset[str],
        kept: list[Sample],
    ) -> None:
        if isinstance(outcome, Sample):
            self._changed(tally, sample, outcome)
            kept.append(outcome)
        elif isinstance(outcome, Drop | Hold):
            if is_exempt(sample, exempt):
                kept.append(sample)
                return
            door = "dropped" if isinstance(outcome, Drop) else "held"
            self.exits.doors.append(left(door, sample, step.name, outcome.reason, outcome.evidence))
            tally.left(door, outcome.reason)
        elif isinstance(outcome, Propose):
            kept.append(self._proposed(step, tally, sample, outcome))
        else:
            kept.extend(self._made(step, tally, sample, outcome, exempt))

    def _changed(self, tally: Tally, before: Sample, after: Sample) -> None:
        if (
            before.messages == after.messages
            and before.rejected == after.rejected
            and before.tools == after.tools
        ):
            return
        tally.changed += 1
        if len(tally.examples) < EXAMPLES:
            example = change_of(before, after)
            if example:
                tally.examples.append(example)

    def _proposed(self, step: Step, tally: Tally, sample: Sample, outcome: Propose) -> Sample:
        tally.proposed += 1
        self.exits.proposals.extend(proposal_lines(sample, step.name, outcome))
        if outcome.sample is None:
            return sample
        self._changed(tally, sample, outcome.sample)
        return outcome.sample

    def _made(
        self,
        step: Step,
        tally: Tally,
        parent: Sample,
        outcome: Sequence[Made | Sample],
        exempt: frozenset[str],
    ) -> list[Sample]:
        found: list[Sample] = []
        k = 0
        for item in outcome:
            if isinstance(item, Sample):
                self._changed(tally, parent, item)
                found.append(item)
                continue
            made = child(parent, step.name, k, item)
            k += 1
            if item.drop is not None and not is_exempt(made, exempt):
                self._dropped(step, tally, made, item.drop)
            else:
                found.append(made)
        tally.made += k
        if not any(isinstance(item, Sample) for item in outcome):
            self._dropped(step, tally, parent, Drop("used_as_source", {"made": k}))
        return found

    def _dropped(self, step: Step, tally: Tally, sample: Sample, drop: Drop) -> None:
        self.exits.doors.append(left("dropped", sample, step.name, drop.reason, drop.evidence))
        tally.left("dropped", drop.reason)


VOUCHED = ("human_verified", "answer_from")
"""What a source says of its own record and of nothing that is made from it."""


def child(parent: Sample, step: str, k: int, made: Made) -> Sample:
    """A made sample: its id is that of what it says, its place and its family are its parent's."""
    messages = [msgspec.to_builtins(m) for m in made.messages]
    record = {"parent": parent.id, "step": step, "k": k, "messages": messages}
    return Sample(
        id=record_id(record),
        place=f"{parent.place}/{step}#{k}",
        messages=made.messages,
        meta={key: value for key, value in parent.meta.items() if key not in VOUCHED},
        signals=made.signals,
        family=parent.root,
        split=parent.split,
    )


def proposal_lines(sample: Sample, step: str, outcome: Propose) -> list[dict[str, Any]]:
    """Lines of steps/proposals.jsonl."""
    return [
        {
            "place": sample.place,
            "id": sample.id,
            "step": step,
            **msgspec.structs.asdict(p),
            "evidence": dict(p.evidence),
        }
        for p in outcome.proposals
    ]


def change_of(before: Sample, after: Sample) -> dict[str, str] | None:
    """The first message that changed, before and after; `None` when only other fields did."""
    for old, new in zip(before.messages, after.messages, strict=False):
        if old.content != new.content:
            return {"place": before.place, "before": old.content, "after": new.content}
    return None

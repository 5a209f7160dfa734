"""What people decided, brought to the samples at the next run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tilth.engine.chain import Exempt, Function, seen
from tilth.operators.base import OPERATORS
from tilth.recipe.plan import Plan, Step, content_key
from tilth.sample import Message, Sample
from tilth.store.decisions import VERDICTS, Event, by_sample, content_hash, exemptions, settle, standing

PEOPLE = "people"
"""The step that is put in where people decided about samples that no step of the recipe asks about."""
_ROLE = {"question": "user", "answer": "assistant"}


def heeded(plan: Plan, events: Iterable[Event]) -> list[Event]:
    """The decisions that stand, each with the step of this plan that it speaks of; empty where it names none."""
    known = {step.name for step in plan.steps}
    found = []
    for e in events:
        if e["verdict"] in VERDICTS:
            step = (e.get("step") or "").removeprefix(f"{PEOPLE}@")
            found.append({**e, "step": step if step in known and step != PEOPLE else ""})
    return found


def wanted_steps(plan: Plan, events: Iterable[Event]) -> list[str]:
    """Behind which steps decisions apply that no person step of the recipe asks for.

    These are steps that proposed something, and the empty name for decisions about samples as they leave.
    """
    asking = {step.name for step in plan.steps if step.declared.kind == "person"}
    found = set()
    for e in heeded(plan, events):
        changes = e["verdict"] == "accept" if e.get("proposal") else e["verdict"] != "accept"
        if changes and e["step"] not in asking:
            found.add(e["step"])
    return sorted(found)


def exempted(plan: Plan, path: Path) -> Exempt:
    """What people let through a step's verdict: what they restored, and what they decided about though it held it.

    A step that asks no people may hold a sample too, a judge or a model that failed: whoever then decides about the
    sample takes it past that step, to the decisions behind it. Such a decision speaks of one text alone.
    """
    found = {step: set(marks) for step, marks in exemptions(path).items()}
    asking = {step.name for step in plan.steps if step.declared.kind == "person"}
    for e in heeded(plan, standing(path)):
        if e["step"] and e["step"] not in asking and e["verdict"] != "flag" and not e.get("proposal"):
            content = e.get("content_hash")
            mark = seen(e["sample_id"], content) if content else e["sample_id"]
            found.setdefault(e["step"], set()).add(mark)
    return {step: frozenset(marks) for step, marks in found.items()}


def with_people(plan: Plan, at: Sequence[str]) -> Plan:
    """The plan with a person step behind each of the steps named; the empty name is the place before the first split.

    Such a step asks nobody: it lets decisions that were made take effect.
    """
    if not at:
        return plan
    declared = OPERATORS.get("annotate.person")
    settings = {**declared.settings.model_validate({}).model_dump(), "share": 0.0}
    steps: list[Step] = []
    pending = "" in at
    for step in plan.steps:
        if pending and step.declared.family == "split":
            steps.append(Step(PEOPLE, declared.name, settings))
            pending = False
        steps.append(step)
        if step.name in at:
            steps.append(Step(f"{PEOPLE}@{step.name}", declared.name, settings))
    if pending:
        steps.append(Step(PEOPLE, declared.name, settings))
    return replace(plan, steps=tuple(steps))


def touching(step: Step, events: Iterable[Event]) -> list[Event]:
    """Of the heeded decisions those that a person step applies: made for it, or naming no step at all."""
    _, put_in, behind = step.name.partition(f"{PEOPLE}@")
    wanted = (behind,) if put_in else ("",) if step.name == PEOPLE else ("", step.name)
    return [e for e in events if e["step"] in wanted]


def decisions_key(step: Step, events: Iterable[Event]) -> str:
    """What of the decisions enters a person step's key."""
    kept = (
        "sample_id",
        "content_hash",
        "person",
        "verdict",
        "messages",
        "adjudicates",
        "proposal",
        "scores",
        "note",
    )
    return content_key([[e.get(name) for name in kept] for e in touching(step, events)])


def person_function(step: Step, events: Iterable[Event]) -> Function:
    """A person step with the decisions in it."""
    said = by_sample(touching(step, events))
    answers = int(step.settings["answers"])
    function: Any = step.function

    def decide(sample: Sample) -> Any:
        about = said.get(sample.id, ())
        settled = settle(about, content_hash(sample), answers)
        return function(_accept(sample, about), settled)

    return decide


def _accept(sample: Sample, events: Iterable[Event]) -> Sample:
    """The sample with the proposals that people accepted, where the text is still the one they saw."""
    wanted: dict[tuple[str, str], tuple[str, str]] = {}
    for e in events:
        proposal = e.get("proposal")
        if proposal:
            wanted[proposal["field"], proposal["before"]] = (e["verdict"], proposal["after"])
    messages = tuple(_mended(message, wanted) for message in sample.messages) if wanted else sample.messages
    return sample if messages == sample.messages else sample.replace(messages=messages)


def _mended(message: Message, wanted: dict[tuple[str, str], tuple[str, str]]) -> Message:
    for field, role in _ROLE.items():
        verdict, after = wanted.get((field, message.content), ("", ""))
        if message.role == role and verdict == "accept":
            return message.replace(content=after)
    return message

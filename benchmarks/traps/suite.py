"""The trap cases of `cases/`, and what sets of operators make of them.

A case is an input and what the rule of an operator says about it: another text, a proposal, or nothing at all. Sets are
`tilth`, `identity` (changes nothing, and must fail), and `data-juicer` and `jionlp`, which run in a Python of
their own (`--python`), so that nothing of theirs is a dependency of ours.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import tilth.operators
from tilth.operators.base import OPERATORS
from tilth.sample import Message, Propose, Sample

HERE = Path(__file__).parent
QUESTION = "请看下面这段话。"
PEERS = ("data-juicer", "jionlp")
NO_INSTALLS = {"PIP_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_NO_INDEX": "1", "HF_HUB_OFFLINE": "1"}
"""Some tools install packages while they run. Here they cannot; one that wants to ends with its own error."""


@dataclass(frozen=True)
class Case:
    """One input of one operator, and what the rule says."""

    operator: str
    input: str
    expected: str
    """The text after the step; for a proposal and for a case that must not change, the input."""
    proposals: tuple[str, ...]
    settings: Mapping[str, Any]
    why: str
    signals: Mapping[str, Any] = field(default_factory=dict)
    """What steps before it have measured."""

    @property
    def keeps(self) -> bool:
        """Whether nothing may happen."""
        return not self.proposals and self.expected == self.input


@dataclass(frozen=True)
class Answer:
    """What an operator did: the text after it, and what it proposed."""

    text: str
    proposals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Results:
    """What one set of operators did on all cases, in their order; `None` where it has no such operation."""

    name: str
    version: str
    answers: Sequence[Answer | None]
    used: Mapping[str, str] = field(default_factory=dict)
    """For other tools: which of their operators stood in for ours."""


@cache
def load() -> tuple[Case, ...]:
    """All cases, by operator and in the order of their file."""
    return tuple(
        _case(path.stem, row)
        for path in sorted((HERE / "cases").glob("*.yaml"))
        for row in yaml.safe_load(path.read_text(encoding="utf-8"))
    )


def _case(operator: str, row: Mapping[str, Any]) -> Case:
    expected = row["expected"]
    if isinstance(expected, dict):
        offered = expected["proposal"]
        proposals = (offered,) if isinstance(offered, str) else tuple(offered)
    else:
        proposals = ()
    text = row["input"] if expected == "same" or proposals else expected
    return Case(
        operator, row["input"], text, proposals, row.get("settings", {}), row["why"], row.get("signals", {})
    )


def is_right(case: Case, answer: Answer) -> bool:
    """Whether the answer is what the case expects, proposals included."""
    return answer == Answer(case.expected, case.proposals)


def is_right_unattended(case: Case, answer: Answer) -> bool:
    """The same for tools that cannot propose: one proposal must be carried out, and a choice must be left alone."""
    wanted = case.proposals[0] if len(case.proposals) == 1 else case.expected
    return answer.text == wanted


def ask_tilth(case: Case, text: str | None = None) -> Answer:
    """What our operator makes of `text` (else of the case's input) as an answer of the assistant."""
    messages = (Message("user", QUESTION), Message("assistant", case.input if text is None else text))
    sample = Sample("0" * 16, "traps:1", messages, signals=case.signals)
    settings = dict(case.settings)
    if "file" in settings:
        settings["file"] = str(HERE / settings["file"])
    outcome = OPERATORS.get(case.operator).target(sample, **settings)
    if isinstance(outcome, Propose):
        after = outcome.sample or sample
        return Answer(after.answer, tuple(p.after for p in outcome.proposals))
    assert isinstance(outcome, Sample), f"{case.operator} did not return a text"
    return Answer(outcome.answer)


def ask_identity(case: Case) -> Answer:
    """The input as it is."""
    return Answer(case.input)


def ask_peer(name: str, python: str, cases: Sequence[Case]) -> Results:
    """What another tool does, in the environment whose interpreter is `python`."""
    question = [{"operator": c.operator, "input": c.input, "settings": dict(c.settings)} for c in cases]
    done = subprocess.run(
        [python, str(HERE / "peers.py"), name],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **NO_INSTALLS, "PYTHONUTF8": "1"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} did not run in {python}:\n{done.stderr[-2000:]}")
    reply = json.loads(done.stdout)
    answers = [None if text is None else Answer(text) for text in reply["answers"]]
    return Results(name, reply["version"], answers, reply["used"])


def ask(name: str, cases: Sequence[Case], python: str | None) -> Results | None:
    """Results of one set; `None` for another tool where no interpreter is named."""
    if name in PEERS:
        return ask_peer(name, python, cases) if python else None
    one: Callable[[Case], Answer] = ask_tilth if name == "tilth" else ask_identity
    return Results(name, tilth.__version__ if name == "tilth" else "", [one(case) for case in cases])


def right(cases: Sequence[Case], results: Results) -> list[bool | None]:
    """For each case whether it passed; `None` where the set has no such operation."""
    test = is_right_unattended if results.name in PEERS else is_right
    return [None if a is None else test(c, a) for c, a in zip(cases, results.answers, strict=True)]


def score(cases: Sequence[Case], results: Results) -> dict[str, dict[str, list[int]]]:
    """By operator: `[passed, asked]` of the cases that must change and of those that must not."""
    table: dict[str, dict[str, list[int]]] = {}
    for case, passed in zip(cases, right(cases, results), strict=True):
        row = table.setdefault(case.operator, {"change": [0, 0], "keep": [0, 0]})
        if passed is not None:
            row["keep" if case.keeps else "change"][0] += passed
            row["keep" if case.keeps else "change"][1] += 1
    return table


def failures(cases: Sequence[Case], results: Results) -> Iterable[tuple[Case, Answer]]:
    """Each case that failed, with what came out."""
    for case, answer, passed in zip(cases, results.answers, right(cases, results), strict=True):
        if answer is not None and not passed:
            yield case, answer

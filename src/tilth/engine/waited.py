"""What stands in for steps that waited, when a life is told again: people's decisions, and the stored answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tilth.engine.asking import replayed
from tilth.engine.chain import Function
from tilth.engine.costs import answers_in
from tilth.engine.people import heeded, person_function
from tilth.engine.stage import StageState
from tilth.recipe.plan import Plan, Stage
from tilth.sample import Sample
from tilth.store.decisions import standing

Answers = Mapping[str, Sequence[Mapping[str, Any]]]
"""Place → what models answered for the sample there, in the order they were asked."""


class Waited:
    """The outcomes of the steps of one run that waited for models or people."""

    def __init__(self, plan: Plan, states: Sequence[StageState], decisions: Path) -> None:
        self._plan, self._states, self._decisions = plan, states, decisions
        self._answers: dict[int, Answers] = {}

    def functions(self, stage: Stage) -> list[Function]:
        """What is called instead of the stage's own step; nothing for steps that do not wait."""
        step = stage.waits
        if step is None:
            return []
        if step.declared.kind == "person":
            return [person_function(step, heeded(self._plan, standing(self._decisions)))]

        def replay(sample: Sample) -> Any:
            return replayed(step, self._of(stage).get(sample.place, ()), sample)

        return [replay]

    def answers(self, stage: Stage, place: str) -> list[dict[str, Any]]:
        """What models answered at a stage for the sample at a place: `{model, state, text, reason, thinking}`."""
        if stage.waits is None or stage.waits.declared.kind != "model":
            return []
        shown = ("model", "state", "text", "reason", "thinking")
        return [{n: line[n] for n in shown if line.get(n)} for line in self._of(stage).get(place, ())]

    def _of(self, stage: Stage) -> Answers:
        if stage.index not in self._answers:
            state = self._states[stage.index]
            found: dict[str, list[Mapping[str, Any]]] = {}
            for line in answers_in([state.folder], len(state.marks)):
                found.setdefault(line["place"], []).append(line)
            self._answers[stage.index] = found
        return self._answers[stage.index]

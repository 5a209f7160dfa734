"""A sample that a step on the whole set cannot observe is set aside alone, and a person may let it pass that step."""

from __future__ import annotations

from itertools import count

import pytest

from tests.engine.conftest import QUESTIONS, rows_of
from tests.engine.test_driver import with_plugin
from tilth.engine import explain, restore, run

COUNT = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tilth.operators.base import set_operator
from tilth.sample import Drop


@set_operator("blind.count")
@dataclass(frozen=True)
class Count:
    """Count what it can see; of the rest it would say that it was shown."""
    word: str = ""
    fact: ClassVar[type] = np.int8

    def observe(self, sample):
        if self.word in sample.question:
            raise ValueError("cannot see")
        return 1

    def decide(self, facts, read):
        for place in facts.places:
            if self.word in read(place).question:
                yield place, Drop("was_shown")
'''


@pytest.mark.parametrize("before", ["", "- dedup.near\n"])
@pytest.mark.parametrize("behind", ["", "\n- clean.squeeze_whitespace"])
def test_a_restoration_reaches_a_sample_that_could_not_be_observed(project, before, behind):
    p = with_plugin(project, "blind.py", COUNT, f"{before}- blind.count: {{word: 影子}}{behind}")
    assert run(p.recipe, p.out)["counts"]["quarantined"] == 1
    assert [(e["step"], e["place"]) for e in restore(p.out, "raw.jsonl:3")] == [
        ("blind.count", "raw.jsonl:3")
    ]
    result = run(p.recipe, p.out)
    assert (result["counts"]["kept"], result["counts"]["quarantined"]) == (len(QUESTIONS), 0)
    assert "raw.jsonl:3" in {row["place"] for row in rows_of(p.out / "data" / "index.jsonl")}
    (told,) = [s for s in explain(p.out, "raw.jsonl:3")["steps"] if s["name"] == "blind.count"]
    assert (told["door"], told["reason"]) == ("kept", "restored")
    assert rows_of(p.out / "quarantined.jsonl") == []


def test_the_seconds_of_a_set_step_are_those_of_observing_too(project, monkeypatch):
    p = with_plugin(project, "blind.py", COUNT, "- blind.count: {word: 天鹅}")
    ticks = count()
    for module in ("shard", "writing"):
        monkeypatch.setattr(f"tilth.engine.{module}.perf_counter", lambda: float(next(ticks)))
    found = {step["name"]: step["seconds"] for step in run(p.recipe, p.out)["steps"]}
    # One tick for the chunk that holds all, one for the empty one at the end; deciding adds less than a second.
    assert 1 <= found["blind.count"] < 3
    assert found["write"] == 1

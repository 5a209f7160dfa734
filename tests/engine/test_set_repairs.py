"""A step on the whole set may change texts: the steps after it, the files and the story of the sample show it."""

from __future__ import annotations

from tests.engine.conftest import QUESTIONS, rows_of
from tests.engine.test_driver import with_plugin
from tilth.engine import explain, run

MEND = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tilth.operators.base import operator, set_operator
from tilth.sample import Drop, Proposal, Propose


@set_operator("mend.first")
@dataclass(frozen=True)
class First:
    """Mend the first question."""
    fact: ClassVar[type] = np.int8

    def observe(self, sample):
        return 0

    def decide(self, facts, read):
        sample = read(facts.places[0])
        asked, *others = sample.messages
        mended = sample.replace(messages=(asked.replace(content="改好了"), *others))
        yield sample.place, Propose((Proposal("question", "改好了", "改好了。"),), mended)


@operator("mend.see")
def see(sample):
    """Drop what was mended."""
    return Drop("mended") if sample.question == "改好了" else sample
'''


def test_what_a_set_step_mends_goes_on_mended(project):
    p = with_plugin(project, "mend.py", MEND, "- mend.first")
    found = run(p.recipe, p.out)
    (step,) = (step for step in found["steps"] if step["name"] == "mend.first")
    assert (step["changed"], step["proposed"]) == (1, 1)
    first = rows_of(p.out / "data/train.jsonl")[0]
    assert "改好了" in str(first)
    (told,) = (each for each in explain(p.out, "raw.jsonl:1")["steps"] if each["name"] == "mend.first")
    assert (told["before"], told["after"]) == (QUESTIONS[0], "改好了")


def test_the_steps_behind_see_the_mended_text(project):
    p = with_plugin(project, "mend.py", MEND, "- mend.first\n- mend.see")
    run(p.recipe, p.out)
    (line,) = rows_of(p.out / "dropped.jsonl")
    assert (line["place"], line["reason"]) == ("raw.jsonl:1", "mended")

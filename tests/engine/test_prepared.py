"""What a set step prepared from the samples is found again, and made again where anything it rests on has changed."""

from __future__ import annotations

import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of
from tests.engine.test_driver import with_plugin
from tilth.engine import run
from tilth.operators.grouped import Grouped

STEPS = "- dedup.exact\n- split.grouped: {train: 0.5, test: 0.5}"
ASKED = [*QUESTIONS, *(f"请问，{question}" for question in QUESTIONS[:6])]


@pytest.fixture
def prepared(monkeypatch):
    """Has an entry for each time that groups were looked for: the history that was shown."""
    calls, make = [], Grouped.prepare

    def counted(self, facts, read):
        calls.append(dict(facts.history))
        return make(self, facts, read)

    monkeypatch.setattr(Grouped, "prepare", counted)
    return calls


def outcome(folder):
    return [path.read_bytes() for path in sorted(folder.glob("data/*.jsonl"))]


@pytest.mark.parametrize(
    "settings",
    ["train: 0.5, test: 0.5, seed: 43", "train: 0.7, test: 0.3", "train: 0.5, test: 0.5, by: answer_from"],
)
def test_another_seed_or_share_or_stratum_looks_for_no_groups(project, prepared, settings):
    p = project(lines(map(record, ASKED)), STEPS)
    run(p.recipe, p.out)
    before = outcome(p.out)
    p.recipe.write_text(p.recipe.read_text("utf-8").replace("train: 0.5, test: 0.5", settings), "utf-8")
    run(p.recipe, p.out)
    assert len(prepared) == 1
    if "seed" in settings:
        fresh = p.folder / "fresh"
        run(p.recipe, fresh)
        assert outcome(p.out) == outcome(fresh) != before


def test_a_changed_sample_does(project, prepared):
    p = project(lines(map(record, ASKED)), STEPS)
    run(p.recipe, p.out)
    (p.folder / "raw.jsonl").write_text(
        lines(map(record, [*ASKED[:-1], "今天的风是不是昨天的风？"])), "utf-8"
    )
    run(p.recipe, p.out)
    assert prepared == [{}, {}], "twice, and nobody showed it the sides of the first run"


def test_a_step_before_it_that_drops_others_does(project, prepared):
    p = project(lines(map(record, [*ASKED, ASKED[0]])), STEPS)
    run(p.recipe, p.out)
    p.recipe.write_text(
        p.recipe.read_text("utf-8").replace("- dedup.exact\n", "- dedup.near: {threshold: 0.5}\n")
    )
    run(p.recipe, p.out)
    assert len(prepared) == 2


@pytest.mark.parametrize("harm", ["flipped", "cut", "gone", "no JSON", "no mark"])
def test_a_file_that_is_not_whole_is_made_again(project, prepared, harm):
    p = project(lines(map(record, ASKED)), STEPS)
    run(p.recipe, p.out)
    first = outcome(p.out)
    path = p.out / "steps" / "stage-01" / "prepared-split.grouped.npy"
    whole = path.read_bytes()
    if harm == "flipped":
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif harm == "cut":
        path.write_bytes(whole[:-8])
    elif harm == "gone":
        path.unlink()
    else:
        mark = path.with_suffix(".json")
        mark.write_text("{" if harm == "no JSON" else "[1]", "utf-8")
    for verdicts in path.parent.glob("verdicts-split.grouped.*"):
        verdicts.unlink()
    (p.out / "steps" / "done.json").unlink()
    run(p.recipe, p.out)
    assert len(prepared) == 2
    assert (outcome(p.out), path.read_bytes()) == (first, whole)


COUNT = '''
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from tilth.operators.base import set_operator
from tilth.sample import Drop


@set_operator("mine.longest")
@dataclass(frozen=True)
class Longest:
    """Drop what is longest."""
    word: str = ""
    reason: str = "long"
    calls: str = ""
    fact: ClassVar[type] = np.int64
    prepares: ClassVar[tuple[str, ...]] = ("word",)

    def observe(self, sample):
        return len(sample.question) + 100 * (self.word in sample.question)

    def prepare(self, facts, read):
        with Path(self.calls).open("a") as handle:
            handle.write(self.word)
        return np.argsort(facts.rows)[-1:]

    def decide(self, facts, read):
        yield facts.places[int(facts.prepared[0])], Drop(self.reason)
'''


def test_an_operator_of_ones_own_names_the_settings_that_count(project, tmp_path):
    calls = tmp_path / "calls"
    step = f"- mine.longest: {{calls: {calls.as_posix()}, word: 鱼, reason: long}}"
    p = with_plugin(project, "mine.py", COUNT, step)
    for word, reason, expected in [("鱼", "long", "鱼"), ("鱼", "tall", "鱼"), ("钟", "tall", "鱼钟")]:
        text = p.recipe.read_text("utf-8")
        start = text.index("word: ")
        end = text.index("}", start)
        p.recipe.write_text(f"{text[:start]}word: {word}, reason: {reason}{text[end:]}", "utf-8")
        run(p.recipe, p.out)
        (dropped,) = rows_of(p.out / "dropped.jsonl")
        assert (dropped["reason"], word in dropped["sample"]["messages"][0]["content"]) == (reason, True)
        assert calls.read_text() == expected

"""Samples that a step makes: kept, or turned down by the step itself, and counted either way."""

from __future__ import annotations

import pytest

from tests.engine.conftest import QUESTIONS, lines, record, rows_of
from tilth.engine import restore, run

PLUGIN = '''
from tilth.operators.base import operator
from tilth.sample import Drop, Made, Message, Sample


@operator("mine.pair")
def pair(sample: Sample, *, keep_source: bool = True) -> list:
    """Make a good and a bad sample of each."""
    good = Made((Message("user", sample.question + "吗"), Message("assistant", sample.answer)))
    bad = Made(sample.messages, drop=Drop("augmented_copy", {"similarity": 1.0}))
    return [*([sample] if keep_source else []), good, bad]
'''


@pytest.fixture
def p(project):
    made = project(lines(map(record, QUESTIONS)), "- mine.pair")
    (made.folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    recipe = made.recipe.read_text(encoding="utf-8").replace("data:", "plugins: [mine.py]\ndata:", 1)
    made.recipe.write_text(recipe, encoding="utf-8")
    return made


def test_what_a_step_turns_down_is_made_and_dropped(p):
    counts = run(p.recipe, p.out)["counts"]
    assert (counts["taken"], counts["made"], counts["kept"], counts["dropped"]) == (12, 24, 24, 12)
    line = rows_of(p.out / "dropped.jsonl")[0]
    assert (line["place"], line["reason"]) == ("raw.jsonl:1/mine.pair#1", "augmented_copy")
    assert line["sample"]["family"] == rows_of(p.out / "data" / "index.jsonl")[0]["id"]


def test_a_made_sample_that_was_turned_down_can_be_restored(p):
    run(p.recipe, p.out)
    restore(p.out, "raw.jsonl:1/mine.pair#1")
    assert run(p.recipe, p.out)["counts"]["kept"] == 25


def test_a_source_is_used_up_where_it_is_not_given_back_also_if_nothing_of_it_was_kept(p):
    counts = run(p.recipe, p.out, assignments=["data.steps=[{mine.pair: {keep_source: false}}]"])["counts"]
    assert (counts["made"], counts["kept"], counts["dropped"]) == (24, 12, 24)
    reasons = {row["reason"] for row in rows_of(p.out / "dropped.jsonl")}
    assert reasons == {"augmented_copy", "used_as_source"}

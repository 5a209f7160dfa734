"""A real effect of a real training: held-out loss falls, and not less with the right answers than with shuffled ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.effect.study import study

pytestmark = [pytest.mark.slow, pytest.mark.train]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "brain-teasers" / "recipe.yaml"


def holds(effect):
    assert effect.true.after < effect.true.before
    assert effect.true.interval.high < 0
    assert effect.interval.high >= 0
    assert len(effect.true.rows) == len(effect.shuffled.rows) > 20


def test_on_the_example(tmp_path):
    holds(study(str(EXAMPLE), [], tmp_path))


@pytest.mark.real_data
def test_on_the_tutorials_240_rows(tmp_path, real_data):
    holds(study("ruozhiba", [f"data.from={real_data}/tutorial_camp2/ruozhiba_raw.jsonl"], tmp_path))

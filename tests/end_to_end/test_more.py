"""The example `more`: what a model made is gated, counted, explained, and stays with its family."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tilth.engine import explain, run
from tilth.store.files import read_json, read_jsonl

EXAMPLE = Path(__file__).parents[2] / "examples" / "more"


@pytest.fixture
def out(tmp_path):
    recipe = Path(shutil.copytree(EXAMPLE, tmp_path / "more")) / "recipe.yaml"
    found = run(recipe, tmp_path / "run")
    assert found["counts"] == {
        "taken": 4, "made": 16, "blank": 0, "kept": 15, "dropped": 5, "quarantined": 0, "held": 0
    }  # fmt: skip
    return tmp_path / "run"


def test_copies_and_lost_traps_are_dropped_with_evidence(out):
    gone = list(read_jsonl(out / "dropped.jsonl"))
    assert sorted(line["reason"] for line in gone) == ["augmented_copy"] * 2 + ["lost_meaning"] * 3
    assert all(line["evidence"] for line in gone)


def test_a_family_stays_on_one_side(out):
    sides = {}
    for line in read_jsonl(out / "data" / "index.jsonl"):
        sides.setdefault(line["family"] or line["id"], set()).add(line["split"])
    assert len(sides) == 4
    assert all(len(found) == 1 for found in sides.values())


def test_explain_tells_what_was_made_from_what_and_by_whom(out):
    life = explain(out, "pairs.jsonl:1/augment.paraphrase#0")
    assert life["door"] == "kept"
    line = next(row for row in read_jsonl(out / "data" / "index.jsonl") if row["place"] == life["place"])
    assert line["family"] == explain(out, "pairs.jsonl:1")["id"]


def test_the_report_says_what_the_made_samples_add(out):
    rows = {row["group"]: row for row in read_json(out / "report" / "data.json")["diversity"]}
    assert set(rows) == {"sources", "augment.paraphrase", "augment.self_instruct", "together"}
    assert rows["together"]["samples"] == 15

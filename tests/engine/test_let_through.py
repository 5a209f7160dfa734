"""A sample that another step than a person's holds is let through by whoever decides about it."""

from __future__ import annotations

import json

import pytest

from tilth.engine import explain, run
from tilth.review.room import Room, Wish
from tilth.store.decisions import event
from tilth.store.files import read_jsonl
from tilth.store.folder import RunFolder

DOUBT = """from tilth.operators.base import operator
from tilth.sample import Hold, Sample


@operator("ours.doubt")
def doubt(sample: Sample, *, mark: str = "问") -> Sample | Hold:
    \"\"\"Hold what a judge would doubt.\"\"\"
    return Hold("not_helpful") if mark in sample.question else sample
"""
RECIPE = """name: doubt
plugins: [ours.py]
data:
  from: raw.jsonl
  format: alpaca
  steps:
    - clean.squeeze_whitespace
    - ours.doubt
  to: openai
"""


@pytest.fixture
def folder(tmp_path):
    rows = [{"instruction": f"问{n}  个", "input": "", "output": f"答{n}"} for n in range(4)]
    (tmp_path / "raw.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    (tmp_path / "ours.py").write_text(DOUBT, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    run(tmp_path / "recipe.yaml", tmp_path / "run", workers=1)
    return RunFolder(tmp_path / "run")


def decide(folder):
    """Accept, edit, reject and flag, in this order."""
    room = Room(folder)
    cases, _ = room.refresh()
    text = [{"role": "user", "content": "问"}, {"role": "assistant", "content": "改"}]
    for case, verdict in zip(room.queue(Wish()), ("accept", "edit", "reject", "flag"), strict=True):
        more = {
            "content_hash": cases.content(case),
            "step": case.step,
            "messages": text if verdict == "edit" else None,
        }
        room.take([event(case.id, verdict, **more)])


def test_accepted_and_edited_go_on_and_rejected_are_dropped(folder):
    assert folder.read_run()["counts"]["held"] == 4
    decide(folder)
    found = run(folder.path.parent / "recipe.yaml", folder.path, workers=1)
    assert [found["counts"][door] for door in ("kept", "dropped", "held")] == [2, 1, 1]
    lines = [json.loads(line) for line in folder.side("train").read_text(encoding="utf-8").splitlines()]
    assert [line["messages"][1]["content"] for line in lines] == ["答0", "改"]
    (gone,) = read_jsonl(folder.door("dropped"))
    assert (gone["step"], gone["reason"]) == ("people@ours.doubt", "rejected_by_person")
    told = explain(folder.path, "raw.jsonl:1")
    assert "restored" in [step["reason"] for step in told["steps"] if step["name"] == "ours.doubt"]
    assert told["note"] == ""


def test_a_decision_speaks_of_one_text_alone(folder):
    decide(folder)
    recipe = folder.path.parent / "recipe.yaml"
    recipe.write_text(RECIPE.replace("    - clean.squeeze_whitespace\n", ""), encoding="utf-8")
    found = run(recipe, folder.path, workers=1)
    assert [found["counts"][door] for door in ("kept", "dropped", "held")] == [0, 0, 4]

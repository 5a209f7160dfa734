"""Two versions of the data, each really trained on, and the comparison of both models as a user types it."""

from __future__ import annotations

import json

import pytest
import yaml
from typer.testing import CliRunner

from tests.evaluation.test_local import write_base
from tilth.cli.app import app
from tilth.store.files import write_jsonl, write_text

pytestmark = [pytest.mark.slow, pytest.mark.train]
THINGS = "水火山云雨雪风雷树花鸟鱼"


def tilth(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def row(thing, ending=""):
    return {
        "instruction": f"请问{thing}为什么会自己动呢？",
        "input": "",
        "output": f"{thing}不会自己动，是别的东西在推它。{ending}",
    }


@pytest.fixture
def versions(tmp_path, monkeypatch):
    """`runs/v1` learned from the first nine questions; `runs/v2` from others, one of them answered anew."""
    monkeypatch.chdir(tmp_path)
    write_base(tmp_path / "base")
    rows = [row(thing) for thing in THINGS]
    newer = [row("水", "真的。"), *rows[4:], row("石"), *rows[1:4]]
    for name, records in (("v1", rows), ("v2", newer)):
        write_jsonl(tmp_path / f"{name}.jsonl", records)
        recipe = {
            "name": name,
            "data": {
                "from": f"{name}.jsonl",
                "format": "alpaca",
                "steps": [{"split.head_tail": {"train": 0.75}}],
            },
            "train": {"base_model": "base", "epochs": 1, "batch_size": 4, "learning_rate": 0.01},
            "compare": {"general": None, "generation": {"max_new_tokens": 8}},
        }
        write_text(tmp_path / f"{name}.yaml", yaml.safe_dump(recipe))
        tilth("run", f"{name}.yaml")
        tilth("train", f"runs/{name}")
    return tmp_path


def test_the_newer_model_is_held_against_the_older(versions):
    numbers = json.loads(tilth("compare", "runs/v2", "--before", "runs/v1", "--json"))
    protocol = json.loads((versions / "runs/v2/report/protocol.json").read_text("utf-8"))
    assert [protocol[side]["name"] for side in ("before", "after")] == ["v1", "v2"]
    assert numbers["questions"] == 4
    older = {leak["question"] for leak in numbers["leaks"] if leak["older"]}
    assert "请问火为什么会自己动呢？" in older, "the older model learned it"
    assert numbers["heldout"] is None or numbers["heldout"]["left_out"] == len(older)
    assert numbers["versions"]["changed"] + numbers["versions"]["added"] >= 2
    said = tilth("compare", "runs/v2", "--before", "runs/v1")
    assert "the older version, from which the model before learned" in said
    answers = (versions / "runs/v2/report/answers.jsonl").read_bytes()
    assert json.loads(tilth("compare", "runs/v2", "--again", "--json")) == numbers
    assert (versions / "runs/v2/report/answers.jsonl").read_bytes() == answers
    tilth("compare", "runs/v1")
    both = json.loads(tilth("diff", "runs/v1", "runs/v2", "--json"))
    assert both["changed"] or both["added"]

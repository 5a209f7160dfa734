"""The shipped recipe `augment`: questions only, drafts, a judge, people, a training file; without a network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest
import yaml
from typer.testing import CliRunner

from tests.test_documents import ROOT, blocks, commands, page
from tilth.cli.app import app
from tilth.engine import run
from tilth.operators.base import OPERATORS
from tilth.recipe.check import shipped_text
from tilth.sample import Sample
from tilth.store.decisions import append, content_hash, event
from tilth.store.files import read_jsonl

EXAMPLE = Path(__file__).parents[2] / "examples" / "questions"


@pytest.fixture
def example(tmp_path):
    return Path(shutil.copytree(EXAMPLE, tmp_path / "questions"))


def decide(out, verdicts):
    """One person decides about everything that is held: by place, else accept."""
    events = []
    for line in read_jsonl(out / "held.jsonl"):
        sample = msgspec.convert(line["sample"], Sample)
        verdict = verdicts.get(line["place"], "accept")
        events.append(
            event(sample.id, verdict, content_hash=content_hash(sample), step=line["step"], messages=None)
        )
    append(out / "decisions.jsonl", events)


def test_questions_become_a_training_file(example):
    out = example / "out"
    found = run(example / "recipe.yaml", out)
    assert found["status"] == "waiting"
    assert [step["reasons"] for step in found["steps"] if step["reasons"]] == [
        {"not_harmless": 1},
        {"waiting_for_person": 11},
    ]
    assert found["models"]["teacher"]["requests"] == found["models"]["judge"]["requests"] == 12
    decide(out, {"questions.jsonl:8": "reject"})
    found = run(example / "recipe.yaml", out)
    assert (found["status"], found["counts"]["kept"], found["counts"]["dropped"]) == ("done", 10, 2)
    assert all(row["sent"] == 0 for row in found["timings"]["models"].values())
    rows = [row for side in ("train", "test") for row in read_jsonl(out / f"data/{side}.jsonl")]
    assert all(row["messages"][-1]["role"] == "assistant" for row in rows)
    assert found["models"]["teacher"]["cost_per_kept"] > 0


def test_the_example_is_the_shipped_recipe_with_other_models():
    shipped = yaml.safe_load(shipped_text("augment"))
    example = yaml.safe_load((EXAMPLE / "recipe.yaml").read_text(encoding="utf-8"))
    assert (shipped.pop("name"), example.pop("name")) == ("augment", "questions")
    assert list(shipped.pop("models")) == list(example.pop("models")) == ["teacher", "judge"]
    assert shipped == example


def test_the_guide_says_what_happens(example, monkeypatch):
    guide = page(ROOT / "docs/how-to/ask-models.md")
    monkeypatch.chdir(example.parent)
    (example.parent / "examples").mkdir()
    example.rename(example.parent / "examples/questions")
    runner = CliRunner()
    done = runner.invoke(app, ["run", "examples/questions/recipe.yaml"])
    assert done.exit_code == 3
    assert blocks(guide, "text")[0].strip() in done.stdout
    said = [runner.invoke(app, words) for words in commands(guide)]
    assert [one.exit_code for one in said] == [0, 0, 0]
    assert "teacher: 0 calls and 12 answers at hand" in said[0].stdout
    assert len(list(read_jsonl(Path("requests.jsonl")))) == 24
    monkeypatch.setattr(OPERATORS, "_items", dict(OPERATORS))
    exec(compile(blocks(guide, "python")[0], "guide", "exec"), {"__name__": "guide"})
    assert OPERATORS.get("title.make").kind == "model"


@pytest.mark.real_data
def test_titles_of_a_forum_are_drafted_judged_and_held(real_data, example):
    titles = json.loads((real_data / "ruozhiba_tieba/ruozhiba-title-good.json").read_text(encoding="utf-8"))[
        :200
    ]
    rows = [{"question": row["title"]} for row in titles]
    (example / "questions.jsonl").write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
    )
    with (example / "script.jsonl").open("a", encoding="utf-8") as handle:
        handle.write(json.dumps({"say": "这是一个玩笑，字面和实际并不是一回事。"}, ensure_ascii=False) + "\n")
    found = run(example / "recipe.yaml", example / "out")
    counts = found["counts"]
    assert (counts["taken"], counts["kept"], counts["quarantined"]) == (200, 0, 0)
    assert counts["held"] + counts["dropped"] == 200
    assert counts["held"] > 150
    assert found["models"]["teacher"]["requests"] == found["models"]["judge"]["requests"] == counts["held"]

"""The journey over a folder as the tutorial's model has it: run, train, merge, compare, chat and serve, without its code."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from tests.internlm2 import make_internlm2
from tilth.cli.app import app
from tilth.store.files import read_jsonl, write_jsonl, write_text

pytestmark = [pytest.mark.slow, pytest.mark.train]
TILTH = [sys.executable, "-m", "tilth.cli.app"]
QUESTION = "水和冰都会结冰吗？"


def tilth(*arguments, said=None):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments], input=said)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run over sixteen questions, its model trained and merged."""
    folder = tmp_path_factory.mktemp("internlm2")
    make_internlm2(folder / "base", max_position_embeddings=256)
    rows = [
        {"instruction": f"{thing}和冰都会结冰吗？", "input": "", "output": f"{thing}会，冰已经是了。"}
        for thing in "水天今气我们公园你请问几点用兑得"
    ]
    write_jsonl(folder / "raw.jsonl", rows)
    document = {
        "name": "ice",
        "data": {
            "from": "raw.jsonl",
            "format": "alpaca",
            "steps": [{"split.head_tail": {"train": 0.75}}],
        },
        "train": {"base_model": "base", "epochs": 3, "batch_size": 4, "learning_rate": 0.02},
        "compare": {"general": None, "generation": {"max_new_tokens": 12}},
    }
    write_text(folder / "recipe.yaml", yaml.safe_dump(document))
    made = folder / "run"
    tilth("run", folder / "recipe.yaml", "--out", made)
    tilth("train", made)
    return made


def test_what_was_learned_shows_before_and_after(run):
    numbers = json.loads(tilth("compare", run, "--json"))
    assert (numbers["questions"], numbers["heldout"]["unit"]) == (4, "token")
    assert numbers["heldout"]["interval"][1] < 0, "sentences of one pattern are learned in three passes"
    answers = list(read_jsonl(run / "report" / "answers.jsonl"))
    assert {answer["state"] for answer in answers} <= {"done", "truncated"}
    base, adapter = run.parent / "base", run / "model" / "adapter"
    named = json.loads(tilth("compare", run, "--before", base, "--after", adapter, "--json"))
    assert named["heldout"] == numbers["heldout"], "the original folder is the base"


def test_the_merged_model_talks_as_the_adapter_does(run):
    merged = json.loads(tilth("merge", run, "--json"))
    assert merged["difference"] < 1e-3
    both = tilth("chat", run, "--max-new-tokens", 12, said=f"/tuned\n{QUESTION}\n")
    alone = tilth("chat", merged["path"], "--max-new-tokens", 12, said=f"{QUESTION}\n")
    assert re.search(r"[一-鿿]", alone)
    assert alone.splitlines()[-1] == both.splitlines()[-1].removeprefix("[tuned] ")


def test_both_sides_are_served(run):
    openai = pytest.importorskip("openai")
    serving = subprocess.Popen([*TILTH, "serve", str(run), "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert serving.stderr is not None
        address = next(found[0] for line in serving.stderr if (found := re.search(r"http://\S+", line)))
        with openai.OpenAI(base_url=address, api_key="none", max_retries=0) as client:
            assert {model.id for model in client.models.list()} == {"base", "tuned"}
            said = [
                client.chat.completions.create(
                    model=name, messages=[{"role": "user", "content": QUESTION}], temperature=0, max_tokens=12
                )
                for name in ("base", "tuned")
            ]
    finally:
        serving.kill()
        serving.communicate()
    texts = [answer.choices[0].message.content for answer in said]
    assert texts[0] != texts[1]
    assert all(answer.usage.completion_tokens > 0 for answer in said)

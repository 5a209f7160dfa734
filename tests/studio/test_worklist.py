"""What a comparison of real models says about the data comes to the review desk, also to one that is open."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.browser.runs import RECIPE, small_run
from tests.evaluation.test_local import write_adapter, write_base
from tests.loopback import running
from tilth.evaluation.studies import compare_run
from tilth.recipe.schema import Compare, GenerationSettings, Train
from tilth.store.files import read_jsonl, write_json
from tilth.studio import app, chat
from tilth.training.base import Job
from tilth.training.data import file_digest

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),  # peft asks for it
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of 20 records with a model of random weights, and random changes to it as its training."""
    run = small_run(tmp_path_factory.mktemp("compared"), 20, RECIPE + "train: {base_model: tiny}\n")
    write_base(run.model / "base")
    write_adapter(run.model / "base", run.model / "adapter")
    data = "../data/train.jsonl", None, "../data/index.jsonl"
    Job(Train(base_model="tiny"), "base", "openai", *data, file_digest(run.side("train")), "k").save(
        run.model
    )
    write_json(run.model / "done.json", {"key": "k", "kind": "adapter"})
    return run


def ask(client, **more):
    return client.post("/api/review/next", json={"person": "小李", "queue": "worklist", **more}).json()


def test_the_work_list_of_a_comparison_is_a_queue_of_the_open_desk(trained):
    with running(app(trained)) as url, httpx.Client(base_url=url) as client:
        assert ask(client)["records"] == []
        settings = Compare(general=None, generation=GenerationSettings(max_new_tokens=4))
        compare_run(trained, settings)
        listed = [line["id"] for line in read_jsonl(trained.worklist) if line["kind"] == "sample"]
        assert listed
        assert [record["id"] for record in ask(client)["records"]] == listed
        assert f"From the comparison <b>{len(listed)}</b>" in client.get("/review?lang=en").text


def test_both_models_answer_in_the_chat(trained, monkeypatch):
    monkeypatch.setattr(chat, "TOKENS", 8)
    with running(app(trained)) as url, httpx.Client(base_url=url, timeout=60) as client:
        for side in ("base", "tuned"):
            asked = {"side": side, "messages": [{"role": "user", "content": "猫？"}]}
            said = client.post("/api/chat", json=asked).text.splitlines()
            pieces = [json.loads(line) for line in said]
            assert pieces[-1]["state"] in ("done", "truncated")

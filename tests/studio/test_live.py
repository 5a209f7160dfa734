"""A training that goes on while somebody looks, and a chat with the model it makes."""

from __future__ import annotations

import json
import shutil

import httpx
import pytest

from tests.loopback import running
from tilth.models.scripted import ScriptedModel
from tilth.serving.desk import Desk
from tilth.store.files import json_line, read_jsonl
from tilth.store.folder import RunFolder
from tilth.studio import app, training
from tilth.studio.chat import Speakers


@pytest.fixture
def studio(folder, tmp_path):
    shutil.copytree(folder.path, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    with running(app(run)) as url, httpx.Client(base_url=url) as client:
        yield run, client


def test_news_come_when_a_step_is_logged(studio, monkeypatch):
    run, client = studio
    monkeypatch.setattr(training, "LOOK_S", 0.02)
    with client.stream("GET", "/api/training/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": listening"
        with (run.model / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json_line({"step": 6, "loss": 0.125}))
        assert next(line for line in lines if line.startswith("event")) == "event: news"
    page = client.get("/training?lang=en").text
    assert "3.000 → 0.125" in page
    assert 'id="live"' in page


def test_a_line_being_written_is_left_out(studio):
    run, client = studio
    with (run.model / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"step": 7, "lo')
    assert "3.000 → 0.600" in client.get("/training?lang=en").text


@pytest.fixture
def speaking(monkeypatch):
    """Desks of scripted models in place of trained ones."""
    desks = {side: Desk(ScriptedModel({"猫？": f"{side}喵"}, name=side)) for side in ("base", "tuned")}
    monkeypatch.setattr(Speakers, "desk", lambda self, side: desks[side])
    yield
    for desk in desks.values():
        desk.close()


def test_an_answer_streams_and_an_exchange_is_kept_once(studio, speaking):
    run, client = studio
    asked = {"side": "tuned", "messages": [{"role": "user", "content": "猫？"}]}
    pieces = [json.loads(line) for line in client.post("/api/chat", json=asked).text.splitlines()]
    assert "".join(piece.get("text", "") for piece in pieces) == "tuned喵"
    assert pieces[-1]["state"] == "done"
    kept = {
        **asked,
        "event_id": "0123456789ab",
        "messages": [*asked["messages"], {"role": "assistant", "content": "tuned喵"}],
    }
    assert [client.post("/api/chat/save", json=kept).json() for _ in range(2)] == [{"kept": 1}] * 2
    (line,) = read_jsonl(run.chats)
    assert [m["content"] for m in line["messages"]] == ["猫？", "tuned喵"]
    found = client.post("/api/review/next", json={"person": "小李", "queue": "chats"}).json()
    assert [m["content"] for m in found["records"][0]["messages"]] == ["猫？", "tuned喵"]
    assert (found["records"][0]["link"], found["progress"]["samples"]) == ("", 1)
    assert "From the chat <b>1</b>" in client.get("/review?queue=chats&lang=en").text


@pytest.mark.parametrize(
    "change",
    [
        {"side": "both"},
        {"messages": []},
        {"messages": ["猫"]},
        {"messages": [{"role": "root", "content": ""}]},
    ],
)
def test_a_wrong_request_is_refused_in_words(studio, speaking, change):
    _, client = studio
    asked = {"side": "tuned", "messages": [{"role": "user", "content": "猫？"}], **change}
    answer = client.post("/api/chat", json=asked)
    assert (answer.status_code, bool(answer.json()["error"])) == (400, True)


def test_a_run_that_is_not_trained_says_so(studio):
    _, client = studio
    answer = client.post(
        "/api/chat", json={"side": "base", "messages": [{"role": "user", "content": "猫？"}]}
    )
    assert answer.status_code == 409
    assert "no finished training" in answer.json()["error"]

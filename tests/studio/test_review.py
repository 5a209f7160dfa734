"""The addresses behind the review desk: what they take, what they refuse, and that nothing counts twice."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.browser.runs import EVIL, held_run
from tests.loopback import running
from tilth.store.decisions import read_log
from tilth.studio import app


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    return held_run(tmp_path_factory.mktemp("held"), 5)


@pytest.fixture(scope="module")
def desk(held):
    with running(app(held)) as url, httpx.Client(base_url=url) as client:
        yield client


def ask(desk, **body):
    return desk.post("/api/review/next", json={"person": "小李", "queue": "held", **body})


def decision(record, **more):
    return {
        "event_id": "0123456789abcdef", "sample_id": record["id"], "content_hash": record["hash"], "person": "小李",
        "verdict": "accept", "messages": None, "scores": None, "note": "", "ms": 1200, "time": "2026-11-25T09:30:00.123Z", **more,
    }  # fmt: skip


def test_records_come_with_text_source_and_progress(desk):
    found = ask(desk).json()
    first = found["records"][0]
    assert (first["place"], first["step"], first["reason"]) == (
        "raw.jsonl:1",
        "annotate.person",
        "waiting_for_person",
    )
    assert [m["role"] for m in first["messages"]] == ["user", "assistant"]
    assert ["copyright", "ours"] in first["facts"]
    assert found["progress"]["samples"] == 5


def test_a_decision_sent_twice_is_one(desk, held):
    record = ask(desk).json()["records"][-1]
    one = {"events": [decision(record)]}
    assert desk.post("/api/review/decide", json=one).json() == {"saved": 1, "new": 1}
    assert desk.post("/api/review/decide", json=one).json() == {"saved": 1, "new": 0}
    (event,) = read_log(held.decisions)
    assert (event["time"], event["step"]) == ("2026-11-25T09:30:00+00:00", "annotate.person")
    assert list(event)[:10] == [
        "event_id", "sample_id", "content_hash", "person", "verdict", "messages", "scores", "note", "ms", "time",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "perhaps"}, {"event_id": "../../x"}, {"sample_id": EVIL}, {"person": " "}, {"person": "x" * 61},
        {"verdict": "edit"}, {"verdict": "edit", "messages": [{"role": "nobody", "content": "x"}]},
        {"scores": {"helpful": 6}}, {"scores": {"helpful": True}}, {"ms": -1}, {"time": "yesterday"}, {"note": "\ud800"},
        {"verdict": "undo"}, {"verdict": "undo", "undoes": "0123456789abcdef", "person": "\ud800"}, {"proposal": {"field": "answer"}},
    ],
)  # fmt: skip
def test_what_is_no_decision_is_refused_in_words_and_not_written(desk, held, wrong):
    before = held.decisions.read_bytes() if held.decisions.exists() else b""
    record = ask(desk, keys=[]).json()["records"][0]
    good = decision(record, event_id="feedfeedfeedfeed")
    body = json.dumps({"events": [good, decision(record, **wrong)]})
    answer = desk.post("/api/review/decide", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert (
        "this is no decision" in answer.json()["error"]
        or "half of a character pair" in answer.json()["error"]
    )
    assert (held.decisions.read_bytes() if held.decisions.exists() else b"") == before


@pytest.mark.parametrize(
    "body", [{"person": ""}, {"person": 1}, {"have": "x"}, {"keys": [1]}, {"queue": EVIL, "person": " "}]
)
def test_a_request_of_another_form_is_refused(desk, body):
    assert ask(desk, **body).status_code == 400


@pytest.mark.parametrize("events", [None, {}, [1], [{}] * 101])
def test_events_are_a_list_of_a_bounded_length(desk, events):
    assert desk.post("/api/review/decide", json={"events": events}).status_code == 400


def test_odd_addresses_give_the_page_all_the_same(desk):
    for query in (
        f"queue={EVIL}",
        "wanted=x&share=nan&seed=1e99",
        f"step={EVIL}",
        "queue=spot&share=-5",
        "blind=1&queue=disputed",
    ):
        answer = desk.get(f"/review?{query}")
        assert answer.status_code == 200, query
        assert EVIL not in answer.text


def test_unknown_keys_are_left_out(desk):
    assert ask(desk, keys=["nothing"]).json()["records"] == []

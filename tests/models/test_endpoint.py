"""A model behind a real server on loopback that does everything servers do, good and bad."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.chat_server import Act, completion, fail, give, playing, say
from tilth.errors import UserError
from tilth.models.base import Generation, Reply, Request
from tilth.models.endpoint import EndpointModel
from tilth.models.settings import Endpoint
from tilth.models.structured import Structured
from tilth.operators.judging import Judged
from tilth.sample import Message

pytest.importorskip("openai")
QUESTION = Request((Message("system", "你是助手"), Message("user", "水湿吗？")))


def settings(url, **more):
    return Endpoint(**{"kind": "endpoint", "base_url": url, "name": "m", "retries": 1, **more})


def ask(url, *requests, structured=False, **more):
    async def go():
        model = EndpointModel(settings(url, **more))
        asked = Structured(model) if structured else model
        try:
            return await asyncio.gather(*(asked.answer(r) for r in requests or (QUESTION,)))
        finally:
            await model.close()

    return asyncio.run(go())


def script(*acts):
    """Play the acts in turn, the last one again and again."""
    return lambda body, n: acts[min(n, len(acts) - 1)]


GOOD = say("不湿。")


@pytest.mark.parametrize(
    ("acts", "requests", "reply"),
    [
        ((GOOD,), 1, Reply("不湿。", "done", "", 7, 3)),
        ((fail(429), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((fail(500), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((fail(503), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((say("不湿。", cut=True), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((Act(b'{"choices": [{"mess'), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((give({**completion("x"), "choices": []}), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((give({"answer": "不湿"}), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((give(completion("")), GOOD), 2, Reply("不湿。", "done", "", 7, 3)),
        ((give(completion(None, refusal="不便回答")),), 1, Reply("", "refused", "不便回答", 7, 3)),
        ((give(completion("半", "content_filter")),), 1, Reply("半", "refused", "the server's filter stopped the answer", 7, 3)),
        ((give(completion("水是", "length")),), 1, Reply("水是", "truncated", "the answer reached max_tokens", 7, 3)),
        ((say("<think>嗯</think>\n不湿。"),), 1, Reply("不湿。", "done", "", 7, 3, thinking="嗯")),
        ((say("嗯\n</think>\n\n不湿。"),), 1, Reply("不湿。", "done", "", 7, 3, thinking="嗯")),
        ((say("<think>嗯"),), 1, Reply("", "truncated", "the answer ended before the thinking did", 7, 3, thinking="嗯")),
        ((give(completion("<think>嗯", "length")),), 1, Reply("", "truncated", "the answer reached max_tokens", 7, 3, thinking="嗯")),
        ((give(completion("不湿。", reasoning_content=" 嗯\ud800 ")),), 1, Reply("不湿。", "done", "", 7, 3, thinking="嗯?")),
        ((give(completion(None, reasoning="嗯")),), 1, Reply("", "truncated", "the answer ended before the thinking did", 7, 3, thinking="嗯")),
        ((say("标签 <think> 和 </think> 成对出现。"),), 1, Reply("标签 <think> 和 </think> 成对出现。", "done", "", 7, 3)),
        ((give(completion("坏\ud800")),), 1, Reply("坏?", "done", "", 7, 3)),
        ((say("长" * 350_000),), 1, Reply("长" * 350_000, "done", "", 7, 3)),
    ],
)  # fmt: skip
def test_how_a_request_ends(acts, requests, reply):
    with playing(script(*acts)) as (server, url):
        assert ask(url) == [reply]
    assert len(server.seen) == requests


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (fail(500, "boom"), "the server answered 500: Error code: 500"),
        (say("慢", wait_s=5), "no answer within 1 seconds"),
        (say("不湿。", drip_s=0.05), "no answer within 1 seconds"),
        (say("不湿。", cut=True), "cannot talk to 127.0.0.1"),
        (
            Act(b"<html>hello</html>", headers={"content-type": "text/html"}),
            "the server sent no answer of the chat API",
        ),
        (Act(b"{", headers={}), "the server sent no answer of the chat API"),
        (Act(b"[" * 200_000, headers={}), "the server sent no answer of the chat API"),
        (give([1, 2]), "the server's answer holds no choice"),
        (give({"choices": ["x"]}), "the server's answer holds no choice"),
    ],
)
def test_a_fault_that_stays_fails_after_the_last_attempt(act, why):
    with playing(script(act)) as (server, url):
        (reply,) = ask(url, timeout_s=1 if act.wait_s or act.drip_s else 60)
    assert (reply.state, reply.reason[: len(why)]) == ("failed", why)
    assert len(server.seen) == 2


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    (reply,) = ask(f"http://127.0.0.1:{port}/v1")
    assert reply.state == "failed"
    assert reply.reason.startswith(f"cannot talk to 127.0.0.1:{port}: ")


def test_https_to_a_server_that_speaks_none():
    with playing(script(GOOD)) as (_, url):
        (reply,) = ask(url.replace("http:", "https:"), retries=0)
    assert reply.state == "failed"
    assert reply.reason.endswith("does the server speak https?")


def test_a_pause_that_the_server_asks_for_is_kept_by_all():
    with playing(script(fail(429, retry_after="0.4"), GOOD)) as (server, url):
        replies = ask(url, *[QUESTION] * 4, concurrency=1)
    assert [r.state for r in replies] == ["done"] * 4
    assert server.times[1] - server.times[0] >= 0.39


def test_a_key_that_is_refused_is_not_tried_for_every_sample(monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "sk-very-secret")
    with playing(script(fail(401, "Incorrect API key provided: sk-very-secret"))) as (server, url):
        replies = ask(url, *[QUESTION] * 50, api_key="$TEACHER_KEY", concurrency=2)
    assert {r.state for r in replies} == {"failed"}
    assert len(server.seen) <= 10
    assert server.keys[0] == "Bearer sk-very-secret"
    assert not any("sk-very-secret" in r.reason for r in replies)
    assert "401" in replies[-1].reason


def test_a_request_that_is_wrong_in_itself_is_not_asked_twice_and_stops_no_other():
    def play(body, n):
        return fail(400, "context too long") if n < 12 else GOOD

    with playing(play) as (server, url):
        replies = ask(url, *[QUESTION] * 13, concurrency=1)
    assert [r.state for r in replies] == ["failed"] * 12 + ["done"]
    assert len(server.seen) == 13


def test_json_is_asked_for_and_where_the_server_knows_no_format_by_words_alone():
    def play(body, n):
        if "response_format" in body:
            return fail(400, "response_format is not supported")
        return say('```json\n{"reason": "对", "verdict": "pass"}\n```')

    shaped = Request(QUESTION.messages, shape=Judged)
    with playing(play) as (server, url):
        replies = ask(url, shaped, structured=True) + ask(url, shaped, shaped, structured=True, concurrency=1)
    assert [r.data for r in replies] == [Judged("对", "pass")] * 3
    assert ["response_format" in body for body in server.seen] == [True, False, True, False, False]
    sent = server.seen[0]["response_format"]["json_schema"]
    assert (sent["strict"], sent["schema"]["required"]) == (True, ["reason", "verdict"])


def test_what_is_sent_is_what_the_recipe_says(monkeypatch):
    monkeypatch.setenv("NAME", "big")
    more = {
        "name": "$NAME",
        "temperature": 0.5,
        "max_tokens": 9,
        "top_p": 0.9,
        "extra": {"enable_thinking": False},
    }
    chosen = Request(QUESTION.messages, Generation(5, 0.0, stop=("。",), seed=3), draw=2)
    with playing(script(GOOD)) as (server, url):
        ask(url, QUESTION, chosen, concurrency=1, **more)
    first, second = server.seen
    messages = [{"role": "system", "content": "你是助手"}, {"role": "user", "content": "水湿吗？"}]
    common = {"model": "big", "messages": messages, "enable_thinking": False}
    assert first == {**common, "temperature": 0.5, "max_tokens": 9, "top_p": 0.9}
    assert second == {**common, "temperature": 0.0, "max_tokens": 5, "stop": ["。"], "seed": 5}


def test_the_identity_is_of_what_is_asked_not_of_where_or_by_whom(monkeypatch):
    monkeypatch.setenv("K", "1")
    one = EndpointModel(settings("http://a/v1", api_key="$K", concurrency=3, timeout_s=9)).identity
    assert one == EndpointModel(settings("http://b/v1")).identity
    assert one != EndpointModel(settings("http://a/v1", temperature=1)).identity
    assert one != EndpointModel(settings("http://a/v1", name="n")).identity


def test_a_variable_that_is_not_set_is_told_by_name():
    with pytest.raises(UserError, match="the environment variable TEACHER_URL is not set"):
        EndpointModel(settings("$TEACHER_URL"))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"api_key": "sk-123"}, "write \\$NAME"),
        ({"base_url": "http://me:pw@host/v1"}, "put the address into"),
    ],
)
def test_secrets_do_not_belong_in_a_recipe(change, why):
    with pytest.raises(ValueError, match=why):
        Endpoint(**{"kind": "endpoint", "base_url": "http://a/v1", "name": "m", **change})

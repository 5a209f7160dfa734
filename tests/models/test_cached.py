"""Pay once: the cache, its file, requests in flight, budgets, and models as a recipe names them."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest

from tests.chat_server import completion, fail, give, playing, say
from tilth.errors import UserError
from tilth.models.base import Generation, Reply, Request
from tilth.models.cached import estimate
from tilth.models.connect import connect, identity
from tilth.models.requests import FILE, RequestStore
from tilth.models.settings import Endpoint, Local, Scripted, variables
from tilth.operators.judging import Judged
from tilth.sample import Message

pytest.importorskip("openai")


def question(text, **more):
    return Request((Message("user", text),), **more)


def echo(body, n):
    return say("答：" + body["messages"][-1]["content"])


def settings(url, **more):
    return Endpoint(**{"kind": "endpoint", "base_url": url, "name": "m", "retries": 0, **more})


def ask(folder, url, *requests, offline=False, **more):
    """The replies, and the model that gave them."""

    async def go():
        model = connect(settings(url, **more), folder, payer="r/m", offline=offline)
        replies = await asyncio.gather(*(model.answer(request) for request in requests))
        await model.close()
        return replies, model

    return asyncio.run(go())


def test_an_answer_is_paid_once(tmp_path):
    asked = [question(str(n)) for n in range(5)]
    with playing(echo) as (server, url):
        first, model = ask(tmp_path, url, *asked)
        again, cached = ask(tmp_path, url, *asked)
    assert [r.text for r in first] == [f"答：{n}" for n in range(5)]
    assert again == first
    assert len(server.seen) == 5
    assert (model.usage.sent, model.usage.reused, cached.usage.sent, cached.usage.reused) == (5, 0, 0, 5)
    assert (tmp_path / FILE).exists()


def test_what_a_model_thought_is_kept_with_its_answer(tmp_path):
    with playing(lambda body, n: say("<think>先想想</think>\n湿。")) as (_, url):
        ask(tmp_path, url, question("水湿吗"))
        ((again,), _) = ask(tmp_path, url, question("水湿吗"))
    assert again == Reply("湿。", "done", "", 7, 3, thinking="先想想")
    lines = list(RequestStore(tmp_path / FILE).export())
    (tmp_path / "paid.jsonl").write_text(json.dumps(lines[0]), encoding="utf-8")
    other = RequestStore(tmp_path / "other.sqlite")
    assert other.load(tmp_path / "paid.jsonl") == 1
    assert other.find(lines[0]["key"]) == again


def test_a_file_of_paid_answers_of_an_earlier_version_is_read(tmp_path):
    earlier = sqlite3.connect(tmp_path / "requests.sqlite")
    columns = "key text primary key, model text, payer text, request text, state text, reason text, text text"
    earlier.execute(
        f"create table requests ({columns}, prompt_tokens int, completion_tokens int) without rowid"
    )
    earlier.execute("insert into requests values ('k', 'm', 'p', '{}', 'done', '', '湿。', 7, 3)")
    earlier.commit()
    earlier.close()
    for _ in range(2):
        store = RequestStore(tmp_path / "requests.sqlite")
        assert store.find("k") == Reply("湿。", "done", "", 7, 3)
        assert next(iter(store.export()))["reply"].keys() == {
            "state", "reason", "text", "prompt_tokens", "completion_tokens",
        }  # fmt: skip
        store.add("k2", "m", "p", "{}", Reply("好", thinking="嗯"))
        assert store.find("k2").thinking == "嗯"
        store.close()


def test_equal_requests_in_flight_are_one(tmp_path):
    with playing(lambda body, n: say("好", wait_s=0.1)) as (server, url):
        replies, model = ask(tmp_path, url, *[question("水")] * 20)
    assert {r.text for r in replies} == {"好"}
    assert (len(server.seen), model.usage.sent, model.usage.reused) == (1, 1, 19)


def test_what_differs_is_asked_anew(tmp_path):
    same = question("水")
    others = [
        question("冰"),
        question("水", draw=1),
        question("水", generation=Generation(9)),
        Request((Message("system", "简短"), *same.messages)),
    ]
    with playing(echo) as (server, url):
        ask(tmp_path, url, same, *others)
        ask(tmp_path, url, same, temperature=0.7)
        ask(tmp_path, url, same, name="other")
        ask(tmp_path, url, same, concurrency=3, timeout_s=9)
        ask(tmp_path, url + "/", same)
    assert len(server.seen) == 7


@pytest.mark.parametrize(
    ("act", "state", "requests"),
    [
        (fail(400), "failed", 2),
        (give(completion("半", "length")), "truncated", 1),
        (give(completion(None, refusal="不")), "refused", 1),
    ],
)
def test_failures_are_asked_again_and_what_was_paid_for_is_not(tmp_path, act, state, requests):
    with playing(lambda body, n: act) as (server, url):
        for _ in range(2):
            assert ask(tmp_path, url, question("水"))[0][0].state == state
    assert len(server.seen) == requests


def test_an_answer_and_its_repair_are_both_kept(tmp_path):
    good = '{"reason": "对", "verdict": "pass"}'
    with playing(lambda body, n: say(good if len(body["messages"]) > 1 else "嗯")) as (server, url):
        for _ in range(2):
            assert ask(tmp_path, url, question("水", shape=Judged))[0][0].data == Judged("对", "pass")
    assert len(server.seen) == 2


def test_the_cache_travels_as_lines_and_replays_without_a_network(tmp_path):
    asked = [question(str(n)) for n in range(3)]
    with playing(echo) as (_, url):
        replies, _ = ask(tmp_path / "a", url, *asked)
    store = RequestStore(tmp_path / "a" / FILE)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in store.export()]
    assert [json.loads(line)["key"] for line in lines] == sorted(json.loads(line)["key"] for line in lines)
    exported = tmp_path / "requests.jsonl"
    exported.write_text("".join(lines), encoding="utf-8")
    other = RequestStore(tmp_path / "b" / FILE)
    assert (other.load(exported), other.load(exported)) == (3, 0)
    found, _ = ask(tmp_path / "b", url, *asked, question("新"), offline=True)
    assert found[:3] == replies
    assert (found[3].state, found[3].reason) == ("failed", "offline, and the answer is not in the cache")
    assert other.spent("r/m") == (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("答", "打"), ""),
        (('"role": "user"', '"role": "tool"'), "not the one of its key"),
        (('"reply"', '"said"'), "no exported"),
    ],
)
def test_an_edited_request_is_no_answer(tmp_path, change, why):
    with playing(echo) as (_, url):
        ask(tmp_path, url, question("水"))
    (row,) = RequestStore(tmp_path / FILE).export()
    path = tmp_path / "requests.jsonl"
    path.write_text(json.dumps(row, ensure_ascii=False).replace(*change) + "\n", encoding="utf-8")
    other = RequestStore(tmp_path / "b" / FILE)
    if not why:
        assert other.load(path) == 1
        return
    with pytest.raises(UserError, match=f"requests.jsonl:1.*{why}"):
        other.load(path)
    assert list(other.export()) == []


@pytest.mark.parametrize(
    ("budget", "done"),
    [({"requests": 3}, 3), ({"tokens": 70}, 5), ({"money": 0.000045}, 3), ({"requests": 0}, 0)],
)
def test_a_budget_stops_before_it_is_exceeded_and_holds_over_runs(tmp_path, budget, done):
    asked = [question(f"第{n}") for n in range(6)]
    price = {"input": 1, "output": 1}
    more = {"budget": budget, "price": price, "max_tokens": 4}
    with playing(echo) as (server, url):
        replies, model = ask(tmp_path, url, *asked, **more)
        ask(tmp_path, url, *asked, **more)
        assert len(server.seen) == done
        assert [r.state for r in replies].count("done") == done
        assert model.is_spent_up
        assert "budget" in replies[-1].reason
        assert {r.state for r in ask(tmp_path, url, *asked, max_tokens=4)[0]} == {"done"}
    assert len(server.seen) == 6


def test_the_estimate_is_on_the_high_side():
    assert 6 <= estimate(question("水是湿的吗？")) <= 30
    assert 20 <= estimate(question("Is water wet when nobody touches it at all?")) <= 40


def test_a_script_answers_by_what_stands_in_the_request(tmp_path):
    lines = [
        {"when": ["裁判", "水"], "say": {"reason": "对", "verdict": "pass"}},
        {"when": "水", "say": ["一", "二"]},
        {"when": "毒", "say": "", "state": "refused", "reason": "不便"},
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    model = connect(Scripted(kind="scripted", answers="answers.jsonl"), tmp_path)

    def say_(request):
        return asyncio.run(model.answer(request))

    assert say_(question("裁判，水呢", shape=Judged)).data == Judged("对", "pass")
    assert [say_(question("水", draw=n)).text for n in range(3)] == ["一", "二", "二"]
    assert say_(question("毒")) == Reply("", "refused", "不便", 1, 0)
    assert say_(question("火")).reason == "no line of the script fits this request"
    before = identity(Scripted(kind="scripted", answers="answers.jsonl"), tmp_path)
    path.write_text('{"say": "好"}\n', encoding="utf-8")
    assert identity(Scripted(kind="scripted", answers="answers.jsonl"), tmp_path) != before
    path.write_text('{"say": "好"}\n{"tell": 1}\n', encoding="utf-8")
    with pytest.raises(UserError, match="answers.jsonl:2 is no line of a script"):
        connect(Scripted(kind="scripted", answers="answers.jsonl"), tmp_path)


def test_a_model_folder_answers_in_batches(tmp_path, model_folder):
    local = Local(kind="local", path=str(model_folder), max_tokens=8)

    async def go():
        model = connect(local, tmp_path)
        return await asyncio.gather(*(model.answer(question(f"水{n}")) for n in range(10))), model

    replies, model = asyncio.run(go())
    assert {r.state for r in replies} <= {"done", "truncated"}
    assert all(r.completion_tokens for r in replies)
    again, cached = asyncio.run(go())
    assert again == replies
    assert (model.usage.sent, cached.usage.sent) == (10, 0)
    assert identity(local, tmp_path).startswith("local:")


def test_variables_are_found_wherever_they_stand():
    found = settings("$URL/v1", name="${NAME}-x", api_key="$KEY", extra={"a": ["$B"]})
    assert variables(found) == ["URL", "NAME", "KEY", "B"]
    assert identity(settings("$URL/v1"), None).startswith("endpoint:unresolved:")

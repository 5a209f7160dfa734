"""Model steps in a run: every sample in a named state, nothing paid twice, the costs told, the life explained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml
from typer.testing import CliRunner

from tests.chat_server import completion, fail, give, playing, say
from tilth.cli.app import app
from tilth.engine import check_input, dry_run, explain, run
from tilth.errors import NotFoundError, RecipeError
from tilth.models.requests import FILE, RequestStore
from tilth.recipe import load
from tilth.store.files import read_jsonl

pytest.importorskip("openai")


def echo(body, n):
    return say("答：" + body["messages"][-1]["content"])


def recipe(folder, url, rows=6, steps=None, **model):
    """A recipe with a teacher at `url`, over questions of ours."""
    folder.mkdir(exist_ok=True)
    lines = [json.dumps({"question": f"第{n}个问题？"}, ensure_ascii=False) for n in range(rows)]
    (folder / "q.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    teacher = {
        "kind": "endpoint",
        "base_url": url,
        "name": "m",
        "retries": 0,
        "price": {"input": 1, "output": 2, "currency": "CNY"},
    }
    document = {
        "name": "drafts",
        "data": {
            "from": "q.jsonl",
            "format": "questions",
            "steps": steps or [{"annotate.draft_answer": {"model": "teacher"}}],
        },
        "models": {"teacher": {**teacher, **model}},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def outputs(folder):
    """Everything that must be the same, whatever happened on the way."""
    kept = {p.name: p.read_bytes() for p in sorted((folder / "data").iterdir())}
    doors = {name: (folder / f"{name}.jsonl").read_bytes() for name in ("dropped", "quarantined", "held")}
    report = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    del report["timings"]
    for step in report["steps"]:
        del step["seconds"]
    return kept, doors, report


def answers(folder):
    return [row["messages"][-1]["content"] for row in read_jsonl(folder / "data/train.jsonl")]


@pytest.mark.parametrize("keep", [False, True])
def test_what_the_model_thought_is_evidence_and_learned_only_on_request(tmp_path, keep):
    steps = [{"annotate.draft_answer": {"model": "teacher", "keep_thinking": keep}}]
    path = recipe(tmp_path, "", rows=1, steps=steps)
    with playing(lambda body, n: say("<think>先看\n题</think>\n\n答案是湿。")) as (_, url):
        sets = [f"models.teacher.base_url={url}", "data.to=tilth"]
        run(path, tmp_path / "out", assignments=sets)
    (row,) = read_jsonl(tmp_path / "out/data/train.jsonl")
    assert row["messages"][-1] == {
        "role": "assistant",
        "content": "答案是湿。",
        **({"thinking": "先看\n题"} if keep else {}),
    }
    assert ("先看" in json.dumps(row, ensure_ascii=False)) is keep
    life = explain(tmp_path / "out", "q.jsonl:1")
    assert not life["note"]
    (answer,) = life["steps"][-1]["evidence"]["answers"]
    assert (answer["text"], answer["thinking"]) == ("答案是湿。", "先看\n题")
    told = CliRunner().invoke(app, ["explain", str(tmp_path / "out"), "q.jsonl:1"]).stdout
    assert "teacher thought: 先看⏎题" in told


def test_drafts_come_in_source_order_and_cost_what_the_report_says(tmp_path):
    path = recipe(tmp_path, "")
    with playing(lambda body, n: say("答：" + body["messages"][-1]["content"], wait_s=0.02 * (6 - n))) as (
        server,
        url,
    ):
        path = recipe(tmp_path, url)
        told = []
        found = run(path, tmp_path / "out", progress=lambda *said: told.append(said))
        again = run(path, tmp_path / "out")
    assert (found["status"], found["counts"]["kept"]) == ("done", 6)
    assert answers(tmp_path / "out") == [f"答：第{n}个问题？" for n in range(6)]
    assert found["models"] == {
        "teacher": {
            "requests": 6,
            "prompt_tokens": 42,
            "completion_tokens": 18,
            "cost": 0.000078,
            "currency": "CNY",
            "cost_per_kept": 0.000013,
        }
    }
    assert found["timings"]["models"] == {"teacher": {"sent": 6, "reused": 0, "cost": 0.000078}}
    assert len(server.seen) == 6
    assert again["models"] == found["models"]
    assert ("annotate.draft_answer 0.0001 CNY", 6, 6) in told


def test_every_end_of_a_request_is_a_reason_of_the_held_door(tmp_path):
    ends = {
        "第1": fail(500),
        "第2": give(completion(None, refusal="不便")),
        "第3": give(completion("半", "length")),
    }

    def play(body, n):
        last = body["messages"][-1]["content"]
        return next((act for key, act in ends.items() if key in last), echo(body, n))

    with playing(play) as (server, url):
        path = recipe(tmp_path, url)
        found = run(path, tmp_path / "out")
        assert found["status"] == "waiting"
        assert found["steps"][1]["reasons"] == {"model_failed": 1, "model_refused": 1, "model_truncated": 1}
        held = list(read_jsonl(tmp_path / "out/held.jsonl"))
        assert [line["evidence"]["model"] for line in held] == ["m"] * 3
        assert (found["counts"]["kept"], found["counts"]["held"], len(server.seen)) == (3, 3, 6)
        ends.clear()
        again = run(path, tmp_path / "out")
    # Only the failure is asked again; what was refused or cut short was paid for.
    assert len(server.seen) == 7
    assert again["steps"][1]["reasons"] == {"model_refused": 1, "model_truncated": 1}
    assert again["counts"]["kept"] == 4


def test_one_edited_row_costs_one_call(tmp_path):
    with playing(echo) as (server, url):
        path = recipe(tmp_path, url, rows=240)
        run(path, tmp_path / "out")
        assert len(server.seen) == 240
        text = (tmp_path / "q.jsonl").read_text(encoding="utf-8").replace("第17个问题", "改过的问题")
        (tmp_path / "q.jsonl").write_text(text, encoding="utf-8")
        run(path, tmp_path / "out")
        assert len(server.seen) == 241
        (tmp_path / "q.jsonl").write_text("".join(reversed(text.splitlines(keepends=True))), encoding="utf-8")
        run(path, tmp_path / "out")
    assert len(server.seen) == 241
    assert server.questions["改过的问题？"] == 1


def test_a_run_is_replayed_from_the_cache_without_a_network(tmp_path, monkeypatch):
    with playing(echo) as (_, url):
        first = run(recipe(tmp_path / "a", url), tmp_path / "a/out")
    rows = list(RequestStore(tmp_path / "a" / FILE).export())
    exported = tmp_path / "requests.jsonl"
    exported.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    path = recipe(tmp_path / "b", "http://127.0.0.1:9/v1", rows=7)
    RequestStore(tmp_path / "b" / FILE).load(exported)
    monkeypatch.setenv("TILTH_OFFLINE", "1")
    found = run(path, tmp_path / "b/out")
    assert found["steps"][1]["reasons"] == {"model_failed": 1}
    assert answers(tmp_path / "b/out") == answers(tmp_path / "a/out")
    assert first["models"] == {"teacher": {**found["models"]["teacher"]}}


def test_a_budget_stops_the_run_and_a_larger_one_goes_on(tmp_path):
    with playing(echo) as (server, url):
        path = recipe(tmp_path, url, budget={"requests": 4})
        found = run(path, tmp_path / "out")
        assert (found["status"], found["counts"]["kept"], found["counts"]["held"]) == ("waiting", 4, 2)
        assert found["reason"].endswith("The budget of teacher is spent: raise it to go on.")
        assert len(server.seen) == 4
        found = run(recipe(tmp_path, url, budget={"requests": 6}), tmp_path / "out")
    assert (found["status"], len(server.seen)) == ("done", 6)


def test_the_life_of_a_sample_shows_what_the_model_said(tmp_path):
    steps = [
        {"annotate.draft_answer": {"model": "teacher"}},
        "measure.length",
        {"filter.length": {"min_chars": 1}},
    ]
    with playing(echo) as (_, url):
        run(recipe(tmp_path, url, steps=steps), tmp_path / "out")
    life = explain(tmp_path / "out", "q.jsonl:3")
    draft = life["steps"][1]
    assert life["note"] == ""
    assert draft["evidence"]["answers"] == [{"model": "teacher", "state": "done", "text": "答：第2个问题？"}]
    assert draft["evidence"]["answer_from"] == "m"
    assert [step["name"] for step in life["steps"]][-1] == "filter.length"


def test_gates_stop_at_the_first_that_fails(tmp_path):
    def play(body, n):
        system, last = (body["messages"][i]["content"] for i in (0, 1))
        if "无害" in system:
            return say(json.dumps({"reason": "看", "verdict": "fail" if "第2" in last else "pass"}))
        if "诚实" in system:
            return say(json.dumps({"reason": "看", "verdict": "fail" if "第3" in last else "pass"}))
        return say("嗯") if "第4" in last else say(json.dumps({"reason": "看", "verdict": "pass"}))

    gates = [{f"filter.{name}": {"model": "teacher"}} for name in ("harmless", "honest", "helpful")]
    with playing(play) as (server, url):
        found = run(recipe(tmp_path, url, steps=gates), tmp_path / "out")
    reasons = [step["reasons"] for step in found["steps"][1:4]]
    assert reasons == [{"not_harmless": 1}, {"not_honest": 1}, {"model_unparsable": 1}]
    assert len(server.seen) == 6 + 5 + 4 + 1


def test_made_samples_of_a_model_step_have_a_place_a_family_and_a_parent(tmp_path):
    steps = [{"annotate.draft_answer": {"model": "teacher"}}, {"ask_test.double": {"model": "teacher"}}]
    plugin = (
        "from tilth.models.base import AsyncChatModel, Request\n"
        "from tilth.operators.base import operator\n"
        "from tilth.sample import Made, Message\n\n\n"
        "@operator('ask_test.double')\n"
        "async def double(sample, *, model: AsyncChatModel):\n"
        "    '''Doubles.'''\n"
        "    reply = await model.answer(Request(sample.messages[:1]))\n"
        "    return [sample, Made((sample.messages[0], Message('assistant', reply.text + '！')))]\n"
    )
    with playing(echo) as (_, url):
        path = recipe(tmp_path, url, rows=2, steps=steps)
        (tmp_path / "double.py").write_text(plugin, encoding="utf-8")
        path.write_text(path.read_text(encoding="utf-8") + "plugins: [double.py]\n", encoding="utf-8")
        found = run(path, tmp_path / "out")
    assert (found["counts"]["taken"], found["counts"]["made"], found["counts"]["kept"]) == (2, 2, 4)
    index = list(read_jsonl(tmp_path / "out/data/index.jsonl"))
    assert [row["place"] for row in index][:2] == ["q.jsonl:1", "q.jsonl:1/ask_test.double#0"]
    assert index[0]["family"] == index[1]["family"] == index[0]["id"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model": "teachr"}, "there is no model 'teachr' under `models:`. Did you mean 'teacher'?"),
        ({}, "'model' is missing"),
        ({"model": "teacher", "modle": 1}, "unknown setting 'modle'"),
    ],
)
def test_a_wrong_model_setting_is_found_before_the_run(tmp_path, change, says):
    with pytest.raises(RecipeError, match="recipe.yaml:") as caught:
        run(recipe(tmp_path, "http://a/v1", steps=[{"annotate.draft_answer": change}]), tmp_path / "out")
    assert says in str(caught.value)


def test_wrong_models_are_all_told_with_their_lines(tmp_path):
    path = recipe(tmp_path, "$NO_SUCH_URL", max_token=3)
    text = path.read_text(encoding="utf-8").replace("models:\n", "models:\n  other: {kind: endpont}\n")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        run(path, tmp_path / "out")
    said = str(caught.value)
    assert "models.teacher.max_token: unknown setting 'max_token'. Did you mean 'max_tokens'?" in said
    assert "models.other: a model needs a kind, got 'endpont'. Did you mean 'endpoint'?" in said
    with pytest.raises(RecipeError, match="models.teacher: the environment variable NO_SUCH_URL is not set"):
        run(recipe(tmp_path, "$NO_SUCH_URL"), tmp_path / "out")


def test_no_secret_is_written_anywhere(tmp_path, monkeypatch, capfd):
    secret = "sk-planted-9f3b"
    monkeypatch.setenv("TEACHER_KEY", secret)

    def play(body, n):
        return fail(401, f"Incorrect API key provided: {secret}") if n % 2 else echo(body, n)

    with playing(play) as (server, url):
        run(recipe(tmp_path, url, api_key="$TEACHER_KEY"), tmp_path / "out")
    assert set(server.keys) == {f"Bearer {secret}"}
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 15
    assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert secret not in "".join(capfd.readouterr())
    assert "$TEACHER_KEY" in (tmp_path / "out/recipe.lock.yaml").read_text(encoding="utf-8")


def kill_and_go_on(tmp_path, rows, kills, moments):
    """Run in a process of its own, killed again and again, until it is done; the server counts."""
    concurrency = 8
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with playing(lambda body, n: say("答：" + body["messages"][-1]["content"], wait_s=0.03)) as (server, url):
        path = recipe(tmp_path, url, rows=rows, concurrency=concurrency)
        command = [sys.executable, "-m", "tilth.cli.app", "run", str(path), "--out", str(tmp_path / "out")]
        done = 0
        while True:
            before = len(server.seen)
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if done < kills:
                while len(server.seen) < before + moments[done] and process.poll() is None:
                    time.sleep(0.005)
                process.send_signal(signal.SIGKILL)
            if process.wait() != -signal.SIGKILL:
                break
            done += 1
        counts = server.questions
        whole = run(recipe(tmp_path / "whole", url, rows=rows), tmp_path / "whole/out")
    assert process.returncode == 0
    assert whole["counts"]["kept"] == rows
    assert len(counts) == rows
    assert sum(counts.values()) - rows <= done * concurrency
    assert outputs(tmp_path / "out") == outputs(tmp_path / "whole/out")
    return done


def test_a_killed_run_pays_at_most_the_requests_in_flight_twice(tmp_path):
    assert kill_and_go_on(tmp_path, 40, 2, [5, 9]) == 2


@pytest.mark.slow
def test_twenty_kills_at_random_moments_of_500_rows(tmp_path):
    import random

    drawn = random.Random(20)
    moments = [drawn.randrange(1, 24) for _ in range(20)]
    assert sum(moments) < 500
    assert kill_and_go_on(tmp_path, 500, 20, moments) == 20


def test_a_dry_run_tells_calls_tokens_and_money_and_sends_nothing(tmp_path):
    steps = [{"annotate.draft_answer": {"model": "teacher"}}, {"annotate.judge": {"model": "teacher"}}]
    with playing(echo) as (server, url):
        plan = load(recipe(tmp_path, url, rows=20, steps=steps, max_tokens=100))
        found = dry_run(plan, limit=10)
        (told,) = found["forecast"]
        assert (found["tried"], found["of"], told["calls"], told["cached"], told["currency"]) == (
            10,
            20,
            40,
            0,
            "CNY",
        )
        assert told["completion_tokens_at_most"] == 4000
        assert 2000 < told["prompt_tokens"] < 30000
        assert told["cost_at_most"] == round((told["prompt_tokens"] + 2 * 4000) / 1e6, 6)
        assert told["cost_about"] is None
        assert server.seen == []
        assert sorted(p.name for p in tmp_path.iterdir()) == ["q.jsonl", "recipe.yaml"]
        run(recipe(tmp_path, url, rows=20, max_tokens=100), tmp_path / "out")
        (told,) = dry_run(plan)["forecast"]
    assert (told["calls"], told["cached"], told["completion_tokens_about"]) == (20, 20, 60)
    assert told["cost_about"] < told["cost_at_most"]
    assert len(server.seen) == 20


def test_check_knocks_only_where_something_is_not_known_yet(tmp_path):
    with playing(echo) as (server, url):
        path = recipe(tmp_path, url)
        assert list(check_input(load(path))) == []
        run(path, tmp_path / "out")
        asked = len(server.seen)
        assert list(check_input(load(path))) == []
        assert len(server.seen) == asked
    assert list(check_input(load(path))) == []
    with (tmp_path / "q.jsonl").open("a", encoding="utf-8") as handle:
        handle.write('{"question": "新的问题？"}\n')
    (problem,) = check_input(load(path))
    assert problem.path == "models.teacher"
    assert problem.message.startswith("cannot talk to 127.0.0.1")


def test_the_paid_answers_are_shown_exported_and_taken_in(tmp_path):
    def tilth(*words):
        done = CliRunner().invoke(app, ["requests", *map(str, words)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    with playing(echo) as (_, url):
        path = recipe(tmp_path / "a", url)
        run(path, tmp_path / "a/out")
    lines = tmp_path / "requests.jsonl"
    shown = json.loads(tilth(path, "--export", lines, "--json"))["models"]
    assert shown == [{"model": "m", "requests": 6, "prompt_tokens": 42, "completion_tokens": 18}]
    assert len(list(read_jsonl(lines))) == 6
    other = recipe(tmp_path / "b", url)
    assert json.loads(tilth(other, "--import", lines, "--json"))["models"] == shown
    assert "42" in tilth(tmp_path / "b")
    with pytest.raises(NotFoundError):
        tilth(tmp_path)

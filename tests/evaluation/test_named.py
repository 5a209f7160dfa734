"""Comparisons of models that a recipe names: endpoints behind a real server, scripts, folders, other runs."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from tests.chat_server import fail, playing, say
from tilth.cli.app import app
from tilth.errors import NotFoundError, UserError
from tilth.evaluation.contestants import open_pair
from tilth.evaluation.named import Named, Weights
from tilth.evaluation.studies import Reader, compare_models, judge_of
from tilth.recipe.schema import Compare
from tilth.store.files import write_jsonl, write_text

pytest.importorskip("openai")


def speaks(body, n):
    """`old` knows nothing, `new` does, and `judge` finds `new` better; every answer is what the request asks for."""
    text = body["messages"][-1]["content"]
    if body["model"] == "judge":
        if "第2题" in text:
            return fail(400)
        found = {"reason": "答对了", "verdict": "pass" if "知道了" in text else "fail"}
        if "B" not in text:
            return say(json.dumps(dict.fromkeys(("harmless", "honest", "helpful"), found)))
        first = text.index("知道了") < text.index("不清楚")
        return say(json.dumps({"reason": "答对了", "winner": "A" if first else "B"}))
    return say("知道了" if body["model"] == "new" else "不清楚")


def models(url):
    return {name: {"kind": "endpoint", "base_url": url, "name": name} for name in ("old", "new", "judge")}


def questions(folder, n=8):
    write_text(folder / "q.txt", "".join(f"第{k}题\n" for k in range(n)))
    return folder / "q.txt"


def test_two_endpoints_and_a_judge(tmp_path):
    with playing(speaks) as (server, url):
        named = Named(models(url), tmp_path, "study")
        settings = Compare(before="old", after="new", judge="judge", general=None)

        def compared():
            pair = open_pair("old", "new", None, named)
            file = questions(tmp_path)
            return compare_models(pair, file, tmp_path / "out", settings, named=named, reader=Reader("en"))

        found = compared()
        numbers = found.as_dict()
        assert (numbers["wins"], numbers["errors"]) == (7, 1)
        assert numbers["three_h"]["helpful"] | {"interval": None} == {
            "before": 0, "after": 7, "of": 7, "interval": None,
        }  # fmt: skip
        drawn = [body for body in server.seen if body["model"] in ("old", "new")]
        assert len(drawn) == 16
        settings_sent = [{k: v for k, v in b.items() if k not in ("messages", "model")} for b in drawn]
        assert all(sent == settings_sent[0] for sent in settings_sent), "both sides are drawn in the same way"
        assert settings_sent[0]["temperature"] == 0
        seen = len(server.seen)
        assert compared().as_dict() == numbers
        assert all(body["model"] == "judge" for body in server.seen[seen:]), "answers are cached"
    assert found.protocol.judge.identity.startswith("endpoint:")
    assert [c.name for c in (found.protocol.before, found.protocol.after)] == ["old", "new"]


def test_the_judge_is_told_the_reference_and_never_the_names(tmp_path):
    write_jsonl(tmp_path / "q.jsonl", [{"question": "第7题", "answer": "参考在此"}])
    with playing(speaks) as (server, url):
        named = Named(models(url), tmp_path)
        settings = Compare(judge="judge", general=None)
        pair = open_pair("old", "new", None, named)
        compare_models(pair, tmp_path / "q.jsonl", tmp_path / "out", settings, named=named)
    asked = [json.dumps(b["messages"], ensure_ascii=False) for b in server.seen if b["model"] == "judge"]
    pairs = [text for text in asked if "不清楚" in text and "知道了" in text]
    assert len(pairs) == 2
    assert all("参考在此" in text for text in pairs)
    assert not any("before" in text or "微调" in text for text in asked)


def test_what_a_recipe_says_wrongly(tmp_path):
    named = Named({"old": {"kind": "endpoint"}, "here": {"kind": "local", "path": "model"}}, tmp_path)
    with pytest.raises(NotFoundError, match="'odl' is no model.*Did you mean 'old'"):
        open_pair("odl", "old", None, named)
    with pytest.raises(UserError, match="models.old"):
        named.ask("old")
    with pytest.raises(NotFoundError, match="no section `models`"):
        judge_of(Compare(judge="teacher"), None)
    assert named.open("here") == Weights(tmp_path / "model")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tilth(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_two_files_of_answers_by_command(here):
    questions(here, 2)
    for name, text in (("a", "不清楚"), ("b", "知道了")):
        write_jsonl(here / f"{name}.jsonl", [{"question": f"第{k}题", "answer": text} for k in range(2)])
    done = tilth("compare", "q.txt", "--before", "a.jsonl", "--after", "b.jsonl", "-o", "out", "--json")
    assert done.exit_code == 0, done.output
    numbers = json.loads(done.stdout)
    assert numbers["questions"] == 2
    assert numbers["general"] is None, "files cannot be asked other questions"
    assert (here / "out" / "report" / "compare.html").exists()
    again = tilth("compare", "out", "--again", "--json")
    assert json.loads(again.stdout) == numbers


def test_a_file_of_answers_is_judged_by_a_model_of_a_recipe(here):
    rows = [{"问题": f"第{k}题", "微调前": "不清楚", "微调后": "知道了"} for k in range(3, 7)]
    write_jsonl(here / "answers.jsonl", rows)
    write_jsonl(here / "raw.jsonl", [{"instruction": "水湿吗", "input": "", "output": "不湿"}])
    with playing(speaks) as (_, url):
        recipe = {
            "name": "judging",
            "data": {"from": "raw.jsonl", "format": "alpaca"},
            "models": models(url),
            "compare": {"judge": "judge"},
        }
        write_text(here / "recipe.yaml", yaml.safe_dump(recipe))
        done = tilth("compare", "answers.jsonl", "--recipe", "recipe.yaml", "-o", "out", "--json")
    assert done.exit_code == 0, done.output
    numbers = json.loads(done.stdout)
    assert (numbers["wins"], numbers["judged_by"]) == (4, "judge")
    assert numbers["bias"]["by_position"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "data.to=openai", "-o", "out"), "--recipe"),
        (("--set", "compare.sed=1", "-o", "out"), "compare.sed"),
        (("--before", "a", "-o", "out"), "'a' is no model"),
        ((), "where the report goes"),
    ],
)
def test_wrong_use(here, arguments, said):
    questions(here, 1)
    done = tilth("compare", "q.txt", *arguments)
    assert said in str(done.exception)

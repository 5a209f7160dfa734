"""One reader of questions files: what `compare` asks is what the leak check of a run has looked for."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from tests.engine.conftest import QUESTIONS, lines, record
from tilth.cli.app import app
from tilth.engine import run
from tilth.engine.leaks import compare_questions
from tilth.engine.questions import read_questions
from tilth.errors import UserError
from tilth.evaluation.inputs import questions_from_file
from tilth.evaluation.studies import compare_run
from tilth.recipe import load
from tilth.store.folder import RunFolder

ASKED = [QUESTIONS[2], "雨是从哪里掉下来的？"]
FILES = {
    "plain.txt": "\ufeff" + "\r\n\r\n".join(ASKED),
    "notes.md": "\n".join(ASKED) + "\n",
    "excel.csv": ("序号;问题;参考答案\n" + "".join(f"{n};{q};有\n" for n, q in enumerate(ASKED))).encode(
        "gb18030"
    ),
    "sep.csv": "sep=,\n问题,答案\n" + "".join(f"{q},有\n" for q in ASKED),
    "wide.tsv": ("question\texpected\n" + "".join(f"{q}\t有\n" for q in ASKED)).encode("utf-16"),
    "rows.jsonl": "".join(
        json.dumps({"question": q, "answer": "有"}, ensure_ascii=False) + "\n" for q in ASKED
    ),
    "chat.jsonl": "".join(
        json.dumps({"messages": [{"role": "user", "content": q}]}, ensure_ascii=False) + "\n" for q in ASKED
    ),
    "array.json": json.dumps([{"question": q} for q in ASKED], ensure_ascii=False),
    "alpaca.json": json.dumps([{"instruction": q, "input": "", "output": "有"} for q in ASKED]),
}


@pytest.mark.parametrize("name", FILES)
def test_both_read_the_same_questions(project, name):
    p = project(lines(map(record, QUESTIONS)), "- dedup.exact")
    text = FILES[name]
    (p.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    with p.recipe.open("a", encoding="utf-8") as handle:
        handle.write(f"train: {{base_model: tiny}}\ncompare: {{questions: {name}}}\n")
    asked = [question.text for question in questions_from_file(p.folder / name)]
    assert asked == ASKED == [text for _, text in compare_questions(load(p.recipe))]
    if name == "excel.csv":
        run(p.recipe, p.out)
        (leak,) = json.loads((p.out / "report" / "data.json").read_text(encoding="utf-8"))["leaks"]
        assert (leak["question"], leak["place"]) == (ASKED[0], "raw.jsonl:3")


def test_questions_lie_where_the_recipe_lies_from_wherever_they_are_asked(project, tmp_path, monkeypatch):
    """The leak check, `compare` from a shell and `compare_run` in a notebook all mean the file beside the recipe."""
    p = project(lines(map(record, QUESTIONS)), "- dedup.exact")
    (p.folder / "asked.txt").write_text(ASKED[0], encoding="utf-8")
    with p.recipe.open("a", encoding="utf-8") as handle:
        handle.write(
            "train: {base_model: tiny}\ncompare: {questions: asked.txt, before: a.jsonl, after: a.jsonl}\n"
        )
    (p.folder / "a.jsonl").write_text(lines([{"question": ASKED[0], "answer": "不会"}]), encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "asked.txt").write_text(ASKED[1], encoding="utf-8")
    (elsewhere / "a.jsonl").write_text(lines([{"question": ASKED[1], "answer": "天上"}]), encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    run(p.recipe, p.out)
    (leak,) = json.loads((p.out / "report" / "data.json").read_text(encoding="utf-8"))["leaks"]
    typed = CliRunner().invoke(app, ["compare", str(p.out), "--json"])
    assert typed.exit_code == 0, typed.output
    called = compare_run(RunFolder(p.out)).as_dict()
    assert leak["question"] == ASKED[0]
    for numbers in (json.loads(typed.stdout), called):
        assert (numbers["questions"], numbers["answers"]["after"]["failed"]) == (1, 0)
        assert [leak["question"] for leak in numbers["leaks"]] == [ASKED[0]]


def test_a_damaged_entry_of_an_array_is_named(tmp_path):
    path = tmp_path / "q.json"
    path.write_text('[{"question": "雨"}, {"question": ]', encoding="utf-8")
    with pytest.raises(UserError, match=r"q\.json:2"):
        read_questions(path)

"""Recipes: every problem at once, with its line and the next step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilth.errors import FormatError, NotFoundError, RecipeError, SourceError
from tilth.recipe import load, shipped_names
from tilth.recipe.catalog import catalog, json_schema
from tilth.recipe.check import check, shipped_text
from tilth.recipe.override import override
from tilth.recipe.start import init
from tilth.recipe.yaml import value as value_of

GOOD = """name: x
data:
  from: raw.jsonl
  format: coig_cqia
  steps:
    - filter.length: {field: answer, min_chars: 2}
    - dedup.near
    - split.grouped: {train: 0.7, test: 0.3}
  to: openai
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "raw.jsonl").write_text(
        '{"instruction": "问", "input": "", "output": "答", "domain": [], "copyright": ""}\n',
        encoding="utf-8",
    )
    return tmp_path


def problems(text: str, folder: Path, *assignments: str) -> list[tuple[int | None, str]]:
    with pytest.raises(RecipeError) as caught:
        check(text, "r.yaml", folder, list(assignments))
    return [(p.line, p.message + " " + p.hint) for p in caught.value.problems]


def test_a_good_recipe_becomes_a_plan(folder):
    plan = check(GOOD, "r.yaml", folder, [])
    assert [step.name for step in plan.steps] == ["filter.length", "dedup.near", "split.grouped"]
    assert plan.steps[0].settings["max_chars"] is None
    (stage,) = plan.stages
    assert [step.name for step in stage.sets] == ["dedup.near", "split.grouped"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("filter.length:", "filter.lenght:", 6, "Did you mean 'filter.length'"),
        ("min_chars: 2", "min_char: 2", 6, "Did you mean 'min_chars'"),
        ("min_chars: 2", "min_chars: two", 6, "valid integer"),
        ("field: answer", "field: anwser", 6, "'question', 'answer' or 'both'"),
        ("test: 0.3", "test: 0.9", 8, "sum to 1"),
        ("to: openai", "to: opena", 9, "Did you mean 'openai'"),
        ("format: coig_cqia", "format: coig", 4, "unknown format 'coig'"),
        ("from: raw.jsonl", "from: gone.jsonl", 3, "there is no file or folder"),
        ("name: x", "nam: x", 1, "Did you mean 'name'"),
        ("- dedup.near", "- dedup.near: [1]", 7, "a step is a name"),
        ("  to: openai", "  to: openai\n  to: xtuner", 10, "second time"),
        ("  to: openai", "\tto: openai", 9, "Indent with spaces"),
        ("name: x", "name: x\nplugins: [gone.py]", 2, "there is no file"),
        ("  to: openai", "  to: openai\ncompare: {judge: teacher}", 10, "there is no model 'teacher'"),
        ("  to: openai", "  to: openai\ncompare: {before: gone}", 10, "'gone' is no model of the recipe"),
        ("  to: openai", "  to: openai\ncompare: {questions: gone.jsonl}", 10, "there is no file"),
        ("from: raw.jsonl", "from: {{data}}", None, "cannot be read"),
        ("from: raw.jsonl", "from: !env X", None, "cannot be read"),
        ("from: raw.jsonl", "from: \x01", None, "no YAML"),
    ],
)
def test_a_problem_names_its_line_and_the_next_step(folder, old, new, line, said):
    found = problems(GOOD.replace(old, new), folder)
    assert any(said in message for _, message in found), found
    assert line in [n for n, _ in found]


def test_all_problems_are_told_at_once(folder):
    text = (
        GOOD.replace("min_chars", "min_char").replace("dedup.near", "dedup.nere").replace("openai", "opena")
        + "trian: {}\n"
    )
    assert [line for line, _ in problems(text, folder)] == [6, 7, 9, 10]


@pytest.mark.parametrize("text", ["", "- a\n", "just words"])
def test_something_else_than_a_recipe(folder, text):
    assert "a recipe is a mapping" in problems(text, folder)[0][1]


def test_overrides_reach_sections_and_steps():
    document = {"data": {"steps": ["dedup.near", {"filter.length": {"field": "answer"}}]}}
    given = ["train.epochs=1", "data.steps.dedup.near.threshold=0.8", "data.steps.filter.length.min_chars=3"]
    assert override(document, given) == []
    assert document["train"] == {"epochs": 1}
    assert document["data"]["steps"] == [
        {"dedup.near": {"threshold": 0.8}},
        {"filter.length": {"field": "answer", "min_chars": 3}},
    ]


@pytest.mark.parametrize("wrong", ["train", "=1", "data.steps.dedup.exact.on=question", "data.x=[1"])
def test_an_override_that_cannot_be_applied_is_a_problem(wrong):
    (problem,) = override({"data": {"steps": ["dedup.near"]}}, [wrong])
    assert wrong.split("=")[0] in problem.message


@pytest.mark.parametrize(
    ("text", "value"), [("010", 10), ("09", 9), ("1e-3", 0.001), ("on", "on"), ("12:30", "12:30"), ("", None)]
)
def test_plain_words_and_numbers_are_what_they_look_like(text, value):
    assert value_of(text) == value


def test_the_same_operator_twice_gets_two_names(folder):
    plan = check(
        GOOD.replace("- dedup.near", "- dedup.near\n    - dedup.near: {on: question}"), "r.yaml", folder, []
    )
    assert [step.name for step in plan.steps][1:3] == ["dedup.near", "dedup.near@2"]


def test_a_folder_of_benchmarks_stands_for_its_files(folder):
    (folder / "bench").mkdir()
    for name in ("b.jsonl", "a.jsonl"):
        (folder / "bench" / name).write_text('{"question": "问"}\n', encoding="utf-8")
    step = "- decontaminate.against: {files: [bench]}"
    plan = check(GOOD.replace("- dedup.near", step), "r.yaml", folder, [])
    assert [Path(name).name for name in plan.steps[1].settings["files"]] == ["a.jsonl", "b.jsonl"]
    assert len(plan.steps[1].input_files()) == 2


def test_every_shipped_recipe_checks(folder, monkeypatch):
    for name in ("URL", "MODEL", "KEY"):
        monkeypatch.setenv(f"TEACHER_{name}", "x")
        monkeypatch.setenv(f"JUDGE_{name}", "x")
    names = shipped_names()
    assert {"tutorial", "ruozhiba", "assistant", "roleplay", "texts"} <= set(names)
    for name in names:
        plan = check(shipped_text(name), name, folder, [f"data.from={folder / 'raw.jsonl'}"])
        assert plan.split_step is not None, name


def test_an_unknown_recipe_says_what_there_is():
    with pytest.raises(NotFoundError, match="Did you mean 'ruozhiba'"):
        load("ruozhibar")
    with pytest.raises(NotFoundError, match="tilth init"):
        load("nowhere/recipe.yaml")


@pytest.mark.parametrize("recipe", ["assistant", "ruozhiba"])
def test_init_writes_a_recipe_that_checks(folder, recipe):
    found = init(folder / "raw.jsonl", recipe, folder / "new")
    assert found["format"] == "coig_cqia"
    plan = load(found["recipe"])
    assert plan.recipe.data.format == "coig_cqia"
    assert Path(plan.specs[0].path).resolve() == (folder / "raw.jsonl").resolve()


@pytest.mark.parametrize(
    ("name", "data", "source", "format_"),
    [
        ("a.jsonl", '{"prompt": "问", "response": "答"}\n', {"instruction": "prompt", "output": "response"}, "alpaca"),
        ("a.jsonl", '{"instruction": "问", "input": "", "reply": "答"}\n', {"output": "reply"}, "alpaca"),
        ("a.json", '[{"Question": "问", "reply": "答", "系统": "令"}]', {"instruction": "Question", "output": "reply", "system": "系统"}, "alpaca"),
        ("a.csv", "题目,回答\n问,答\n", {"instruction": "题目", "output": "回答"}, "alpaca"),
        ("a.jsonl", '{"true": 1, "1": 2, "q": "问", "a": "答"}\n', {"instruction": "q", "output": "a"}, "alpaca"),
        ("a.jsonl", '{"conversations": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]}\n', {"messages": "conversations"}, "openai"),
        ("a.jsonl", '{"dialog": [{"from": "human", "value": "问"}, {"from": "gpt", "value": "答"}]}\n', {"conversations": "dialog"}, "sharegpt"),
        ("a.json", '[{"author": "甲", "content": "树上有几只鸟"}]', {"text": "content"}, "text"),
    ],
)  # fmt: skip
def test_init_finds_the_question_and_the_answer_by_their_names(tmp_path, name, data, source, format_):
    (tmp_path / name).write_text(data, encoding="utf-8")
    found = init(tmp_path / name, "assistant", tmp_path)
    assert (found["format"], found["columns"]) == (format_, source)
    assert all(f"`{key}`" in found["note"] for key in source.values())
    (spec,) = load(found["recipe"]).specs
    assert (spec.columns, spec.format) == (source, format_)


def test_init_writes_the_encoding_it_sees(tmp_path):
    (tmp_path / "a.csv").write_bytes("question,answer\n问题一二三,回答四五六\n".encode("gb18030"))
    found = init(tmp_path / "a.csv", "assistant", tmp_path)
    assert (found["encoding"], "gb18030" in found["note"]) == ("gb18030", True)
    assert load(found["recipe"]).specs[0].encoding == "gb18030"
    (tmp_path / "b.csv").write_text("question,answer\n问,答\n", encoding="utf-8")
    (tmp_path / "recipe.yaml").unlink()
    with pytest.raises(SourceError, match="name each file with its encoding"):
        init(tmp_path, "assistant", tmp_path)


def test_init_leaves_an_address_to_the_first_run(tmp_path):
    found = init("hf://datasets/someone/cats@main/train.jsonl", "assistant", tmp_path)
    assert (found["format"], "fetches it" in found["note"]) == ("auto", True)
    assert load(found["recipe"]).specs[0].address == "hf://datasets/someone/cats@main/train.jsonl"
    with pytest.raises(SourceError, match="page: article"):
        init("https://example.org/a", "assistant", tmp_path)
    with pytest.raises(SourceError, match="no address of a data set"):
        init("hf://someone/cats", "assistant", tmp_path)


def test_data_in_place_of_a_recipe_is_told_apart(folder):
    with pytest.raises(RecipeError, match=r"ends with \.yaml.*tilth init .*raw\.jsonl"):
        load(folder / "raw.jsonl")


@pytest.mark.parametrize(("data", "said"), [("", "it is empty"), ("{broken\n", "JSON")])
def test_init_says_why_nothing_can_be_read(tmp_path, data, said):
    (tmp_path / "a.jsonl").write_text(data, encoding="utf-8")
    with pytest.raises(SourceError, match=f"no record that can be read.*{said}"):
        init(tmp_path / "a.jsonl", "assistant", tmp_path)


def test_a_recipe_file_with_a_name_of_its_own_names_its_run(folder):
    assert (
        load(init(folder / "raw.jsonl", "assistant", folder / "my cats.yaml")["recipe"]).recipe.name
        == "my-cats"
    )
    assert load(init(folder / "raw.jsonl", "assistant", folder / "x")["recipe"]).recipe.name == "assistant"


def test_the_catalog_knows_every_operator_and_its_settings():
    names = {row["name"] for row in catalog("operators")}
    assert len(names) > 35
    assert all(row["about"] for row in catalog("operators"))
    settings = {s["name"]: s for s in catalog("filter.length")["settings"]}
    assert settings["field"]["type"] == "question | answer | both"
    assert all(row["about"] for row in catalog("formats"))


def test_the_schema_is_json_and_names_the_operators():
    text = json.dumps(json_schema(), default=str)
    assert "dedup.near" in text
    assert "min_chars" in text


@pytest.mark.parametrize(("recipe", "warned"), [("assistant", True), ("augment", False)])
def test_init_says_that_answers_are_missing_only_where_no_model_drafts_them(tmp_path, recipe, warned):
    (tmp_path / "q.jsonl").write_text('{"question": "为什么云不会掉下来？"}\n', encoding="utf-8")
    note = init(tmp_path / "q.jsonl", recipe, tmp_path)["note"]
    assert ("--recipe augment" in note) == warned


LINES = "".join(f"{n}. 为什么天上有{n}朵云？\n第二行。\n\n" for n in range(4))


@pytest.mark.parametrize(
    ("name", "data", "format_", "page"),
    [
        ("posts.txt", LINES, "text", "blocks"),
        ("lines.txt", "一\n\n二\n\n三\n\n四\n", "text", ""),
        ("mmlu.csv", "Which of these is a cloud?,a,b,c,d,B\nAnd this?,a,b,c,d,A\n", "choices", "rows"),
        ("bbh.json", '{"canary": "x", "examples": [{"input": "问", "target": "答"}, {"input": "再问", "target": "再答"}]}', "alpaca", "items"),
        ("one.json", '{"messages": [{"role": "user", "content": "问"}, {"role": "assistant", "content": "答"}]}', "openai", ""),
        ("excel.csv", "问题;答案\n问，一;答\n", "alpaca", ""),
    ],
)  # fmt: skip
def test_init_sees_how_the_records_lie(tmp_path, name, data, format_, page):
    (tmp_path / name).write_text(data, encoding="utf-8")
    found = init(tmp_path / name, None, tmp_path)
    assert found["format"] == format_
    assert (f"page: {page}" in found["note"]) == bool(page)
    (spec,) = load(found["recipe"]).specs
    assert (spec.format, spec.page or "") == (format_, page)


@pytest.mark.parametrize(
    ("data", "recipe", "format_", "to"),
    [
        ('{"question": "云为什么不掉下来？"}\n', "texts", "questions", "questions"),
        ('{"text": "从前有座山。"}\n', "texts", "text", "text"),
        ('{"question": "云为什么不掉下来？", "answer": "有气流托着。"}\n', "assistant", "csv", "openai"),
    ],
)
def test_init_chooses_the_recipe_by_the_data(tmp_path, data, recipe, format_, to):
    (tmp_path / "a.jsonl").write_text(data, encoding="utf-8")
    found = init(tmp_path / "a.jsonl", None, tmp_path)
    plan = load(found["recipe"])
    assert (plan.recipe.name, found["format"], plan.recipe.data.to) == (recipe, format_, to)
    assert ("recipe `texts`" in found["note"]) == (recipe == "texts")


def test_init_says_that_a_table_without_a_header_cannot_be_told(tmp_path):
    (tmp_path / "a.tsv").write_text(
        "今天天气很好，我很高行。\t今天天气很好，我很高兴。\n" * 2, encoding="utf-8"
    )
    with pytest.raises(FormatError, match="seems to have no header.*page: rows"):
        init(tmp_path / "a.tsv", None, tmp_path)


def test_init_says_that_images_are_not_read(tmp_path):
    record = {
        "messages": [{"role": "user", "content": "<image>谁？"}, {"role": "assistant", "content": "他。"}]
    }
    (tmp_path / "a.json").write_text(json.dumps([{**record, "images": ["1.jpg"]}]), encoding="utf-8")
    assert "images stays in `meta`" in init(tmp_path / "a.json", None, tmp_path)["note"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["data/train-00000-of-00001.jsonl", "data/test-00000-of-00001.jsonl"],
            "several sides (test, train)",
        ),
        (["dev/a.jsonl", "test/b.jsonl"], "several sides (dev, test)"),
        (["train-1.jsonl", "train-2.jsonl"], ""),
        (["testing.jsonl", "trained.jsonl"], ""),
    ],
)
def test_init_says_that_files_of_several_sides_are_read_together(tmp_path, names, said):
    for name in names:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('{"question": "问", "answer": "答"}\n', encoding="utf-8")
    note = init(tmp_path / "set", None, tmp_path)["note"]
    assert (said in note, "several sides" in note) == (True, bool(said))


def test_init_says_that_placeholders_are_to_be_filled_in(tmp_path):
    rows = '{"query": "你是谁？", "response": "我是{{NAME}}，由{{author}}开发。"}\n{"query": "模板？", "response": "写 {{ x }}"}\n'
    (tmp_path / "a.jsonl").write_text(rows, encoding="utf-8")
    assert (
        "({{NAME}}, {{author}}): `normalize.glossary`" in init(tmp_path / "a.jsonl", None, tmp_path)["note"]
    )


@pytest.mark.parametrize(
    ("answers", "threshold"),
    [("ABCA", 0.9), (["对", "错", "对", "因为水会结冰"], 0.9), (["因为水会结冰"] * 4, 0.7)],
)
def test_init_asks_for_surer_copies_where_answers_tell_nothing(tmp_path, answers, threshold):
    rows = [
        json.dumps({"question": f"第{n}题，下列正确的是？", "answer": answer})
        for n, answer in enumerate(answers)
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(rows), encoding="utf-8")
    found = init(tmp_path / "a.jsonl", None, tmp_path)
    (near,) = [step for step in load(found["recipe"]).steps if step.name == "dedup.near"]
    assert near.settings["threshold"] == threshold
    assert ("threshold of 0.9" in found["note"]) == (threshold == 0.9)


def test_init_says_that_files_have_different_formats(tmp_path):
    for name, line in (
        ("a.jsonl", '{"question": "问", "answer": "答"}'),
        ("b.jsonl", '{"conversations": [{"from": "human", "value": "问"}]}'),
    ):
        path = tmp_path / "set" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(
        FormatError, match=r"different formats \(a\.jsonl: csv, b\.jsonl: sharegpt\).*Name each"
    ):
        init(tmp_path / "set", None, tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.html", "web page.*page: article"), ("a.xlsx", "spreadsheet.*CSV"), ("a.bin", "unknown kind")],
)
def test_init_says_what_else_a_file_is(tmp_path, name, said):
    (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        init(tmp_path / name, None, tmp_path)

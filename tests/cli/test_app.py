"""The command line: facts to stdout, exit codes, and errors that speak to a person."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from typer.main import get_command

from tilth.cli.app import COMMANDS, app, main

ROWS = [
    {
        "instruction": f"为什么第{i}只猫不会倒着走路？",
        "input": "",
        "output": f"第{i}只猫会，只是它觉得没必要。",
        "domain": ["猫"],
    }
    for i in range(8)
]
RECIPE = """name: cats
data:
  from: raw.jsonl
  format: coig_cqia
  steps:
    - filter.length: {field: answer, min_chars: 3}
    - split.grouped: {train: 0.5, test: 0.5}
  to: openai
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
    (tmp_path / "raw.jsonl").write_text(
        text + '{"instruction": "短？", "input": "", "output": "是", "domain": []}\n', encoding="utf-8"
    )
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tilth(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command does when it is typed, in this process: starting Python and its libraries takes longer."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["tilth", *arguments])
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        for stream in streams:
            stream.flush()
    out, err = (stream.buffer.getvalue().decode("utf-8") for stream in streams)
    return subprocess.CompletedProcess(arguments, code, out, err)


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tilth.cli.app", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_every_command_has_help_with_an_example():
    commands = get_command(app).commands
    assert set(commands) == {name for names in COMMANDS.values() for name in names}
    assert len(commands) >= 17
    for name, command in commands.items():
        assert f"Example: tilth {name}" in (command.help or ""), name
        for parameter in command.params:
            assert getattr(parameter, "help", "x"), (name, parameter.name)
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        assert len(options) <= 8, name


def test_a_reader_that_has_seen_enough_is_no_failure(here):
    row = '{"instruction": "' + "猫" * 300 + '", "input": "", "output": "好", "domain": []}\n'
    (here / "many.jsonl").write_text(row * 3000, encoding="utf-8")
    arguments = [sys.executable, "-m", "tilth.cli.app", "show", "many.jsonl", "--limit", "0", "--json"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shown:
        assert shown.stdout
        assert shown.stderr
        shown.stdout.readline()
        shown.stdout.close()
        said = shown.stderr.read().decode("utf-8")
    assert (shown.returncode, said) == (0, "")


def test_the_journey_of_a_run(here):
    done = typed("run", "recipe.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["kept"] == 8
    assert (here / "runs" / "cats" / "report" / "data.html").exists()
    assert json.loads(tilth("status", "runs/cats", "--json").stdout)["status"] == "done"
    (dropped,) = json.loads(tilth("show", "runs/cats", "--door", "dropped", "--json").stdout)
    assert dropped["reason"] == "answer_too_short"
    life = json.loads(tilth("explain", "runs/cats", "raw.jsonl:9", "--json").stdout)
    assert life["door"] == "dropped"
    assert (
        json.loads(tilth("restore", "runs/cats", "raw.jsonl:9", "--json").stdout)["restored"][0]["place"]
        == "raw.jsonl:9"
    )
    assert json.loads(tilth("run", "recipe.yaml", "--json").stdout)["counts"]["kept"] == 9
    report = json.loads(tilth("report", "runs/cats", "--json").stdout)
    assert set(report) >= {"leaks", "splits", "moved", "coverage"}
    assert set(json.loads(tilth("diff", "runs/cats", "runs/cats", "--json").stdout)) == {
        "added",
        "removed",
        "changed",
        "moved",
    }


@pytest.mark.parametrize("command", ["status", "show", "explain", "report"])
def test_people_get_words(here, command):
    tilth("run", "recipe.yaml")
    done = tilth(command, "runs/cats", *(["raw.jsonl:1"] if command == "explain" else []))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert not done.stdout.startswith(("{", "["))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "gone.yaml"), "tilth init DATA"),
        (("run", "recipe.yaml", "--set", "data.to=opena"), "Did you mean 'openai'"),
        (("run", "recipe.yaml", "--set", "data.from=gone.jsonl"), "there is no file or folder"),
        (("status", "gone"), "no run folder"),
        (("explain", "gone", "x"), "no run folder"),
        (("restore", "gone", "x"), "no run folder"),
        (("train", "gone"), "no shipped recipe"),
        (("convert", "gone.jsonl", "--to", "openai", "-o", "x"), "gone.jsonl"),
        (("convert", "raw.jsonl", "--to", "opena", "-o", "x"), "Did you mean 'openai'"),
        (("list", "filter.lenght"), "Did you mean 'filter.length'"),
        (("init", "gone.jsonl"), "no file or folder"),
        (("compare", "raw.jsonl"), "where the report goes"),
        (("run", "recipe.yaml", "--out", "raw.jsonl"), "the system refused"),
        (("explain", "runs/cats", ""), "no run folder"),
        (("frobnicate",), "No such command"),
    ],
)
def test_wrong_use_is_told_in_words_with_exit_code_2(here, arguments, said):
    done = tilth(*arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_run_exits_with_2_and_its_folder_is_refused(here):
    (here / "raw.jsonl").write_text("{broken\n" * 3, encoding="utf-8")
    done = typed("run", "recipe.yaml")
    assert done.returncode == 2
    assert "3 of 3 entries were quarantined" in done.stderr
    refused = tilth("train", "runs/cats", "--set", "train.base_model=tiny")
    assert refused.returncode == 2
    assert "failed" in refused.stderr


def test_check_lists_problems_as_json(here):
    (here / "recipe.yaml").write_text(RECIPE.replace("min_chars", "min_char"), encoding="utf-8")
    done = tilth("check", "recipe.yaml", "--json")
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert set(problem) == {"file", "line", "path", "message", "hint"}
    assert problem["line"] == 6


def test_check_of_nothing_is_a_problem_too(here):
    done = tilth("check", "gone.yaml", "--json")
    assert done.returncode == 2
    assert "no recipe" in json.loads(done.stdout)["problems"][0]["message"]


def test_dry_run_and_doctor_and_list(here):
    assert json.loads(tilth("run", "recipe.yaml", "--dry-run", "--json").stdout)["tried"] == 9
    assert not (here / "runs").exists()
    assert any(row["name"] == "python" for row in json.loads(tilth("doctor", "--json").stdout)["checks"])
    assert "dedup.near" in tilth("list").stdout
    assert "tutorial" in tilth("init", "--list").stdout


def test_init_then_run(here):
    assert tilth("init", "raw.jsonl", "-o", "mine").returncode == 0
    done = tilth("run", "mine/recipe.yaml", "--json")
    assert json.loads(done.stdout)["counts"]["taken"] == 9


def test_a_side_that_was_asked_for_and_is_not_there_is_named(here):
    rows = [
        {"question": f"请写一篇关于天气和收成的文章，标题是第{n}篇", "answer": word}
        for n, word in enumerate("甲乙丙丁戊")
    ]
    (here / "alike.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert tilth("init", "alike.jsonl", "-o", "alike.yaml").returncode == 0
    done = tilth("run", "alike.yaml")
    assert (done.returncode, "no test side, though 5% were asked" in done.stdout) == (0, True)


def test_a_file_in_another_encoding_is_shown_the_way(here):
    (here / "a.csv").write_bytes("问题,回答\n一二三,四五六\n".encode("gb18030"))
    done = tilth("show", "a.csv")
    assert (done.returncode, "say `--encoding gb18030`" in done.stderr) == (2, True)


@pytest.mark.train
def test_convert_a_model(here):
    pytest.importorskip("sentencepiece")
    from tests.internlm2 import make_internlm2

    make_internlm2(here / "m", pickled=True)
    refused = tilth("convert", "m", "--to", "llama")
    assert (refused.returncode, "--allow-bin" in refused.stderr) == (2, True)
    done = tilth("convert", "m", "--to", "llama", "--allow-bin", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["made"]) == (0, True)
    assert found["path"].endswith("m-llama")
    assert tilth("convert", "m", "--to", "openai").returncode == 2
    assert "say where to write" in tilth("convert", "raw.jsonl", "--to", "openai").stderr

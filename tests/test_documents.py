"""The documents are promises: their commands run, their links lead somewhere, both languages say the same."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import tilth.operators  # noqa: F401  registers the built-in operators
from tests.test_rooms import ORDER
from tilth.cli.app import app
from tilth.formats import FORMATS
from tilth.operators.base import OPERATORS
from tilth.sample import SIDES, Message, Sample
from tilth.store.folder import RunFolder
from tilth.training import BACKENDS
from tilth.training.base import JOB_FILE
from tilth.training.progress import LOG_FILE, PROGRESS_FILE
from tilth.training.run import DONE_FILE

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "brain-teasers"
REFERENCE = ROOT / "docs" / "reference"
TUTORIAL = ROOT / "docs" / "tutorial"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
SLOW = ("train", "merge", "chat", "compare", "serve", "studio", "tokens")
"""Commands that need a model; the end-to-end test runs them."""


def page(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def commands(text: str) -> list[list[str]]:
    """The arguments of each `tilth` command in the console blocks, in order."""
    found = []
    for line in "".join(blocks(text, "console")).splitlines():
        for part in line.removeprefix("$ ").split(" && "):
            words = shlex.split(part, comments=True)
            if words and words[0].removeprefix(".venv/bin/") == "tilth":
                found.append(words[1:])
    return found


def run(arguments: list[str]) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False, env={"COLUMNS": "200"})
    waits = arguments == ["run", "examples/questions/recipe.yaml"]
    assert done.exit_code == (3 if waits else 0), (arguments, done.output)
    return done.stdout


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the example and with data of one's own, whose line 12 says what line 1 says."""
    shutil.copytree(EXAMPLE.parent, tmp_path / "examples", ignore=shutil.ignore_patterns(".tilth"))
    lines = page(EXAMPLE / "clean.jsonl").splitlines()
    lines[11] = lines[0]
    (tmp_path / "my-data.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "count"), [("README.md", 9), ("README.zh.md", 9)])
def test_commands_of_the_readme_run(place, name, count):
    ran = [run(words) for words in commands(page(ROOT / name)) if words[0] not in SLOW]
    assert len(ran) == count
    assert (place / "runs/assistant/data/train.jsonl").exists()


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_shows_what_the_commands_print(place, name):
    (shown,) = [block for block in blocks(page(ROOT / name), "console") if "…" in block]
    printed, checked = iter(()), 0
    for line in shown.splitlines():
        if line.startswith("$ "):
            words = commands(f"```console\n{line}\n```\n")[0]
            printed = iter(run(words).splitlines() if words[0] not in SLOW else ())
        elif line.strip() != "…":
            assert line in printed, line
            checked += 1
    assert checked == 5


def test_commands_of_the_tutorial_run(place):
    shipped = [words for words in commands(page(TUTORIAL / "en.md")) if "ruozhiba" not in " ".join(words)]
    offline = [words for words in shipped if words[0] not in SLOW and words[-1] != "runs/tutorial"]
    said = "".join(run(words) for words in offline)
    assert len(offline) == 21
    promised = "".join(blocks(page(TUTORIAL / "en.md"), "text")[:5]).splitlines()
    assert [line for line in promised if line not in said.splitlines()] == []


@pytest.mark.real_data
def test_the_published_files_come_back_byte_for_byte(real_data, place):
    published = real_data / "tutorial_camp2"
    shutil.copy(published / "ruozhiba_raw.jsonl", place)
    text = page(TUTORIAL / "en.md").partition("## 14.")[2]
    said = "".join(run(words) for words in commands(text))
    for name in ("train.jsonl", "test.jsonl"):
        assert (place / "runs/tutorial/data" / name).read_bytes() == (published / name).read_bytes()
    assert blocks(text, "text")[0] in said


def test_both_tutorials_have_the_same_commands():
    english, chinese = (blocks(page(TUTORIAL / f"{name}.md"), "console") for name in ("en", "zh"))
    assert english == chinese
    assert len(english) == 17


def test_both_readmes_have_the_same_commands_recipe_and_tree():
    english, chinese = (page(ROOT / name) for name in ("README.md", "README.zh.md"))
    assert commands(english) == commands(chinese)
    assert blocks(english, "yaml") == blocks(chinese, "yaml")
    assert tree(english) == tree(chinese)


def tree(text: str) -> list[str]:
    return re.findall(r"(?m)^  (\w+)(?:/|\.py) ", text)


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_tree_names_every_room_in_order(name):
    assert tree(page(ROOT / name)) == ORDER


def anchors(path: Path) -> set[str]:
    """The ids that headings get: small letters, without punctuation, hyphens for spaces."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", page(path))
    heads = re.findall(r"(?m)^#+ (.+)$", prose)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    prose = re.sub(r"(?ms)^```.*?^```$", "", page(path))
    for link in re.findall(r"(?<!`)\]\(([^)\s]+)\)", prose):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_all_pages_were_looked_at():
    assert len(PAGES) >= 18


def test_every_recipe_in_the_guides_is_right(place, monkeypatch):
    """Complete recipes (those with a name) pass the check, with the files that the text puts beside them."""
    monkeypatch.setattr(OPERATORS, "_items", dict(OPERATORS))
    (place / "faq.csv").write_text("问题,回答\n水往哪里流？,往低处流。\n", encoding="utf-8")
    shutil.copy(EXAMPLE / "clean.jsonl", place / "raw.jsonl")
    (place / "gbk.jsonl").write_bytes(page(EXAMPLE / "clean.jsonl").encode("gb18030"))
    guide = page(ROOT / "docs/how-to/write-an-operator.md")
    (place / "my_ops.py").write_text(blocks(guide, "python")[0], encoding="utf-8")
    found = [b for path in PAGES for b in blocks(page(path), "yaml") if b.startswith("name:")]
    for number, recipe in enumerate(found):
        (place / f"{number}.yaml").write_text(recipe, encoding="utf-8")
        run(["check", f"{number}.yaml"])
    (place / "recipe.yaml").write_text(blocks(guide, "yaml")[0], encoding="utf-8")
    for words in commands(guide):
        run(words)
    lines = page(place / "runs/with-plugin/dropped.jsonl").splitlines()
    assert {json.loads(line)["reason"] for line in lines} == {"unwanted_topic", "same_opening"}
    assert len(found) == 7


def test_the_notebook_page_runs(place, capsys):
    code = "".join(blocks(page(ROOT / "docs/how-to/notebook.md"), "python"))
    exec(compile(code, "notebook.md", "exec"), {"__name__": "notebook"})
    said = capsys.readouterr().out
    assert "same_as" in said
    assert said.endswith("不会。\n")


def test_every_file_of_a_run_folder_has_its_line():
    folder = RunFolder(Path("run"))
    named = {name for name, kind in vars(RunFolder).items() if isinstance(kind, property)} - {"name", "sides"}
    paths = [getattr(folder, name) for name in sorted(named)]
    paths += [folder.door(name) for name in ("dropped", "quarantined", "held")]
    paths += [folder.model / name for name in (LOG_FILE, PROGRESS_FILE, JOB_FILE, DONE_FILE)]
    paths += [folder.catalog("*"), folder.report / "training.html", *map(folder.side, SIDES)]
    text = page(ROOT / "docs/how-to/run-folder.md")
    words = set(re.findall(r"`([^`]+)`", text))
    assert len(paths) > 25
    assert [
        str(path)
        for path in paths
        if not words & {str(path.relative_to("run")), f"{path.relative_to('run')}/", path.name}
    ] == []


def test_the_examples_for_contributors_work(monkeypatch):
    for registry in (OPERATORS, FORMATS, BACKENDS):
        monkeypatch.setattr(registry, "_items", dict(registry))
    operator, table, shape, backend, _ = blocks(page(ROOT / "CONTRIBUTING.md"), "python")
    heads = "import re, pytest\nfrom tilth.operators.base import Field, edit, operator\n"
    space = {"__name__": "contributing", "Message": Message, "Sample": Sample}
    for code in (heads + operator, table, shape, backend):
        exec(compile(code, "CONTRIBUTING.md", "exec", dont_inherit=True), space)
    space["test_question_marks"]("为什么？？？", "为什么？")
    record = {"q": "水往哪里流？", "a": "往低处流。"}
    assert space["write"](space["read"](record, "0" * 16, "faq.jsonl:1")) == record
    assert ("normalize.question_marks" in OPERATORS, "faq" in FORMATS, "script" in BACKENDS) == (True,) * 3


def test_every_command_and_operator_has_a_heading_in_the_reference():
    heads = {
        line for path in REFERENCE.glob("*.md") for line in page(path).splitlines() if line.startswith("#")
    }
    names = get_command(app).commands
    assert [name for name in names if f"## tilth {name}" not in heads] == []
    own = [name for name, op in OPERATORS if op.target.__module__.startswith("tilth.")]
    assert [name for name in own if f"### {name}" not in heads] == []
    assert len(names) >= 17
    assert len(own) >= 40

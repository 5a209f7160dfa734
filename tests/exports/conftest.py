"""Other trainers, each in its own environment made by `make exports-env`, and one run exported to all of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.internlm2 import make_internlm2
from tests.training.conftest import SETTINGS, conversation, make_run, sums
from tilth.models.opened import open_model
from tilth.training.plain import write_plain
from tilth.training.run import train

os.environ.setdefault("OMP_NUM_THREADS", "1")
ENVIRONMENTS = Path(__file__).parents[2] / ".venv-exports"
LIMIT = 96
RECORDS = [
    *sums()[:20],
    {
        "messages": [
            {"role": "system", "content": "只说一句。"},
            *conversation("水会累吗？", "不会。")["messages"],
        ]
    },
    {"messages": conversation("一？", "\n一。")["messages"] + conversation("二？", " 二。 ")["messages"]},
    conversation("长", "很长" * 60),
    conversation("更长" * 60, "没有了"),
]


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.exports)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A tiny model folder in the Llama layout with InternLM2's template."""
    folder = tmp_path_factory.mktemp("models") / "internlm2"
    make_internlm2(folder, max_position_embeddings=256)
    return open_model(folder)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "run", {"train": RECORDS, "validation": RECORDS[:5]})


@pytest.fixture
def plain(run, tmp_path):
    write_plain(run, "openai", "trl", tmp_path / "plain")
    return tmp_path / "plain"


@pytest.fixture
def llamafactory_folder(run, base, tmp_path):
    settings = SETTINGS.model_copy(
        update={"backend": "llamafactory", "base_model": str(base), "max_length": LIMIT}
    )
    return train(settings, run, dry_run=True, folder=tmp_path / "lf").folder


@pytest.fixture
def ask(tmp_path):
    """Run a script of this folder in a tool's environment; it reads one JSON file and writes another."""

    def ask(tool, script, question, cwd=None):
        python = ENVIRONMENTS / tool / "bin" / "python"
        assert python.exists(), "make exports-env"
        given, answer = tmp_path / "question.json", tmp_path / "answer.json"
        given.write_text(json.dumps(question, ensure_ascii=False), encoding="utf-8")
        done = subprocess.run(
            [str(python), str(Path(__file__).parent / script), str(given), str(answer)],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=os.environ
            | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "HF_HOME": str(tmp_path / "cache")},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(answer.read_text(encoding="utf-8"))

    return ask

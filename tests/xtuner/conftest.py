"""XTuner 0.1.17 in its own environment, made by `make xtuner-env`, and InternLM2's original code beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.internlm2 import make_internlm2
from tilth.models.opened import open_model

os.environ.setdefault("OMP_NUM_THREADS", "1")
ENVIRONMENT = Path(__file__).parents[2] / ".venv-xtuner"
PYTHON = ENVIRONMENT / "bin" / "python"
ORIGINAL_CODE = ENVIRONMENT / "internlm2"
SHIM = Path(__file__).parent / "shim"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xtuner)


@pytest.fixture(scope="session")
def xtuner_python():
    """The interpreter that has XTuner; who asks for these tests wants them run, so a missing one fails."""
    assert PYTHON.exists(), "make xtuner-env"
    return PYTHON


@pytest.fixture
def ask_xtuner(xtuner_python, tmp_path):
    """Run a script of this folder there; it reads one JSON file and writes another."""

    def ask(script, question):
        given, answer = tmp_path / "question.json", tmp_path / "answer.json"
        given.write_text(json.dumps(question, ensure_ascii=False), encoding="utf-8")
        done = subprocess.run(
            [str(xtuner_python), str(Path(__file__).parent / script), str(given), str(answer)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | cpu_environment(),
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(answer.read_text(encoding="utf-8"))

    return ask


def cpu_environment():
    """What lets XTuner run here."""
    return {
        "XTUNER_CPU_SHIM": str(ENVIRONMENT),
        "PYTHONPATH": os.pathsep.join([str(SHIM), os.environ.get("PYTHONPATH", "")]),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
    }


def make_with_code(folder, **changes):
    """A tiny InternLM2 folder with the original code; its tokenizer in the fast form, since its slow code is not at hand."""
    config, weights = make_internlm2(folder, **changes)
    for path in ORIGINAL_CODE.glob("*_internlm2.py"):
        shutil.copyfile(path, folder / path.name)
    place = open_model(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(place / name, folder / name)
    return config, weights

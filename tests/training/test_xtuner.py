"""The XTuner folder: rendered without XTuner, compared with a golden file, and checked for the tutorial's faults."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from tests.training.conftest import SETTINGS, conversation, make_run
from tilth.errors import UserError
from tilth.recipe.schema import Lora
from tilth.training.run import train
from tilth.training.xtuner_lint import lint_config, packed

GOLDEN = Path(__file__).parent / "golden"
TUTORIAL = SETTINGS.model_copy(
    update={
        "backend": "xtuner",
        "method": "qlora",
        "epochs": 3,
        "learning_rate": 2e-4,
        "batch_size": 1,
        "gradient_accumulation": 4,
        "lora": Lora(rank=64, alpha=16, dropout=0.1),
        "python": "/opt/xtuner env/bin/python",
    }
)
RECORDS = [conversation(f"第{n}问：“水”会累吗？", f"不会，第{n}答。") for n in range(1, 31)]


@pytest.fixture
def export(tmp_path):
    def make(records=RECORDS, **changes):
        run = make_run(tmp_path / "run", {"train": records})
        return train(TUTORIAL.model_copy(update=changes), run, dry_run=True)

    return make


@pytest.mark.parametrize("name", ["config.py", "train.sh"])
def test_golden(export, name):
    written = (export().folder / "xtuner" / name).read_text(encoding="utf-8")
    golden = GOLDEN / f"xtuner_{name}.txt"
    if os.environ.get("RENEW_GOLDEN"):
        golden.write_text(written, encoding="utf-8")
    assert written == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("method", ["qlora", "lora", "full"])
def test_config_is_python_that_uses_what_it_imports(export, method):
    tree = ast.parse((export(method=method).folder / "xtuner" / "config.py").read_text(encoding="utf-8"))
    imported = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assigned = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    assert imported <= used
    assert used - imported - assigned <= {"dict"}


def test_the_data_is_what_openai_map_fn_reads(export):
    first = (export().folder / "xtuner" / "train.jsonl").read_text(encoding="utf-8").splitlines()[0]
    assert first == (
        '{"messages": [{"role": "user", "content": "第1问：“水”会累吗？"}, '
        '{"role": "assistant", "content": "不会，第1答。"}]}'
    )


def test_the_command_is_the_tutorials_and_nothing_bends_it_to_a_cpu(export):
    folder = export().folder / "xtuner"
    train_sh, config = ((folder / name).read_text(encoding="utf-8") for name in ("train.sh", "config.py"))
    assert "xtuner train config.py --work-dir work --seed 42 --deepspeed deepspeed_zero2" in train_sh
    assert not any(word in train_sh for word in ("PYTHONPATH", "SHIM", "cpu"))
    assert 'dtype="float16"' in config
    assert "AmpOptimWrapper" in config


def test_deepspeed_can_be_switched_off(export):
    folder = export(extra={"deepspeed": ""}).folder / "xtuner"
    assert "deepspeed" not in (folder / "train.sh").read_text(encoding="utf-8")


def test_a_good_job_has_no_lints(export):
    assert export().lints == ()


def test_too_few_steps(export):
    (lint,) = export(gradient_accumulation=16).lints
    assert lint.rule == "few_steps"
    assert "90 iterations and only 5 optimizer steps" in lint.message


def test_internlm2_needs_its_own_code_and_keeps_its_head(export, tmp_path):
    base = tmp_path / "internlm2"
    base.mkdir()
    (base / "config.json").write_text('{"model_type": "internlm2"}', encoding="utf-8")
    result = export(base_model=str(base))
    config = (result.folder / "xtuner" / "config.py").read_text(encoding="utf-8")
    assert [lint.rule for lint in result.lints] == ["needs_remote_code"]
    assert "target_modules=['wqkv', 'wo', 'w1', 'w2', 'w3']" in config
    assert "PROMPT_TEMPLATE.internlm2_chat" in config
    assert "trust_remote_code=False" in config


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"epochs": 1.5}, "whole epochs"), ({"extra": {"lora_r": 1}}, "does not know")],
)
def test_what_xtuner_cannot_do(export, changes, complaint):
    with pytest.raises(UserError, match=complaint):
        export(**changes)


FAULTY = """
SYSTEM = SYSTEM_TEMPLATE.alpaca
prompt_template = PROMPT_TEMPLATE.default
batch_size = 1
accumulative_counts = 16
max_epochs = 3
save_steps = 500
"""


def test_lint_finds_the_tutorials_faults():
    lints = {lint.rule: lint.message for lint in lint_config(FAULTY, 32)}
    assert sorted(lints) == ["few_steps", "foreign_system", "save_after_end", "template_mismatch"]
    assert "96 iterations and only 6 optimizer steps" in lints["few_steps"]


@pytest.mark.parametrize(
    ("lengths", "limit", "shards", "expected"),
    [
        ([10] * 64, 2048, 32, (32, 0)),
        ([10] * 7, 16, 1, (4, 6)),
        ([10] * 4, 16, 2, (2, 8)),
        ([5, 5, 5], 16, 32, (3, 0)),
        ([9, 9, 9], 16, 2, (2, 2)),
    ],
)
def test_packs_and_lost_tokens(lengths, limit, shards, expected):
    assert packed(lengths, limit, shards) == expected


@pytest.mark.train
def test_packing_that_loses_tokens_is_said(export, trained):
    changes = {
        "packing": True,
        "max_length": 100,
        "base_model": str(trained[0].base),
        "gradient_accumulation": 1,
    }
    lints = {lint.rule: lint.message for lint in export(RECORDS * 3, **changes).lints}
    assert "packing_loses" in lints

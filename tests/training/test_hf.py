"""The backend `hf`: its commands, for one process and for several, and what it says beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from tests.training.conftest import SETTINGS, make_run, school_sides
from tilth.errors import UserError
from tilth.recipe.schema import Train
from tilth.store.files import read_json, read_jsonl
from tilth.training.hf import optimizer_steps, processes, uses_deepspeed, warm_up_steps
from tilth.training.run import train

pytestmark = pytest.mark.train


def prepared(tmp_path, **changes):
    run = make_run(tmp_path / "run", school_sides())
    return train(SETTINGS.model_copy(update=changes), run, dry_run=True)


def test_one_process_needs_no_launcher(tmp_path):
    found = prepared(tmp_path)
    assert found.command == (sys.executable, "-m", "tilth.training.hf_worker", "job.json")
    assert not (found.folder / "accelerate.yaml").exists()


def test_several_processes_run_under_torchs_launcher(tmp_path):
    found = prepared(tmp_path, extra={"processes": 4})
    assert found.command[1:6] == (
        *("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4"),
        "-m",
    )
    about = yaml.safe_load((found.folder / "accelerate.yaml").read_text(encoding="utf-8"))
    assert (about["num_processes"], about["distributed_type"]) == (4, "MULTI_GPU")


def test_zero_2_is_written_where_deepspeed_is(tmp_path, monkeypatch):
    monkeypatch.setattr("tilth.training.hf.find_spec", lambda name: name)
    found = prepared(tmp_path, extra={"processes": 2, "deepspeed": "zero2"})
    config = json.loads((found.folder / "deepspeed_zero2.json").read_text(encoding="utf-8"))
    assert config["zero_optimization"]["stage"] == 2
    assert config["train_micro_batch_size_per_gpu"] == config["bf16"]["enabled"] == "auto"


def test_deepspeed_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("tilth.training.hf.find_spec", lambda name: None if name == "deepspeed" else name)
    with pytest.raises(UserError, match="needs DeepSpeed"):
        prepared(tmp_path, extra={"deepspeed": "zero2"})


@pytest.mark.parametrize("extra", [{"processes": 0}, {"processes": "two"}, {"deepspeed": "zero9"}])
def test_odd_settings_are_refused(extra):
    settings = Train(base_model="x", extra=extra)
    read = processes if "processes" in extra else uses_deepspeed
    with pytest.raises(UserError):
        read(settings)


def test_steps_and_warm_up_are_those_of_transformers():
    from transformers import TrainingArguments

    settings = Train(base_model="x", batch_size=3, gradient_accumulation=4, epochs=2.5)
    assert optimizer_steps(100, settings) == 23
    assert optimizer_steps(100, settings, 2) == 13
    theirs = TrainingArguments(output_dir="x", warmup_steps=0.03, use_cpu=True, bf16=False)
    for steps in (1, 23, 33, 34, 1000):
        assert warm_up_steps(steps, settings) == theirs.get_warmup_steps(steps)
    assert warm_up_steps(50, settings.model_copy(update={"extra": {"warmup_steps": 7}})) == 7


@pytest.mark.slow
def test_two_processes_learn_as_one_with_twice_the_batch(trained, tmp_path):
    """A real run of two processes on this CPU, over gloo: same number of steps, and nearly the same losses."""
    results = []
    for place, changes in (("one", {"batch_size": 4}), ("two", {"batch_size": 2, "extra": {"processes": 2}})):
        run = make_run(tmp_path / place, school_sides())
        lora = SETTINGS.lora.model_copy(update={"dropout": 0.0})
        settings = SETTINGS.model_copy(update={"base_model": str(trained[0].base), "lora": lora, **changes})
        said: list[str] = []
        results.append(train(settings, run, progress=said.append))
        assert any(f"{place.replace('one', '1').replace('two', '2')} process" in line for line in said)
    one, two = results
    assert (two.steps, two.artifact.kind) == (one.steps, "adapter")
    assert two.loss == pytest.approx(one.loss, rel=0.15)
    assert [row["step"] for row in read_jsonl(two.folder / "log.jsonl")] == list(range(1, two.steps + 1))
    assert read_json(two.folder / "progress.json")["rows_a_step"] == 4


@pytest.mark.slow
def test_two_processes_go_on_after_a_kill(trained, tmp_path):
    run = make_run(tmp_path / "run", school_sides())
    settings = SETTINGS.model_copy(update={"base_model": str(trained[0].base), "extra": {"processes": 2}})
    ready = train(settings, run, dry_run=True)
    process = subprocess.Popen(
        ready.command, cwd=ready.folder, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    for line in process.stdout:
        if line.startswith("step 12/"):
            os.killpg(process.pid, 9)
    process.communicate()
    said: list[str] = []
    result = train(settings, run, progress=said.append)
    assert any("going on after step" in line for line in said)
    assert result.steps == read_json(result.folder / "progress.json")["steps"]

"""The tutorial's whole flow with XTuner 0.1.17 on a CPU: train with QLoRA, convert, merge, chat; then Tilth goes on."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import torch

from tests.training.conftest import SETTINGS, make_run, sums
from tests.xtuner.conftest import cpu_environment, make_with_code
from tilth.models.base import Generation
from tilth.models.local import LocalModel
from tilth.recipe.schema import Lora
from tilth.sample import Message
from tilth.store.files import read_json
from tilth.training.merge import merge
from tilth.training.run import train

QUESTION = "一加一等于几？"
GREEDY = Generation(max_new_tokens=12, temperature=0)


@pytest.fixture(scope="module")
def flow(xtuner_python, tmp_path_factory):
    """`tilth train --backend xtuner` on a tiny InternLM2 with four-bit weights: the result, the run and the log's lines."""
    place = tmp_path_factory.mktemp("flow")
    make_with_code(place / "internlm2", max_position_embeddings=256)
    run = make_run(place / "run", {"train": sums()})
    settings = SETTINGS.model_copy(
        update={
            "backend": "xtuner",
            "method": "qlora",
            "base_model": str(place / "internlm2"),
            "epochs": 3,
            "learning_rate": 1e-2,
            "batch_size": 1,
            "gradient_accumulation": 1,
            "max_length": 256,
            "lora": Lora(rank=16, alpha=32, dropout=0.1),
            "python": str(xtuner_python),
            "extra": {"deepspeed": "", "trust_remote_code": True, "evaluation_inputs": [QUESTION]},
        }
    )
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cpu_environment().items():
            patch.setenv(name, value)
        result = train(settings, run, progress=lines.append)
    return result, run, lines


def test_it_trains_and_learns(flow):
    result, run, lines = flow
    losses = [float(found[1]) for line in lines if (found := re.search(r"  loss: ([0-9.]+)", line))]
    print(f"{len(losses)} iterations, loss {losses[0]:.3f} -> {losses[-1]:.3f}")
    assert len(losses) == 3 * len(sums())
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    assert result.artifact.kind == "adapter"
    assert (run.model / "xtuner" / "work" / f"iter_{len(losses)}.pth").is_file()


def test_the_adapter_comes_in_the_llama_layout(flow):
    result, *_ = flow
    config = read_json(result.artifact.path / "adapter_config.json")
    wanted = ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"]
    assert (config["r"], config["target_modules"]) == (16, wanted)


def test_tilth_chats_with_what_xtuner_merged(flow):
    _, run, _ = flow
    merged = run.model / "xtuner" / "merged"
    assert any(merged.glob("*.safetensors"))
    done = subprocess.run(
        [sys.executable, "-m", "tilth.cli.app", "chat", str(merged), "--max-new-tokens", "8"],
        input=f"{QUESTION}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_xtuners_merge_and_ours_say_the_same(flow, tmp_path):
    result, run, _ = flow
    ours = merge(result.base, result.artifact.path, tmp_path / "merged")
    assert ours.difference < 1e-3
    models = [LocalModel(folder) for folder in (ours.path, run.model / "xtuner" / "merged")]
    ids = torch.tensor(
        [models[0].template.prompt_ids(models[0].tokenizer, [Message(role="user", content=QUESTION)])]
    )
    with torch.inference_mode():
        first, second = (model._loaded.model(input_ids=ids).logits for model in models)
    difference = float((first - second).abs().max())
    print(f"largest logit difference to XTuner's merged model, which is rounded to float16: {difference:.1e}")
    assert difference < 0.05


def test_xtuner_chats(flow, xtuner_python):
    _, run, _ = flow
    done = subprocess.run(
        [
            str(xtuner_python.with_name("xtuner")),
            *("chat", "merged", "--prompt-template", "internlm2_chat", "--max-new-tokens", "8"),
        ],
        cwd=run.model / "xtuner",
        input=f"{QUESTION}\n\nEXIT\n\n",
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | cpu_environment() | {"PATH": f"{xtuner_python.parent}:{os.environ['PATH']}"},
    )
    assert "Log: Exit!" in done.stdout, done.stderr[-2000:]


def test_a_crash_is_seen_though_xtuner_exits_with_0(flow, xtuner_python, tmp_path):
    """The program drops the exit code of what it starts."""
    done = subprocess.run(
        [str(xtuner_python.with_name("xtuner")), "train", "none.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | cpu_environment() | {"PATH": f"{xtuner_python.parent}:{os.environ['PATH']}"},
    )
    assert (done.returncode, "Cannot find none.py" in done.stderr + done.stdout) == (0, True)

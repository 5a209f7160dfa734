"""The converted model against InternLM2's original code: the same logits."""

from __future__ import annotations

import torch
from peft import LoraConfig, get_peft_model

from tests.models.test_internlm2 import SHAPES, logits
from tests.xtuner.conftest import make_with_code
from tilth.models.loader import Hardware, load_model
from tilth.training.convert import adapter_to_internlm2

LENGTH = 40


def test_logits_equal_the_original_codes(ask_xtuner, tmp_path):
    questions = []
    for name, changes in SHAPES.items():
        folder = tmp_path / name.replace(" ", "_")
        config, _ = make_with_code(folder, **changes)
        draw = torch.Generator().manual_seed(2)
        ids = torch.randint(3, config["vocab_size"], (LENGTH,), generator=draw).tolist()
        questions.append({"model": str(folder), "ids": ids})
    answers = ask_xtuner("ask_logits.py", questions)
    differences = {}
    for name, question, answer in zip(SHAPES, questions, answers, strict=True):
        wanted = torch.tensor(answer)
        assert float(wanted.std()) > 0.5
        ours = logits(tmp_path / name.replace(" ", "_"), question["ids"])
        differences[name] = float((ours - wanted).abs().max())
    print({name: f"{difference:.1e}" for name, difference in differences.items()})
    assert len(differences) == 7
    assert max(differences.values()) < 1e-4


def test_an_adapter_written_back_says_the_same_over_the_original_code(ask_xtuner, tmp_path):
    folder = tmp_path / "m"
    make_with_code(folder)
    model = load_model(folder, Hardware("cpu", "float32"))
    lora = LoraConfig(
        r=4, lora_alpha=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM"
    )
    adapted = get_peft_model(model, lora).eval()
    adapted.save_pretrained(tmp_path / "adapter")
    ids = list(range(3, 43))
    with torch.inference_mode():
        ours = adapted(input_ids=torch.tensor([ids])).logits[0]
    adapter_to_internlm2(tmp_path / "adapter", folder, tmp_path / "back")
    question = {"model": str(folder), "ids": ids}
    bare, answer = ask_xtuner("ask_logits.py", [question, question | {"adapter": str(tmp_path / "back")}])
    difference = float((ours - torch.tensor(answer)).abs().max())
    moved = float((torch.tensor(bare) - torch.tensor(answer)).abs().max())
    print(
        f"adapter moves logits by up to {moved:.2f}; largest difference between the layouts {difference:.1e}"
    )
    assert moved > 0.1
    assert difference < 1e-4

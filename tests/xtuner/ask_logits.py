"""Runs in XTuner's environment: logits of InternLM2 folders through the original code, with an adapter or without."""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM


def logits(item):
    model = AutoModelForCausalLM.from_pretrained(
        item["model"], trust_remote_code=True, torch_dtype=torch.float32
    ).eval()
    assert type(model).__name__ == "InternLM2ForCausalLM"
    if item.get("adapter"):
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, item["adapter"]).eval()
    with torch.inference_mode():
        return model(input_ids=torch.tensor([item["ids"]]), use_cache=False).logits[0].tolist()


given, answer = map(Path, sys.argv[1:])
answer.write_text(json.dumps([logits(item) for item in json.loads(given.read_text(encoding="utf-8"))]))

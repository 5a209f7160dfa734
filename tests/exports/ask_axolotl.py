"""Runs in axolotl's environment: the data block of a configuration through its schema, and rows through its strategy."""

import json
import sys
from pathlib import Path

from axolotl.prompt_strategies.chat_template import load
from axolotl.utils.dict import DictDefault
from axolotl.utils.schemas.datasets import SFTDataset
from datasets import load_dataset
from transformers import AutoTokenizer

given, answer = map(Path, sys.argv[1:])
question = json.loads(given.read_text(encoding="utf-8"))
block = SFTDataset(**question["block"]).model_dump(exclude_none=True)
tokenizer = AutoTokenizer.from_pretrained(question["model"])
settings = DictDefault(
    {"sequence_len": question["limit"], "train_on_inputs": False, "chat_template": "tokenizer_default"}
)
strategy = load(tokenizer, settings, ds_cfg=block)
rows = load_dataset("json", data_files=question["block"]["path"], split="train")
found = [strategy.tokenize_prompt(row) for row in rows]
answer.write_text(json.dumps([{"ids": row["input_ids"], "labels": row["labels"]} for row in found]))

"""Runs in XTuner's environment: ids and labels as `process_hf_dataset` makes them of messages, unpacked."""

import json
import sys
from pathlib import Path

from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer
from xtuner.dataset import process_hf_dataset
from xtuner.dataset.map_fns import openai_map_fn, template_map_fn_factory
from xtuner.utils import PROMPT_TEMPLATE

given, answer = map(Path, sys.argv[1:])
question = json.loads(given.read_text(encoding="utf-8"))
rows = process_hf_dataset(
    dataset=DatasetDict(train=Dataset.from_list([{"messages": row} for row in question["rows"]])),
    tokenizer=AutoTokenizer.from_pretrained(question["model"]),
    max_length=question["max_length"],
    dataset_map_fn=openai_map_fn,
    template_map_fn=template_map_fn_factory(template=PROMPT_TEMPLATE.internlm2_chat),
    remove_unused_columns=True,
    pack_to_max_length=False,
    map_num_proc=1,
)
answer.write_text(json.dumps([{"ids": row["input_ids"], "labels": row["labels"]} for row in rows]))

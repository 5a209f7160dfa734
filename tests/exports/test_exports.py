"""Each export through the reader or the schema of the tool it is for."""

from __future__ import annotations

import json

import pytest

from tests.exports.conftest import LIMIT, RECORDS
from tilth.formats import FORMATS
from tilth.models.loader import Hardware, load_model, load_template, load_tokenizer
from tilth.recipe.schema import Train
from tilth.training.llamafactory_rows import llamafactory_encoded
from tilth.training.plain import write_plain
from tilth.training.rows import encode_samples
from tilth.training.tokens import count_tokens

IGNORED = -100


def samples(records=RECORDS):
    read = FORMATS.get("openai").read
    return [read(record, str(n), f"t:{n}") for n, record in enumerate(records, 1)]


def our_rows(base, limit=10_000):
    rows = encode_samples(samples(), load_template(base), load_tokenizer(base), limit)
    return list(zip(rows.ids, rows.labels(IGNORED), strict=True))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_trl(plain, base, tmp_path):
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset("json", data_files=str(plain / "train.jsonl"), split="train", cache_dir=str(tmp_path))
    settings = SFTConfig(
        output_dir=str(tmp_path / "out"),
        assistant_only_loss=True,
        max_length=None,
        report_to="none",
        use_cpu=True,
    )
    trainer = SFTTrainer(
        load_model(base, Hardware("cpu", "float32")),
        args=settings,
        train_dataset=rows,
        processing_class=AutoTokenizer.from_pretrained(base),
    )
    found = [(row["input_ids"], row["labels"]) for row in trainer.train_dataset]
    print(f"trl: {len(found)} rows, ids and labels equal")
    assert found == our_rows(base)


def test_openai(run, tmp_path):
    from openai.types.chat import ChatCompletionMessageParam
    from pydantic import TypeAdapter

    write_plain(run, "openai", "openai", tmp_path / "openai")
    check = TypeAdapter(ChatCompletionMessageParam)
    rows = lines(tmp_path / "openai" / "train.jsonl")
    for row in rows:
        assert row.keys() <= {"messages", "tools"}
        assert [check.validate_python(turn)["role"] for turn in row["messages"]][-1] == "assistant"
        assert all(turn.keys() <= {"role", "content", "weight"} for turn in row["messages"])
    print(f"openai: {len(rows)} rows valid")
    assert len(rows) == len(RECORDS)


def test_llamafactory(llamafactory_folder, base, ask):
    question = {"yaml": "llamafactory/train.yaml"}
    found = ask("llamafactory", "ask_llamafactory.py", question, cwd=llamafactory_folder)["train_dataset"]
    settings = Train(base_model="x", backend="llamafactory", max_length=LIMIT)
    counted = count_tokens(samples(), base, settings).totals
    dropped = counted["untrained"]
    print(
        f"llamafactory: keeps {len(found)}, drops {len(RECORDS) - len(found)}; tilth tokens drops {dropped}"
    )
    assert (len(found), len(RECORDS) - len(found)) == (counted["samples"] - dropped, dropped)
    template, tokenizer = load_template(base), load_tokenizer(base)
    begin = tokenizer.token_to_id("<s>")
    ours = [
        {
            "input_ids": row.ids,
            "labels": [i if mark else IGNORED for i, mark in zip(row.ids, row.trained, strict=True)],
        }
        for row in llamafactory_encoded(samples(), template, begin, tokenizer, LIMIT)
    ]
    equal = sum({name: theirs[name] for name in row} == row for theirs, row in zip(found, ours, strict=True))
    print(f"llamafactory: {equal} of {len(found)} rows have equal ids and labels")
    assert equal == len(found)
    assert counted["trained"] == sum(sum(i != IGNORED for i in row["labels"][1:]) for row in found)


def test_ms_swift(plain, ask):
    found = ask("swift", "ask_swift.py", {"data": str(plain / "train.jsonl")})
    wanted = [row["messages"] for row in lines(plain / "train.jsonl")]
    print(f"ms-swift: {len(found)} rows, messages equal")
    assert [[(turn["role"], turn["content"]) for turn in row] for row in found] == [
        [(turn["role"], turn["content"]) for turn in row] for row in wanted
    ]


def test_axolotl(plain, base, ask):
    block = {
        "path": str(plain / "train.jsonl"),
        "ds_type": "json",
        "type": "chat_template",
        "field_messages": "messages",
        "roles_to_train": ["assistant"],
        "train_on_eos": "turn",
    }
    found = ask("axolotl", "ask_axolotl.py", {"block": block, "model": str(base), "limit": 10_000})
    ours = our_rows(base)
    ids = sum(row["ids"] == wanted for row, (wanted, _) in zip(found, ours, strict=True))
    print(f"axolotl: {len(found)} rows, {ids} with equal ids")
    assert ids == len(RECORDS)

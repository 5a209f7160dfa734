"""What `tilth tokens` says of a sample against what XTuner's own `process_hf_dataset` makes of it."""

from __future__ import annotations

import json

import pytest

from tests.internlm2 import save_tokenizer
from tilth.formats import FORMATS
from tilth.models.loader import load_template, load_tokenizer
from tilth.models.opened import _write_companions
from tilth.models.template import ChatTemplate
from tilth.recipe.schema import Train
from tilth.training.rows import encoded
from tilth.training.tokens import count_tokens
from tilth.training.xtuner_rows import xtuner_encoded

LIMIT = 300
HAND_MADE = [
    [("user", "水会累吗？"), ("assistant", "不会。")],
    [("system", "只用一句话回答。"), ("user", "  两个空格  "), ("assistant", " 空格开头，空格结尾 ")],
    [("user", "一\n"), ("assistant", "\n\n换行开头"), ("user", "二"), ("assistant", "")],
    [("user", "代码"), ("assistant", "```python\n    x = {'a': 1}\n```\n")],
    [
        ("system", "甲"),
        ("user", "一"),
        ("assistant", "1"),
        ("system", "乙"),
        ("user", "二"),
        ("assistant", "2"),
    ],
    [("user", "<|im_end|>假的"), ("assistant", "<s>也是 🎉 龘")],
    [("user", "长"), ("assistant", "很长" * 400)],
    [("user", "更长" * 400), ("assistant", "没有了")],
]


def messages(pairs):
    return [{"role": role, "content": content} for role, content in pairs]


def differing(ask, folder, rows):
    """Rows whose ids or labels differ from XTuner's."""
    samples = [
        FORMATS.get("xtuner").read({"messages": row}, str(k), f"t:{k}") for k, row in enumerate(rows, 1)
    ]
    template, tokenizer = load_template(folder), load_tokenizer(folder)
    begin = tokenizer.token_to_id(template.tokens["bos_token"])
    theirs = ask("ask_labels.py", {"model": str(folder), "max_length": LIMIT, "rows": rows})
    every = list(xtuner_encoded(samples, begin, tokenizer, LIMIT))
    ours = [row for row in every if row.learns]
    assert (len(every), len(ours)) == (len(rows), len(theirs))
    wrong = []
    for row, answer in zip(ours, theirs, strict=True):
        labels = [token if mark else -100 for token, mark in zip(row.ids, row.trained, strict=True)]
        if (row.ids, labels) != (answer["ids"], answer["labels"]):
            wrong.append(row.sample.place)
    counted = count_tokens(samples, folder, Train(base_model="x", backend="xtuner", max_length=LIMIT))
    assert counted.totals["trained"] == sum(
        sum(label != -100 for label in answer["labels"][1:]) for answer in theirs
    )
    whole = list(encoded(samples, template, tokenizer, LIMIT))
    seams = sum(one.ids != other.ids for one, other in zip(whole, every, strict=True))
    print(
        f"{len(ours)} of {len(rows)} rows learnt from, {len(wrong)} differ; {seams} would differ if a sample were encoded as a whole"
    )
    return wrong


@pytest.fixture
def hand_made_folder(tmp_path):
    (tmp_path / "m").mkdir()
    save_tokenizer(tmp_path / "m")
    return fast_folder(tmp_path / "m", tmp_path / "fast")


def fast_folder(source, out):
    """XTuner's side has no code for InternLM2's slow tokenizer, so both sides read the fast form."""
    from tests.internlm2 import make_config

    out.mkdir()
    _write_companions(source, make_config(vocab_size=10), out)
    (out / "config.json").write_text(json.dumps(make_config(vocab_size=10)), encoding="utf-8")
    return out


def test_hand_made_conversations(ask_xtuner, hand_made_folder):
    assert isinstance(load_template(hand_made_folder), ChatTemplate)
    assert differing(ask_xtuner, hand_made_folder, [messages(pairs) for pairs in HAND_MADE]) == []


@pytest.mark.real_data
def test_the_tutorials_data_with_internlm2s_tokenizer(ask_xtuner, real_data, tmp_path):
    lines = (real_data / "tutorial_camp2" / "ruozhiba_format.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line)["messages"] for line in lines]
    assert len(rows) == 240
    folder = fast_folder(real_data / "tok_internlm", tmp_path / "fast")
    assert differing(ask_xtuner, folder, rows) == []

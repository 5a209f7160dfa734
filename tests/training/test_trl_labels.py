"""Our labels are trl's own, for conversations of many shapes: its trainer is asked in this process."""

from __future__ import annotations

import json
import random

import pytest

from tilth.formats import FORMATS
from tilth.models.loader import Hardware, load_model, load_tokenizer
from tilth.models.template import INTERNLM2, ChatTemplate
from tilth.training.rows import encode_samples

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::FutureWarning")]

LIMIT = 150
WORDS = [
    "三加四",
    "等于几？",
    "等于七。",
    "\n",
    "简短 回答",
    "𠮷😀",
    "e\u0301",
    "  ",
    "<b>",
    "“零”",
    "{{ x }}",
    "hello, world",
    "\t",
]
TOOLED = """\
{{- bos_token }}
{%- if tools %}{{- '<|im_start|>system\\n' ~ tools | tojson ~ '<|im_end|>\\n' }}{%- endif %}
{%- for message in messages %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}
        {{- message.content }}
        {%- for call in message.tool_calls or [] %}{{- '<call>' ~ call.function.name ~ call.function.arguments | tojson }}{%- endfor %}
        {{- '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message.content ~ '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
ADD = {
    "type": "function",
    "function": {
        "name": "加",
        "description": "和",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}}},
    },
}


def conversations(count):
    """Conversations of one to six turns, with and without a system message, some far beyond the limit."""
    drawn = random.Random(11)

    def text():
        return "".join(drawn.choices(WORDS, k=drawn.randint(1, drawn.choice([3, 12, 60]))))

    for _ in range(count):
        talk = [{"role": "system", "content": text()}] if drawn.random() < 0.4 else []
        for _ in range(drawn.randint(1, 3)):
            talk += [{"role": "user", "content": text()}, {"role": "assistant", "content": text()}]
        yield talk


def calling(k):
    call = {"type": "function", "function": {"name": "加", "arguments": {"a": k}}}
    return [
        {"role": "user", "content": f"加{k}"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": str(k + 1)},
        {"role": "assistant", "content": "好。" * k},
    ]


def theirs(base, template, rows, tmp_path, limit=LIMIT):
    """The ids and labels that trl makes of rows."""
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.chat_template = template
    made = SFTTrainer(
        model=load_model(base, Hardware("cpu", "float32")),
        args=SFTConfig(
            output_dir=str(tmp_path),
            assistant_only_loss=True,
            max_length=limit,
            use_cpu=True,
            bf16=False,
            report_to="none",
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
    ).train_dataset
    return [(list(row["input_ids"]), list(row["labels"])) for row in made]


def ours(base, template, rows, limit=LIMIT):
    """What we make of the same rows, and how many are cut; a row that teaches nothing has no place in it."""
    read = FORMATS.get("openai").read
    samples = [read(row, f"{k:016x}", f"x:{k}") for k, row in enumerate(rows)]
    chat = ChatTemplate(template, {"bos_token": "<s>", "eos_token": "</s>"})
    found = encode_samples(samples, chat, load_tokenizer(base), limit)
    assert found.refused == {}
    return found, list(zip(found.ids, found.labels(-100), strict=True))


def test_sixty_conversations_of_many_shapes(trained, tmp_path):
    rows = [{"messages": talk} for talk in conversations(60)]
    found, mine = ours(trained[0].base, INTERNLM2, rows)
    assert mine == theirs(trained[0].base, INTERNLM2, rows, tmp_path)
    assert len(found.truncated) > 15
    assert len(mine) + len(found.untrained) == 60
    assert len(mine) > 40


def test_tools_and_their_answers(trained, tmp_path):
    rows = [{"messages": calling(k), "tools": [ADD]} for k in range(1, 6)]
    _, mine = ours(trained[0].base, TOOLED, rows, 2000)
    assert mine == theirs(trained[0].base, TOOLED, rows, tmp_path, 2000)
    assert len(mine) == 5


def test_a_loss_of_each_message_takes_out_its_turn_alone(trained, tmp_path):
    talks = [talk for talk in conversations(30) if len(talk) >= 4][:12]
    rows = json.loads(json.dumps([{"messages": talk} for talk in talks]))
    expected = []
    whole = theirs(trained[0].base, INTERNLM2, rows, tmp_path, 2000)
    for row, (ids, labels) in zip(rows, whole, strict=True):
        first = next(message for message in row["messages"] if message["role"] == "assistant")
        first["loss"] = False
        start = next(i for i, label in enumerate(labels) if label != -100)
        end = next(i for i in range(start, len(labels) + 1) if i == len(labels) or labels[i] == -100)
        expected.append((ids, [*labels[:start], *[-100] * (end - start), *labels[end:]]))
    _, mine = ours(trained[0].base, INTERNLM2, rows, 2000)
    assert mine == expected
    assert len(mine) == 12

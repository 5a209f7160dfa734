"""One job for all contestants: a random model of InternLM2's shape, conversations, a run folder."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tilth.models.template import INTERNLM2
from tilth.recipe.schema import Train
from tilth.store.folder import RunFolder
from tilth.training.base import Job
from tilth.training.run import make_job
from tilth.training.tiny import save_tokenizer, train_tokenizer

SHAPES: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 128, "intermediate_size": 344, "num_hidden_layers": 3, "num_attention_heads": 4},
    "100m": {
        "hidden_size": 768,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
    },
    "400m": {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
    },
    "1b": {
        "hidden_size": 2048,
        "intermediate_size": 5632,
        "num_hidden_layers": 20,
        "num_attention_heads": 16,
    },
}
"""InternLM2's shape in several sizes: a Llama decoder with half as many key and value heads."""
HANZI = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经"


def conversations(count: int, longest: int) -> list[dict[str, Any]]:
    """Questions and answers of random hanzi; answers are long-tailed, as real ones are."""
    drawn = random.Random(42)

    def text(mean: float) -> str:
        return "".join(drawn.choices(HANZI, k=min(longest, 8 + int(drawn.expovariate(1 / mean)))))

    return [
        {
            "messages": [
                {"role": "user", "content": text(30)},
                {"role": "assistant", "content": text(longest / 8)},
            ]
        }
        for _ in range(count)
    ]


def make_run(folder: Path, rows: list[dict[str, Any]]) -> RunFolder:
    """A run folder as far as training reads it."""
    (folder / "data").mkdir(parents=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "data" / "train.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    index = [
        {"file": "train.jsonl", "line": n, "id": f"{n:016x}", "place": f"made:{n}"}
        for n in range(1, len(rows) + 1)
    ]
    (folder / "data" / "index.jsonl").write_text("\n".join(map(json.dumps, index)) + "\n", encoding="utf-8")
    (folder / "recipe.lock.yaml").write_text("data:\n  to: openai\n", encoding="utf-8")
    (folder / "run.json").write_text('{"status": "done"}', encoding="utf-8")
    return RunFolder(folder)


def make_base(folder: Path, shape: str, context: int, vocabulary: int | None) -> int:
    """A random model with a tokenizer of its own; returns how many weights it has."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = train_tokenizer([HANZI * 4])
    save_tokenizer(tokenizer, folder)
    (folder / "chat_template.jinja").write_text(INTERNLM2, encoding="utf-8")
    torch.manual_seed(0)
    heads = SHAPES[shape]["num_attention_heads"]
    config = LlamaConfig(
        **SHAPES[shape],
        num_key_value_heads=heads // 2,
        vocab_size=vocabulary or tokenizer.get_vocab_size(),
        max_position_embeddings=context,
        bos_token_id=1,
        eos_token_id=2,
        rope_theta=1_000_000.0,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(folder)
    return int(model.num_parameters())


def job_of(run: RunFolder, base: Path, **settings: Any) -> Job:
    """The job of a recipe's `train` section over this base."""
    run.model.mkdir(exist_ok=True)
    return make_job(Train(base_model=str(base), **settings), run, run.model)

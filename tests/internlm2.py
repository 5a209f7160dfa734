"""A tiny InternLM2 model folder made on the spot, and InternLM2's arithmetic in plain torch, written from its layout."""

from __future__ import annotations

import io
import json
import math

TEXTS = [
    "水和冰都会结冰吗？水会，冰已经是了。",
    "今天天气很好，我们去公园吧。",
    "你好，请问现在几点？我用水兑水，得到的是稀水还是浓水。",
    "system user assistant 零加一等于几？等于二三四五六七八九十。",
] * 4
STOCK_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""As the hub's folders have it: InternLM2's shape, and no markers for training."""
CONFIG = {
    "architectures": ["InternLM2ForCausalLM"],
    "auto_map": {
        "AutoConfig": "configuration_internlm2.InternLM2Config",
        "AutoModelForCausalLM": "modeling_internlm2.InternLM2ForCausalLM",
        "AutoModel": "modeling_internlm2.InternLM2ForCausalLM",
    },
    "model_type": "internlm2",
    "attn_implementation": "eager",
    "bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
    "hidden_act": "silu",
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000,
    "rope_scaling": None,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "use_cache": True,
}
MARKS = ("<|im_end|>", "<|im_start|>")


def make_config(**changes):
    config = CONFIG | changes
    if config["rope_scaling"] and "max_position_embeddings" not in changes:
        config["max_position_embeddings"] = 16
    return config


def save_tokenizer(folder):
    """A SentencePiece model whose last two slots the role marks take, as InternLM2's; returns the vocabulary's size."""
    import sentencepiece

    sink = io.BytesIO()
    slots = ["[SLOT_0]", "[SLOT_1]"]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=sink,
        model_type="bpe",
        vocab_size=400,
        byte_fallback=True,
        minloglevel=2,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        user_defined_symbols=slots,
    )
    (folder / "tokenizer.model").write_bytes(sink.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=sink.getvalue())
    listed = {
        str(processor.piece_to_id(slot)): {"content": mark, "special": True}
        for slot, mark in zip(slots, MARKS, strict=True)
    }
    plain = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}
    about = {"added_tokens_decoder": listed, "chat_template": STOCK_TEMPLATE, "add_bos_token": True, **plain}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")
    return processor.vocab_size()


def random_weights(config, seed=0):
    """Weights large enough that every one of them moves the logits."""
    import torch

    from tilth.models.internlm2 import expected_shapes, read_layout

    draw = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in expected_shapes(read_layout(config)).items():
        scale = 0.3 if name.endswith("bias") or "norm" in name else 0.8 / math.sqrt(shape[-1])
        weights[name] = torch.randn(shape, generator=draw) * scale + (1.0 if "norm" in name else 0.0)
    weights["model.tok_embeddings.weight"] *= 6
    return weights


def make_internlm2(folder, pickled=False, **changes):
    """A model folder as the hub has it; returns its configuration and weights."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    config = make_config(**changes) | {"vocab_size": save_tokenizer(folder)}
    weights = random_weights(config)
    if config["tie_word_embeddings"]:
        del weights["output.weight"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if pickled:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return config, weights


def reference_logits(ids, config, weights):
    """The logits of one sequence of ids, row by row from the layout's description."""
    import torch

    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    head, each = config["hidden_size"] // heads, heads // groups
    eps, count = config["rms_norm_eps"], len(ids)
    cos, sin = _rotation(count, head, config)
    x = weights["model.tok_embeddings.weight"][torch.tensor(ids)]
    future = torch.full((count, count), -torch.inf).triu(1)
    for k in range(config["num_hidden_layers"]):
        w = {name.removeprefix(f"model.layers.{k}."): tensor for name, tensor in weights.items()}
        y = _norm(x, w["attention_norm.weight"], eps)
        joined = y @ w["attention.wqkv.weight"].T + w.get("attention.wqkv.bias", 0)
        mixed = []
        for h in range(heads):
            start = (h // each) * (each + 2) * head
            take = [start + (h % each) * head, start + each * head, start + (each + 1) * head]
            query, key, value = (joined[:, at : at + head] for at in take)
            query, key = (v * cos + _turned(v) * sin for v in (query, key))
            mixed.append(torch.softmax(query @ key.T / math.sqrt(head) + future, dim=-1) @ value)
        x = x + torch.cat(mixed, 1) @ w["attention.wo.weight"].T + w.get("attention.wo.bias", 0)
        y = _norm(x, w["ffn_norm.weight"], eps)
        gate = torch.nn.functional.silu(y @ w["feed_forward.w1.weight"].T)
        x = x + (gate * (y @ w["feed_forward.w3.weight"].T)) @ w["feed_forward.w2.weight"].T
    output = weights.get("output.weight", weights["model.tok_embeddings.weight"])
    return _norm(x, weights["model.norm.weight"], eps) @ output.T


def _norm(x, weight, eps):
    return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * weight


def _turned(x):
    import torch

    left, right = x.chunk(2, -1)
    return torch.cat([-right, left], -1)


def _rotation(count, head, config):
    """Cosine and sine for each position; scaled `dynamic` as NTK-aware scaling grows with the text."""
    import torch

    base, longest, scaling = config["rope_theta"], config["max_position_embeddings"], config["rope_scaling"]
    positions = torch.arange(count, dtype=torch.float32)
    if scaling and scaling["type"] == "linear":
        positions = positions / scaling["factor"]
    if scaling and scaling["type"] == "dynamic" and count > longest:
        factor = scaling["factor"]
        base = base * (factor * count / longest - (factor - 1)) ** (head / (head - 2))
    angles = positions[:, None] / base ** (torch.arange(0, head, 2).float() / head)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()

"""InternLM2's weights in the Llama layout, and back: the same numbers under other names and in other rows.

InternLM2 (Cai et al. 2024, arXiv 2403.17297) is a Llama decoder that keeps query, key and value in one matrix. Its
rows come in groups, one for each key/value head: the query heads that share it, then the key head, then the value head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.errors import FormatError, UserError
from tilth.models.template import INTERNLM2, ChatTemplate
from tilth.sample import Message

if TYPE_CHECKING:
    import torch

MODEL_TYPE = "internlm2"
ROPE_SCALINGS = ("linear", "dynamic")
TOP_NAMES = {
    "model.tok_embeddings": "model.embed_tokens",
    "model.norm": "model.norm",
    "output": "lm_head",
}
LAYER_NAMES = {
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
"""InternLM2's name within a layer → Llama's. The joined matrix is not among them: it is cut."""
JOINED = "attention.wqkv"
PARTS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
_PROBE = (
    Message(role="system", content="a"),
    Message(role="user", content="b"),
    Message(role="assistant", content="c"),
    Message(role="user", content="d"),
)


class Layout(NamedTuple):
    """The sizes that decide every shape."""

    vocabulary: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    groups: int
    """Key/value heads; each serves `heads / groups` query heads."""
    bias: bool
    """Whether the attention's matrices have one."""
    tied: bool
    """Whether the head is the embedding."""

    @property
    def head(self) -> int:
        """Numbers in one head."""
        return self.hidden // self.heads


def read_layout(config: Mapping[str, Any]) -> Layout:
    """The sizes that an InternLM2 `config.json` names.

    Raises:
        UserError: one is missing, or they do not fit together.
    """
    needed = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    missing = [name for name in needed if not isinstance(config.get(name), int)]
    if missing:
        raise UserError(f"config.json of the InternLM2 model lacks {', '.join(missing)}.")
    vocabulary, hidden, intermediate, layers, heads = (int(config[name]) for name in needed)
    groups = int(config.get("num_key_value_heads") or heads)
    if hidden % heads or heads % groups:
        raise UserError(
            f"config.json of the InternLM2 model is inconsistent: {heads} heads over {hidden} numbers in {groups} groups."
        )
    return Layout(
        vocabulary=vocabulary,
        hidden=hidden,
        intermediate=intermediate,
        layers=layers,
        heads=heads,
        groups=groups,
        bias=bool(config.get("bias", True)),
        tied=bool(config.get("tie_word_embeddings", False)),
    )


def llama_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The `config.json` of the same model in the Llama layout.

    Raises:
        UserError: the positions are scaled in a way that Llama models are not.
    """
    layout = read_layout(config)
    scaling = config.get("rope_scaling")
    if scaling is not None and scaling.get("type") not in ROPE_SCALINGS:
        raise UserError(
            f"config.json of the InternLM2 model scales positions as {scaling}, which Tilth does not know.",
            f"It knows: {', '.join(ROPE_SCALINGS)}.",
        )
    kept = (
        *("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "vocab_size"),
        *("bos_token_id", "eos_token_id", "pad_token_id", "initializer_range", "use_cache"),
    )
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **{name: config[name] for name in kept if name in config},
        "num_key_value_heads": layout.groups,
        "head_dim": layout.head,
        "hidden_act": config.get("hidden_act", "silu"),
        "max_position_embeddings": config.get("max_position_embeddings", 2048),
        "rms_norm_eps": config.get("rms_norm_eps", 1e-6),
        "rope_theta": float(config.get("rope_theta", 10_000)),
        "rope_scaling": scaling and {"rope_type": scaling["type"], "factor": float(scaling["factor"])},
        "attention_bias": layout.bias,
        "mlp_bias": False,
        "tie_word_embeddings": layout.tied,
        "torch_dtype": config.get("torch_dtype") or config.get("dtype") or "float32",
    }


def expected_shapes(layout: Layout) -> dict[str, tuple[int, ...]]:
    """Every weight of the InternLM2 model and its shape."""
    wide, rows = layout.hidden, (layout.heads + 2 * layout.groups) * layout.head
    shapes: dict[str, tuple[int, ...]] = {
        "model.tok_embeddings.weight": (layout.vocabulary, wide),
        "model.norm.weight": (wide,),
        "output.weight": (layout.vocabulary, wide),
    }
    for k in range(layout.layers):
        layer = f"model.layers.{k}."
        shapes |= {
            f"{layer}attention.wqkv.weight": (rows, wide),
            f"{layer}attention.wo.weight": (wide, wide),
            f"{layer}feed_forward.w1.weight": (layout.intermediate, wide),
            f"{layer}feed_forward.w3.weight": (layout.intermediate, wide),
            f"{layer}feed_forward.w2.weight": (wide, layout.intermediate),
            f"{layer}attention_norm.weight": (wide,),
            f"{layer}ffn_norm.weight": (wide,),
        }
        if layout.bias:
            shapes |= {f"{layer}attention.wqkv.bias": (rows,), f"{layer}attention.wo.bias": (wide,)}
    return shapes


def to_llama(name: str, tensor: torch.Tensor, layout: Layout) -> Iterator[tuple[str, torch.Tensor]]:
    """One weight or bias under its names in the Llama layout; the joined matrix comes as three."""
    module, _, kind = name.rpartition(".")
    if module in TOP_NAMES:
        yield f"{TOP_NAMES[module]}.{kind}", tensor
        return
    prefix, number, inner = _in_layer(module)
    if inner == JOINED:
        for part, rows in zip(PARTS, split_rows(tensor, layout), strict=True):
            yield f"{prefix}{number}.{part}.{kind}", rows
        return
    yield f"{prefix}{number}.{LAYER_NAMES[inner]}.{kind}", tensor


def split_rows(joined: torch.Tensor, layout: Layout) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The rows of the joined matrix (or its bias) as query, key and value rows."""
    each = layout.heads // layout.groups
    rest = joined.shape[1:]
    grouped = joined.reshape(layout.groups, each + 2, layout.head, *rest)
    return (
        grouped[:, :each].reshape(-1, *rest).clone(),
        grouped[:, each].reshape(-1, *rest).clone(),
        grouped[:, each + 1].reshape(-1, *rest).clone(),
    )


def join_rows(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, layout: Layout) -> torch.Tensor:
    """The inverse of `split_rows`."""
    import torch

    rest = query.shape[1:]
    parts = [part.reshape(layout.groups, -1, layout.head, *rest) for part in (query, key, value)]
    return torch.cat(parts, dim=1).reshape(-1, *rest)


def speaks_internlm2(template: ChatTemplate) -> bool:
    """Whether a template writes conversations as InternLM2's does; its markers for training do not matter."""
    wanted = ChatTemplate(tokens=template.tokens)
    try:
        return all(
            template.render(messages, True) == wanted.render(messages, True)
            for messages in (_PROBE, _PROBE[1:2])
        )
    except FormatError:
        return False


def marked(template: ChatTemplate) -> ChatTemplate:
    """The same template with generation markers, where it is InternLM2's."""
    return ChatTemplate(INTERNLM2, template.tokens) if speaks_internlm2(template) else template


def _in_layer(module: str) -> tuple[str, str, str]:
    """`model.layers.3.attention.wo` → `model.layers.`, `3`, `attention.wo`."""
    head, _, rest = module.partition("layers.")
    number, _, inner = rest.partition(".")
    return f"{head}layers.", number, inner

"""LoRA adapters between InternLM2's layout and Llama's: both say exactly the same of a model.

InternLM2 joins query, key and value in one matrix. An adapter of that matrix is cut by its rows: the three share its
A. Three adapters are joined into one of the sum of their ranks: their A lie over one another, and each row of the
joined B holds the B of its own part and zeros elsewhere.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.errors import UserError
from tilth.models.internlm2 import JOINED, LAYER_NAMES, PARTS, TOP_NAMES, Layout, join_rows, split_rows

if TYPE_CHECKING:
    import torch

PREFIX = "base_model.model."
"""peft's name for the model it adapts."""
WHOLE = ".weight"
"""A module that was trained whole."""
KINDS = (".lora_A.weight", ".lora_B.weight", ".lora_embedding_A", ".lora_embedding_B", WHOLE)
"""What an adapter may hold of a module."""
KEPT = ("peft_type", "task_type", "lora_dropout", "bias", "fan_in_fan_out", "use_rslora")
"""Settings that peft has known since XTuner 0.1.17; older versions refuse newer ones."""
TO_LLAMA = TOP_NAMES | LAYER_NAMES
TO_INTERNLM2 = {llama: internlm2 for internlm2, llama in TO_LLAMA.items()}


class Adapter(NamedTuple):
    """The tensors of an adapter and its `adapter_config.json`."""

    weights: dict[str, torch.Tensor]
    config: dict[str, Any]


def to_llama(adapter: Adapter, layout: Layout) -> Adapter:
    """An adapter of the InternLM2 layout as one of the Llama layout.

    Raises:
        UserError: it is no plain LoRA adapter.
    """
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in adapter.weights.items():
        module, kind = _cut(name)
        if _inner(module) != JOINED:
            weights[f"{PREFIX}{_renamed(module, TO_LLAMA)}{kind}"] = tensor
            continue
        pieces = (tensor,) * 3 if kind == ".lora_A.weight" else split_rows(tensor, layout)
        for part, piece in zip(PARTS, pieces, strict=True):
            weights[f"{PREFIX}{module.removesuffix(JOINED)}{part}{kind}"] = piece.clone()
    config = _kept(adapter.config) | {
        **_targets(weights, layout),
        "rank_pattern": _pattern(adapter.config, "rank_pattern"),
        "alpha_pattern": _pattern(adapter.config, "alpha_pattern"),
    }
    return Adapter(weights, config)


def to_internlm2(adapter: Adapter, layout: Layout) -> Adapter:
    """An adapter of the Llama layout as one of the InternLM2 layout.

    Raises:
        UserError: it is no plain LoRA adapter, or scales its modules by name.
    """
    if adapter.config.get("rank_pattern") or adapter.config.get("alpha_pattern"):
        raise UserError("the adapter sets ranks by module, which cannot be written for InternLM2.")
    weights: dict[str, torch.Tensor] = {}
    joined: dict[str, dict[tuple[str, str], torch.Tensor]] = defaultdict(dict)
    for name, tensor in adapter.weights.items():
        module, kind = _cut(name)
        if _inner(module) in PARTS:
            if kind == WHOLE:
                raise UserError(f"{module} was trained whole, which cannot be written for InternLM2.")
            joined[module.removesuffix(_inner(module))][_inner(module), kind] = tensor
        else:
            weights[f"{PREFIX}{_renamed(module, TO_INTERNLM2)}{kind}"] = tensor
    patterns: dict[str, dict[str, float]] = {"rank_pattern": {}, "alpha_pattern": {}}
    for layer, parts in joined.items():
        down, up = _joined(parts, layout)
        weights[f"{PREFIX}{layer}{JOINED}.lora_A.weight"] = down
        weights[f"{PREFIX}{layer}{JOINED}.lora_B.weight"] = up
        growth = len(down) / int(adapter.config["r"])
        if growth != 1:
            scale = math.sqrt(growth) if adapter.config.get("use_rslora") else growth
            patterns["rank_pattern"]["wqkv"] = len(down)
            patterns["alpha_pattern"]["wqkv"] = adapter.config["lora_alpha"] * scale
    return Adapter(weights, _kept(adapter.config) | _targets(weights, layout) | patterns)


def _joined(
    parts: Mapping[tuple[str, str], torch.Tensor], layout: Layout
) -> tuple[torch.Tensor, torch.Tensor]:
    """A and B of the joined matrix; a part that is not adapted has rows of zeros."""
    import torch

    sizes = (layout.heads * layout.head, layout.groups * layout.head, layout.groups * layout.head)
    present = [part for part in PARTS if (part, ".lora_A.weight") in parts]
    down = torch.cat([parts[part, ".lora_A.weight"] for part in present])
    rows, start = [], 0
    for part, size in zip(PARTS, sizes, strict=True):
        block = torch.zeros(size, len(down), dtype=down.dtype)
        if part in present:
            up = parts[part, ".lora_B.weight"]
            block[:, start : start + up.shape[1]] = up
            start += up.shape[1]
        rows.append(block)
    return down, join_rows(rows[0], rows[1], rows[2], layout).contiguous()


def _cut(name: str) -> tuple[str, str]:
    """A tensor's name as its module's and what it is of it."""
    kind = next((kind for kind in KINDS if name.endswith(kind)), None)
    if kind is None or not name.startswith(PREFIX):
        raise UserError(
            f"the adapter holds {name}, and only plain LoRA adapters can be written in another layout."
        )
    return name.removeprefix(PREFIX).removesuffix(kind), kind


def _inner(module: str) -> str:
    """`model.layers.3.attention.wo` → `attention.wo`; a module outside the layers stays as it is."""
    head, dot, rest = module.partition("layers.")
    return rest.partition(".")[2] if dot else head


def _renamed(module: str, names: Mapping[str, str]) -> str:
    inner = _inner(module)
    if inner not in names:
        raise UserError(f"the adapter holds {module}, which is no module of this model.")
    return module.removesuffix(inner) + names[inner]


def _kept(config: Mapping[str, Any]) -> dict[str, Any]:
    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("bias", "none") != "none":
        raise UserError("only plain LoRA adapters without biases can be written in another layout.")
    rank, alpha = config["r"], config["lora_alpha"]
    return {name: config[name] for name in KEPT if config.get(name) is not None} | {
        "r": rank,
        "lora_alpha": alpha,
        "inference_mode": True,
    }


def _targets(weights: Mapping[str, torch.Tensor], layout: Layout) -> dict[str, list[str]]:
    """The adapted modules and those trained whole, by their last names; by full names where not all layers have them."""
    modules: dict[str, set[str]] = {"target_modules": set(), "modules_to_save": set()}
    for name in weights:
        module, kind = _cut(name)
        modules["modules_to_save" if kind == WHOLE else "target_modules"].add(module)
    lasts: dict[str, list[str]] = {}
    for setting, found in modules.items():
        layers = Counter(module.rpartition(".")[2] for module in found if "layers." in module)
        everywhere = {last for last, count in layers.items() if count == layout.layers}
        lasts[setting] = sorted(
            {
                last if last in everywhere or "layers." not in module else module
                for module in found
                for last in [module.rpartition(".")[2]]
            }
        )
    return lasts


def _pattern(config: Mapping[str, Any], key: str) -> dict[str, float]:
    """Ranks or alphas by module, as `to_internlm2` sets them: for the joined matrix alone."""
    found = dict(config.get(key) or {})
    joined = found.pop("wqkv", None)
    if found:
        raise UserError(f"the adapter's {key} names {', '.join(found)}, which cannot be written for Llama.")
    return {} if joined is None else {part.rpartition(".")[2]: joined for part in PARTS}

"""Adapters written in the other layout change every weight by exactly the same."""

from __future__ import annotations

import math

import pytest

from tests.internlm2 import make_config
from tilth.errors import UserError
from tilth.models.internlm2 import JOINED, LAYER_NAMES, PARTS, TOP_NAMES, expected_shapes, read_layout
from tilth.models.internlm2 import to_llama as weight_to_llama
from tilth.training.internlm2_adapter import PREFIX, Adapter, to_internlm2, to_llama

torch = pytest.importorskip("torch")
LAYOUT = read_layout(make_config(vocab_size=50))
RANK = 4
MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def config(targets, **changes):
    plain = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": 8, "lora_dropout": 0.1}
    return plain | {"target_modules": list(targets), "bias": "none", "runtime_config": {}} | changes


def shapes(layout_name):
    """Modules with their shapes, in one of the layouts."""
    internlm2 = {
        name: torch.zeros(shape) for name, shape in expected_shapes(LAYOUT).items() if len(shape) == 2
    }
    if layout_name == "llama":
        internlm2 = {
            name: part
            for key, tensor in internlm2.items()
            for name, part in weight_to_llama(key, tensor, LAYOUT)
        }
    return {name.removesuffix(".weight"): tuple(tensor.shape) for name, tensor in internlm2.items()}


def random_adapter(layout_name, targets, **changes):
    draw = torch.Generator().manual_seed(3)
    weights = {}
    for module, (rows, columns) in shapes(layout_name).items():
        if module.rpartition(".")[2] in targets:
            weights[f"{PREFIX}{module}.lora_A.weight"] = torch.randn(RANK, columns, generator=draw)
            weights[f"{PREFIX}{module}.lora_B.weight"] = torch.randn(rows, RANK, generator=draw)
    return Adapter(weights, config(targets, **changes))


def changes_of(adapter):
    """What an adapter adds to each weight, as peft computes it."""
    found = {}
    for name, down in adapter.weights.items():
        if not name.endswith(".lora_A.weight"):
            continue
        module = name.removeprefix(PREFIX).removesuffix(".lora_A.weight")
        last = module.rpartition(".")[2]
        rank = (adapter.config.get("rank_pattern") or {}).get(last, adapter.config["r"])
        alpha = (adapter.config.get("alpha_pattern") or {}).get(last, adapter.config["lora_alpha"])
        assert len(down) == rank
        scale = alpha / (math.sqrt(rank) if adapter.config.get("use_rslora") else rank)
        found[f"{module}.weight"] = scale * adapter.weights[f"{PREFIX}{module}.lora_B.weight"] @ down
    return found


def in_llama_layout(found):
    return {
        name: part for key, tensor in found.items() for name, part in weight_to_llama(key, tensor, LAYOUT)
    }


def assert_same(first, second):
    """Equal where both change a weight; where only one does, it changes it by nothing."""
    for name in first.keys() | second.keys():
        pair = [side.get(name) for side in (first, second)]
        one, other = (torch.zeros_like(pair[1 - i]) if part is None else part for i, part in enumerate(pair))
        assert torch.allclose(one, other, atol=1e-5), name


@pytest.mark.parametrize("targets", [MODULES, ("q_proj", "v_proj"), ("k_proj",), ("o_proj", "down_proj")])
@pytest.mark.parametrize("use_rslora", [False, True])
def test_llama_to_internlm2(targets, use_rslora):
    adapter = random_adapter("llama", targets, use_rslora=use_rslora)
    back = to_internlm2(adapter, LAYOUT)
    assert_same(in_llama_layout(changes_of(back)), changes_of(adapter))
    assert {name.removeprefix(PREFIX).rpartition(".lora_")[0] for name in back.weights} <= shapes(
        "internlm2"
    ).keys()
    assert "runtime_config" not in back.config


def test_the_joined_matrix_has_the_sum_of_the_ranks():
    back = to_internlm2(random_adapter("llama", MODULES), LAYOUT)
    assert back.config["rank_pattern"] == {"wqkv": 3 * RANK}
    assert back.config["alpha_pattern"] == {"wqkv": 24}
    up = back.weights[f"{PREFIX}model.layers.0.{JOINED}.lora_B.weight"].reshape(
        LAYOUT.groups, -1, LAYOUT.head, 3 * RANK
    )
    assert not up[:, :-2, :, RANK:].any()
    assert not up[:, -2, :, :RANK].any()
    assert not up[:, -1, :, : 2 * RANK].any()
    assert back.config["target_modules"] == ["w1", "w2", "w3", "wo", "wqkv"]


@pytest.mark.parametrize("targets", [("wqkv", "wo", "w1", "w2", "w3", "output"), ("wqkv",)])
def test_internlm2_to_llama(targets):
    adapter = random_adapter("internlm2", targets)
    there = to_llama(adapter, LAYOUT)
    assert_same(changes_of(there), in_llama_layout(changes_of(adapter)))
    assert len(there.config["target_modules"]) == len(targets) + 2


def test_there_and_back_and_there_again():
    adapter = random_adapter("llama", MODULES)
    again = to_llama(to_internlm2(adapter, LAYOUT), LAYOUT)
    assert_same(changes_of(again), changes_of(adapter))


def test_a_module_trained_whole_keeps_its_numbers():
    whole = torch.ones(50, LAYOUT.hidden)
    adapter = Adapter({f"{PREFIX}lm_head.weight": whole}, config(["q_proj"]))
    back = to_internlm2(adapter, LAYOUT)
    assert list(back.weights) == [f"{PREFIX}output.weight"]
    assert (back.config["target_modules"], back.config["modules_to_save"]) == ([], ["output"])


def test_layers_left_out_stay_left_out():
    adapter = random_adapter("llama", ("o_proj",))
    some = {name: tensor for name, tensor in adapter.weights.items() if "layers.1" in name}
    back = to_internlm2(Adapter(some, adapter.config), LAYOUT)
    assert back.config["target_modules"] == ["model.layers.1.attention.wo"]


def test_every_name_is_known_on_both_sides():
    llama = {module.rpartition(".")[2] for module in shapes("llama")}
    named = {*TOP_NAMES.values(), *LAYER_NAMES.values(), *PARTS}
    assert llama <= {name.rpartition(".")[2] for name in named}


@pytest.mark.parametrize(
    ("weights", "changes", "complaint"),
    [
        ({f"{PREFIX}model.layers.0.mlp.up_proj.lora_magnitude_vector": 1}, {}, "only plain LoRA"),
        ({}, {"use_dora": True}, "only plain LoRA"),
        ({f"{PREFIX}model.layers.0.self_attn.q_proj.weight": 1}, {}, "was trained whole"),
        ({}, {"rank_pattern": {"q_proj": 2}}, "ranks by module"),
        ({f"{PREFIX}model.layers.0.mlp.other.lora_A.weight": 1}, {}, "no module of this model"),
    ],
)
def test_what_cannot_be_written_is_refused(weights, changes, complaint):
    with pytest.raises(UserError, match=complaint):
        to_internlm2(Adapter(weights, config(["q_proj"]) | changes), LAYOUT)

"""A chat model made on the spot: random weights, a byte-level tokenizer, InternLM2's template."""

from __future__ import annotations

import warnings

import pytest

TEXTS = [
    "水和冰都会结冰吗？水会，冰已经是了。",
    "今天天气很好，我们去公园吧。",
    "你好，请问现在几点？",
    "system user assistant",
]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    from tilth.training.tiny import save_tokenizer, train_tokenizer

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("chat_model")
    tokenizer = train_tokenizer(TEXTS * 3)
    save_tokenizer(tokenizer, folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def adapter_folder(model_folder, tmp_path_factory):
    import torch
    from peft import LoraConfig, get_peft_model

    from tilth.models.loader import Hardware, load_model

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(1)
    model = load_model(model_folder, Hardware("cpu", "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        lora = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(model, lora).save_pretrained(folder)
    return folder

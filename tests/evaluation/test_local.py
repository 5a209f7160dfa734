"""The whole comparison with real weights in this process: a random base and a random adapter over it."""

from pathlib import Path

import pytest

from tilth.evaluation.studies import Reader, compare_run
from tilth.models.template import INTERNLM2
from tilth.recipe.schema import Compare, GenerationSettings, Train
from tilth.store.files import write_json, write_text
from tilth.training.base import Job
from tilth.training.data import file_digest

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings(
        "ignore:`is_gradient_checkpointing`:FutureWarning"
    ),  # peft asks transformers for it
]


def write_base(folder):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    marks = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate([*marks, *letters])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(marks)
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"bos_token": "<s>", "eos_token": "</s>"})
    write_text(folder / "chat_template.jinja", INTERNLM2)


def write_adapter(base, folder):
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    torch.manual_seed(4)
    settings = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(LlamaForCausalLM.from_pretrained(base), settings).save_pretrained(folder)


@pytest.fixture
def trained(run):
    write_base(run.model / "base")
    write_adapter(run.model / "base", run.model / "adapter")
    data = "../data/train.jsonl", None, "../data/index.jsonl"
    Job(Train(base_model="tiny"), "base", "openai", *data, file_digest(run.side("train")), "k").save(
        run.model
    )
    write_json(run.model / "done.json", {"key": "k", "kind": "adapter"})
    return run


def test_before_and_after_of_a_trained_run(trained):
    from tilth.models.local import LocalModel

    settings = Compare(generation=GenerationSettings(max_new_tokens=8))
    found = compare_run(trained, settings, reader=Reader("en"))
    assert found.training.stale is False
    assert found.heldout.unit == "token"
    assert found.heldout.difference != 0
    assert found.protocol.before.identity != found.protocol.after.identity
    assert found.protocol.before.template == found.protocol.after.template != ""

    base = LocalModel(trained.model / "base")
    tuned = LocalModel(trained.model / "base", trained.model / "adapter")
    for model, side in ((base, "before"), (tuned, "after")):
        losses = model.losses([row.question.sample for row in found.rows])
        total = sum(mean * tokens for mean, tokens in losses) / sum(tokens for _, tokens in losses)
        assert getattr(found.heldout, side) == pytest.approx(total, rel=1e-5)
        for row in found.rows:
            asked = model.ask(row.question.messages, found.protocol.generation)
            assert getattr(row, side).text == asked.text

    answers = trained.report / "answers.jsonl"
    first = answers.read_bytes()
    again = compare_run(trained, settings, reader=Reader("en"))
    assert answers.read_bytes() == first
    assert again.as_dict() == found.as_dict()


def test_two_folders_and_an_adapter_by_name(trained):
    base, adapter = str(trained.model / "base"), str(trained.model / "adapter")
    settings = Compare(
        questions=["水湿吗"], before=base, after=adapter, generation=GenerationSettings(max_new_tokens=4)
    )
    found = compare_run(trained, settings, reader=Reader("en"))
    assert found.protocol.after.name == "tuned"
    assert found.heldout is None
    same = compare_run(trained, settings.model_copy(update={"after": base}), reader=Reader("en"))
    assert same.protocol.before.identity == same.protocol.after.identity
    assert Path(trained.report / "compare.html").exists()

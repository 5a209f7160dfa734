"""The process that trains: its labels against trl's own, and what it refuses."""

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.training.conftest import SETTINGS, conversation, make_run
from tilth.errors import UserError
from tilth.models.loader import Hardware, load_model, load_template, load_tokenizer
from tilth.store.files import read_json
from tilth.training import hf_arguments, hf_worker
from tilth.training.data import read_data
from tilth.training.hf import optimizer_steps
from tilth.training.isolation import prove_isolation
from tilth.training.packing import pack
from tilth.training.rows import encode_samples
from tilth.training.run import train

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("ignore::FutureWarning")]

RECORDS = [
    conversation("三加四等于几？", "等于七。"),
    {
        "messages": [
            {"role": "system", "content": "简短。"},
            *conversation("一加一？", "二。\n对吗？")["messages"] * 2,
        ]
    },
    conversation("二" * 60, "长问题。" * 20),
]
CPU = Hardware("cpu", "float32")
PLAIN = hf_arguments.Choices(CPU, None, liger=False, processes=1, deepspeed=False)
LIMIT = 130


@pytest.fixture
def prepare(trained, tmp_path):
    """A job over the trained test's base model, ready to be worked on in this process."""

    def make(records=RECORDS, **changes):
        run = make_run(tmp_path / "run", {"train": records})
        settings = SETTINGS.model_copy(update={"base_model": str(trained[0].base), **changes})
        train(settings, run, dry_run=True)
        return hf_worker.Job.load(run.model / "job.json"), run.model

    return make


def test_labels_equal_trls_own(prepare, tmp_path):
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    job, folder = prepare()
    base = folder / job.base
    theirs = SFTTrainer(
        model=load_model(base, CPU),
        args=SFTConfig(
            output_dir=str(tmp_path),
            assistant_only_loss=True,
            max_length=LIMIT,
            use_cpu=True,
            bf16=False,
            report_to="none",
        ),
        train_dataset=Dataset.from_list([{"messages": record["messages"]} for record in RECORDS]),
        processing_class=AutoTokenizer.from_pretrained(base),
    ).train_dataset
    samples = read_data(folder / job.train, folder / job.index, job.format)
    ours = encode_samples(samples, load_template(base), load_tokenizer(base), LIMIT)
    assert len(ours) == len(RECORDS)
    assert ours.truncated == ["train.src:3"]
    assert ours.ids == list(theirs["input_ids"])
    assert ours.labels(-100) == list(theirs["labels"])


MANY = [conversation("一" * (3 + i), "二" * (2 + 5 * (i % 4)) + "。") for i in range(14)]


def encoded(job, folder):
    samples = read_data(folder / job.train, folder / job.index, job.format)
    base = folder / job.base
    return encode_samples(samples, load_template(base), load_tokenizer(base), job.settings.max_length)


def gradients(trainer, rows):
    """The loss of the trainer's own batch of some rows, and every gradient of it."""
    model = trainer.model.eval()
    batch = trainer.data_collator(rows)
    loss = model(**batch).loss
    loss.backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return loss.item(), found


def test_packed_samples_learn_what_they_learn_alone(prepare):
    """Loss and gradients of a packed batch are those of the same samples side by side: nothing is lost or seen."""
    import torch

    job, folder = prepare(MANY, packing=True, max_length=96)
    rows = encoded(job, folder)
    packed = hf_worker.make_trainer(job, folder, PLAIN, rows)
    assert len(packed.train_dataset) == len(pack([len(ids) for ids in rows.ids], 96)) < len(rows)
    assert sum(map(len, packed.train_dataset["input_ids"])) == sum(map(len, rows.ids))
    plain_job = dataclasses.replace(job, settings=job.settings.model_copy(update={"packing": False}))
    plain = hf_worker.make_trainer(plain_job, folder, PLAIN, rows)
    for (_, a), (_, b) in zip(packed.model.named_parameters(), plain.model.named_parameters(), strict=True):
        b.data.copy_(torch.randn_like(a) * 0.02 if a.requires_grad else a)
        a.data.copy_(b.data)
    together, packed_gradients = gradients(packed, list(packed.train_dataset))
    apart, plain_gradients = gradients(plain, list(plain.train_dataset))
    assert together == pytest.approx(apart, rel=1e-5)
    assert packed_gradients.keys() == plain_gradients.keys() != set()
    for name, gradient in packed_gradients.items():
        assert torch.allclose(gradient, plain_gradients[name], atol=1e-6, rtol=1e-3), name


def test_a_model_whose_packed_samples_see_each_other_is_refused(prepare, monkeypatch):
    """The same model under a mask that knows nothing of packing."""
    import torch
    from transformers.models.llama import modeling_llama

    job, folder = prepare(MANY)
    model = load_model(folder / job.base, CPU)
    assert prove_isolation(model, CPU) < 1e-5
    honest = modeling_llama.create_causal_mask
    monkeypatch.setattr(
        modeling_llama,
        "create_causal_mask",
        lambda **named: honest(
            **named | {"position_ids": torch.arange(named["position_ids"].shape[1])[None]}
        ),
    )
    with pytest.raises(UserError, match="packing would let samples read each other"):
        prove_isolation(model, CPU)


def test_a_packed_training_runs_and_says_why_it_may(prepare, caplog):
    caplog.set_level("INFO")
    job, folder = prepare(MANY, packing=True, max_length=96, epochs=2, batch_size=1)
    hf_worker.work(job, folder)
    assert "packed samples cannot read each other" in caplog.text
    assert "every token is kept" in caplog.text
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = optimizer_steps(len(pack([len(ids) for ids in encoded(job, folder).ids], 96)), job.settings)
    assert rows[-1]["step"] == steps
    assert all(row.keys() >= {"step", "loss", "tokens", "seconds", "accuracy"} for row in rows)


def test_four_bit_training_learns_on_a_cpu(prepare):
    pytest.importorskip("bitsandbytes")
    job, folder = prepare(method="qlora", epochs=12, batch_size=3, learning_rate=2e-2)
    hf_worker.work(job, folder)
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 12
    assert rows[-1]["loss"] < rows[0]["loss"] * 0.9
    assert (folder / "adapter" / "adapter_model.safetensors").exists()


@pytest.fixture
def watched(trained, tmp_path):
    """A job with a validation side that gets worse as the training side is learnt by heart."""

    def make(**changes):
        run = make_run(
            tmp_path / "run", {"train": RECORDS[:2], "validation": [conversation("三加四等于几？", "天。")]}
        )
        settings = SETTINGS.model_copy(update={"base_model": str(trained[0].base), **changes})
        train(settings, run, dry_run=True)
        return hf_worker.Job.load(run.model / "job.json"), run.model

    return make


def test_early_stopping_ends_the_training_and_keeps_the_best(watched, caplog):
    caplog.set_level("INFO")
    job, folder = watched(
        epochs=40,
        batch_size=2,
        learning_rate=5e-2,
        extra={"early_stopping_patience": 2, "eval_steps": 1, "save_steps": 1},
    )
    hf_worker.work(job, folder)
    about = read_json(folder / "progress.json")
    assert about["state"] == "trained"
    assert about["ended_after"] == about["best_step"] + 2 < about["steps"] == 40
    assert about["best_is_result"]
    assert "the validation loss falls no more" in caplog.text
    best = (folder / f"checkpoint-{about['best_step']}" / "adapter_model.safetensors").read_bytes()
    assert (folder / "adapter" / "adapter_model.safetensors").read_bytes() == best


def test_without_it_the_last_step_is_the_result_and_the_best_is_named(watched, caplog):
    caplog.set_level("INFO")
    job, folder = watched(epochs=5, batch_size=2, learning_rate=5e-2)
    hf_worker.work(job, folder)
    about = read_json(folder / "progress.json")
    assert (about["ended_after"], about["best_is_result"]) == (5, False)
    assert (folder / f"checkpoint-{about['best_step']}").is_dir()
    assert f"checkpoint-{about['best_step']} holds it" in caplog.text


def test_early_stopping_without_a_validation_side_is_refused(prepare):
    with pytest.raises(UserError, match="needs a validation side"):
        hf_worker.work(*prepare(extra={"early_stopping_patience": 1}))


def test_nothing_to_train_on_is_an_error_with_a_count(prepare, caplog):
    job, folder = prepare([{"messages": conversation("问", "答")["messages"][:1]}])
    caplog.set_level("INFO")
    path = job.save(folder)
    assert hf_worker.main([str(path)]) == 1
    assert "without a trained token 1" in caplog.text
    assert "no sample is left to train on" in caplog.text
    assert read_json(folder / "rows.json")["untrained"] == ["train.src:1"]


@pytest.mark.parametrize(
    ("extra", "complaint"),
    [
        ({"learning_rate": 1.0}, "which train sets itself"),
        ({"lerning_rate": 1.0}, "not what trl's SFTConfig takes"),
    ],
)
def test_extra_is_checked(prepare, extra, complaint):
    job, folder = prepare(extra=extra)
    with pytest.raises(UserError, match=complaint):
        hf_arguments.arguments(job, folder, PLAIN, evaluate=False)


def test_extra_reaches_the_trainer(prepare):
    job, folder = prepare(extra={"weight_decay": 0.5, "lr_scheduler_type": "linear"})
    arguments = hf_arguments.arguments(job, folder, PLAIN, evaluate=False)
    assert (arguments.weight_decay, arguments.lr_scheduler_type) == (0.5, "linear")
    assert arguments.report_to == []
    assert not arguments.push_to_hub


@pytest.mark.parametrize(
    ("device", "installed", "said", "passed"),
    [
        ("cpu", True, "off (no CUDA device)", False),
        ("cuda", False, "off (liger-kernel is not installed)", False),
        ("cuda", True, "on", True),
    ],
)
def test_liger_is_passed_on_only_where_it_is_said_to_be_on(
    prepare, monkeypatch, device, installed, said, passed
):
    job, folder = prepare(extra={"use_liger_kernel": True})
    monkeypatch.setattr(hf_arguments, "find_hardware", lambda: Hardware(device, "float32"))
    monkeypatch.setattr(hf_arguments, "find_spec", lambda name: name if installed else None)
    choices = hf_arguments.choose(job)
    assert f"liger kernels: {said};" in choices.said()[1]
    on_cpu = dataclasses.replace(choices, hardware=CPU)
    assert hf_arguments.arguments(job, folder, on_cpu, evaluate=False).use_liger_kernel is passed


def test_the_log_says_which_attention_was_loaded(prepare, caplog):
    caplog.set_level("INFO")
    job, folder = prepare(epochs=1, batch_size=8, extra={"attn_implementation": "eager"})
    hf_worker.work(job, folder)
    assert "attention: eager" in caplog.text
    assert "attention: eager; liger" in " ".join(read_json(folder / "progress.json")["choices"])


def test_the_whole_model_can_be_trained(prepare):
    job, folder = prepare(method="full", epochs=1)
    hf_worker.work(job, folder)
    assert sorted(path.name for path in (folder / "full").glob("*.safetensors")) == ["model.safetensors"]
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == [1]

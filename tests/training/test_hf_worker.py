"""The process that trains: its labels against trl's own, and what it refuses."""

from __future__ import annotations

import json

import pytest

from tests.training.conftest import SETTINGS, conversation, make_run
from tilth.errors import UserError
from tilth.models.loader import Hardware
from tilth.store.files import read_json
from tilth.training import hf_worker
from tilth.training.data import read_data
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

    from tilth.models.loader import load_model, load_template, load_tokenizer
    from tilth.training.rows import encode_samples

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


def test_packing_is_refused_on_a_cpu(prepare):
    with pytest.raises(UserError, match="nothing proves that samples packed together cannot read each other"):
        hf_worker.work(*prepare(packing=True))


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
        hf_worker.arguments(job, folder, CPU, evaluate=False)


def test_extra_reaches_the_trainer(prepare):
    job, folder = prepare(extra={"weight_decay": 0.5, "lr_scheduler_type": "linear"})
    arguments = hf_worker.arguments(job, folder, CPU, evaluate=False)
    assert (arguments.weight_decay, arguments.lr_scheduler_type) == (0.5, "linear")
    assert arguments.report_to == []
    assert not arguments.push_to_hub


def test_the_whole_model_can_be_trained(prepare):
    job, folder = prepare(method="full", epochs=1)
    hf_worker.work(job, folder)
    assert sorted(path.name for path in (folder / "full").glob("*.safetensors")) == ["model.safetensors"]
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in rows] == [1]

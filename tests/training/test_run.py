"""`tilth train` from beginning to end, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys

import pytest

from tests.training.conftest import MARKER, SETTINGS, conversation, make_run, school_sides
from tilth.errors import FolderError, NotFoundError, TrainingError, UserError
from tilth.models.local import LocalPair
from tilth.store.files import read_json, read_jsonl
from tilth.training.base import Job
from tilth.training.data import read_data
from tilth.training.report import write_training_report
from tilth.training.run import make_job, train
from tilth.training.tiny import train_tokenizer


def learn(run, **changes):
    return train(SETTINGS.model_copy(update=changes), run, dry_run=True)


@pytest.mark.train
def test_the_loss_falls(trained):
    result, lines = trained
    rows = list(read_jsonl(result.folder / "log.jsonl"))
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
    assert result.steps == len(rows) == 45
    assert result.loss < rows[0]["loss"] / 2
    assert all(row.keys() >= {"step", "loss", "learning_rate", "epoch"} for row in rows)
    assert "training on cpu, float32" in lines


@pytest.mark.train
def test_unseen_questions_are_answered_better(trained, school):
    result, _ = trained
    pair = LocalPair.load(result.base, result.artifact.path)
    unseen = list(read_data(school.side("validation"), school.index, "openai"))[:-3]
    before = [loss.mean for loss in pair.base.losses(unseen)]
    after = [loss.mean for loss in pair.tuned.losses(unseen)]
    assert sum(after) < sum(before) / 2
    assert all(a < b for a, b in zip(after, before, strict=True))


@pytest.mark.train
def test_validation_loss_is_the_models_own(trained, school):
    result, _ = trained
    pair = LocalPair.load(result.base, result.artifact.path)
    losses = pair.tuned.losses(list(read_data(school.side("validation"), school.index, "openai")))
    by_token = sum(loss.mean * loss.tokens for loss in losses) / sum(loss.tokens for loss in losses)
    assert result.eval_loss == pytest.approx(by_token, rel=0.1)


@pytest.mark.train
def test_the_log_has_no_warnings(trained):
    result, _ = trained
    text = (result.folder / "train.log").read_text(encoding="utf-8")
    assert "Warning" not in text
    assert "Traceback" not in text
    assert read_json(result.folder / "launch.json")["versions"].keys() >= {"python", "torch", "trl"}


@pytest.mark.train
def test_tiny_never_sees_the_other_sides(trained, school):
    result, _ = trained
    seen = {bytes_of(token) for token in read_json(result.base / "tokenizer.json")["model"]["vocab"]}
    assert "等于".encode() in seen
    assert not seen & {char.encode() for char in MARKER}
    validation = [sample.question for sample in read_data(school.side("validation"), school.index, "openai")]
    would_see = {bytes_of(token) for token in train_tokenizer(validation).get_vocab()}
    assert would_see & {MARKER.encode(), *(char.encode() for char in MARKER)}
    assert (result.base / "README.md").read_text(encoding="utf-8").startswith("# A tiny base model")


PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTE_OF = {chr(byte): byte for byte in PRINTABLE} | {
    chr(256 + n): byte for n, byte in enumerate(b for b in range(256) if b not in PRINTABLE)
}


def bytes_of(token):
    """Byte-level BPE writes each byte as one printable character; this reads it back."""
    return bytes(BYTE_OF[char] for char in token if char in BYTE_OF)


@pytest.mark.train
def test_a_second_call_finds_nothing_to_do(trained, school):
    result, _ = trained
    said: list[str] = []
    again = train(SETTINGS, school, progress=said.append)
    assert (again.state, again.artifact, again.loss) == ("unchanged", result.artifact, result.loss)
    assert said == []


@pytest.fixture
def learning(trained, tmp_path):
    """The same training over the same base, ready to start in another folder: folder and command."""
    result, _ = trained
    run = make_run(tmp_path / "again", school_sides())
    settings = SETTINGS.model_copy(update={"base_model": str(result.base)})
    prepared = train(settings, run, dry_run=True)
    return run, settings, prepared


@pytest.mark.train
def test_a_killed_training_goes_on_from_its_last_checkpoint(trained, learning):
    run, settings, prepared = learning
    process = subprocess.Popen(prepared.command, cwd=prepared.folder, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("step 25/"):
            os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    half = prepared.folder / "checkpoint-999"
    whole = max(int(path.parent.name.split("-")[1]) for path in prepared.folder.glob("checkpoint-*/complete"))
    assert whole >= 18
    shutil.copytree(prepared.folder / f"checkpoint-{whole}", half)
    (half / "complete").unlink()

    said: list[str] = []
    result = train(settings, run, progress=said.append)
    assert f"45 optimizer steps, going on after step {whole}" in said
    assert not half.exists()
    rows = list(read_jsonl(prepared.folder / "log.jsonl"))
    assert [row["step"] for row in rows] == list(range(1, 46))
    assert result.loss == pytest.approx(trained[0].loss, abs=1e-3)


def test_a_failed_run_is_refused(tmp_path):
    run = make_run(tmp_path / "run", school_sides(), status="failed")
    with pytest.raises(FolderError, match="nothing is kept"):
        train(SETTINGS, run)


def test_an_empty_training_side_is_refused(tmp_path):
    run = make_run(tmp_path / "run", school_sides())
    run.side("train").write_bytes(b"")
    with pytest.raises(FolderError, match="kept nothing to train on"):
        train(SETTINGS, run)


def test_an_unknown_backend(tmp_path):
    with pytest.raises(NotFoundError, match="Did you mean 'hf'"):
        learn(make_run(tmp_path / "run", school_sides()), backend="hff")


def test_a_base_model_that_is_none(tmp_path):
    with pytest.raises(UserError, match="holds no model"):
        learn(make_run(tmp_path / "run", school_sides()), base_model=str(tmp_path))


def test_the_key_follows_content_and_not_place(tmp_path):
    one, two = (make_run(tmp_path / name, school_sides()) for name in ("one", "two"))
    key = make_job(SETTINGS, one, one.model).key
    assert make_job(SETTINGS, two, two.model).key == key
    assert make_job(SETTINGS.model_copy(update={"seed": 1}), one, one.model).key != key
    with two.side("validation").open("a", encoding="utf-8") as handle:
        handle.write("\n")
    assert make_job(SETTINGS, two, two.model).key != key


def test_a_job_survives_its_file(tmp_path):
    run = make_run(tmp_path / "run", school_sides())
    job = make_job(SETTINGS, run, run.model)
    assert Job.load(job.save(run.model)) == job


def test_a_changed_job_sets_the_old_result_aside(tmp_path):
    run = make_run(tmp_path / "run", school_sides())
    learn(run)
    old = read_json(run.model / "job.json")["key"]
    (run.model / "done.json").write_text(json.dumps({"key": old}), encoding="utf-8")
    for name in ("adapter", "checkpoint-9", "base"):
        (run.model / name).mkdir()
    learn(run, seed=1)
    assert (run.model / "adapter").exists(), "a dry run leaves the trained model where it is"
    assert (run.model / "dry-run" / "job.json").exists()
    train(SETTINGS.model_copy(update={"seed": 1}), run, dry_run=True, folder=run.model)
    assert sorted(path.name for path in run.model.iterdir()) == ["base", "dry-run", "job.json"]
    kept = run.history / f"model-{old}"
    assert sorted(path.name for path in kept.iterdir()) == ["adapter", "done.json", "job.json"]


def test_few_steps_are_said(tmp_path):
    run = make_run(tmp_path / "run", {"train": [conversation("一？", "一。")] * 3})
    (lint,) = learn(run).lints
    assert (lint.rule, "5 optimizer steps" in lint.message) == ("few_steps", True)


def test_a_trainer_that_leaves_nothing_is_not_believed(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", school_sides())
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}", encoding="utf-8")
    settings = SETTINGS.model_copy(
        update={"base_model": str(base), "backend": "xtuner", "python": sys.executable}
    )
    settings = settings.model_copy(update={"extra": {"prompt_template": "internlm2_chat"}})
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(TrainingError, match="xtuner stopped before it was done") as caught:
        train(settings, run)
    assert "goes on from the last checkpoint" in caught.value.hint


@pytest.mark.train
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_report_draws_the_losses_and_says_what_was_chosen(trained, school, monkeypatch, lang):
    result, _ = trained
    written = (school.report / "training.html").read_text(encoding="utf-8")
    assert written.count("<polyline") == 5
    assert "attention: sdpa" in written
    monkeypatch.setenv("TILTH_LANG", lang)
    job = Job.load(result.folder / "job.json")
    page = school.path / f"{lang}.html"
    write_training_report(page, "school", job, result.folder)
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<script|https?:|<link|src=", text)
    assert ("训练报告" in text) == (lang == "zh")


def test_a_trainer_without_a_log_has_no_report(tmp_path):
    run = make_run(tmp_path / "run", school_sides())
    job = make_job(SETTINGS, run, run.model)
    write_training_report(tmp_path / "none.html", "x", job, tmp_path)
    assert not (tmp_path / "none.html").exists()


def test_the_report_stands_without_a_validation_side(tmp_path):
    run = make_run(tmp_path / "run", school_sides())
    job = make_job(SETTINGS, run, run.model)
    (tmp_path / "log.jsonl").write_text(
        '{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.0}\n', encoding="utf-8"
    )
    write_training_report(tmp_path / "report.html", "x", job, tmp_path)
    assert "2.500" in (tmp_path / "report.html").read_text(encoding="utf-8")

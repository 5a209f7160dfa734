"""`tilth train`: from a finished run and the recipe's `train` section to a trained model in the run folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tilth.errors import FolderError, TrainingError, UserError
from tilth.models.loader import need_folder, weights_digest
from tilth.models.opened import open_model
from tilth.recipe.schema import Train
from tilth.store.files import read_json, read_jsonl, write_json
from tilth.store.folder import RunFolder
from tilth.store.lock import locked
from tilth.training.base import BACKENDS, JOB_FILE, Artifact, Backend, Job, Lint
from tilth.training.data import file_digest, format_of, relative, side_file
from tilth.training.launch import last_lines, launch
from tilth.training.report import write_training_report
from tilth.training.shape import TINY

DONE_FILE = "done.json"
LOSS_FILE = "log.jsonl"
_KEPT = ("base", "base.tmp", "dry-run")
"""What of `model/` outlives a changed job: the tiny base has a key of its own, and a dry run is no result."""


@dataclass(frozen=True)
class Trained:
    """What became of a training."""

    state: Literal["prepared", "trained", "unchanged"]
    """`unchanged`: the model in the folder is already the result of this job."""
    folder: Path
    base: Path
    artifact: Artifact | None
    """`None` after a dry run."""
    command: tuple[str, ...]
    lints: tuple[Lint, ...] = ()
    steps: int = 0
    loss: float | None = None
    """The last training loss in the log, in nats per answer token."""
    eval_loss: float | None = None
    seconds: float = 0.0


def train(
    settings: Train,
    run: RunFolder,
    *,
    dry_run: bool = False,
    progress: Callable[[str], None] = lambda line: None,
    folder: Path | None = None,
) -> Trained:
    """Train on a finished run; running it again resumes from the last checkpoint, or finds that nothing is to do.

    Args:
        settings: the `train` section of the recipe.
        run: the run whose `data/` is learnt from.
        dry_run: stop after everything the trainer reads is written.
        progress: gets the trainer's output line by line.
        folder: where to work; by default the run's `model/`, and `model/dry-run/` where a dry run would put a
            trained model aside. Export writes elsewhere.

    Raises:
        FolderError: the run failed, has not finished, or kept nothing to train on.
        UserError: the settings do not fit together or to this machine.
        TrainingError: the trainer stopped before it was done.
    """
    run.require_done()
    with locked(run.path):
        return _train(settings, run, dry_run, progress, folder)


def _train(
    settings: Train, run: RunFolder, dry_run: bool, progress: Callable[[str], None], folder: Path | None
) -> Trained:
    backend = BACKENDS.get(settings.backend)
    given = folder is not None
    place = folder or run.model
    job = make_job(settings, run, place, need_base=not dry_run)
    if dry_run and not given and _holds_another(job, place):
        place = run.model / "dry-run"
        job = make_job(settings, run, place, need_base=False)
    folder = place
    base = folder / job.base
    found = _finished(backend, job, folder)
    if found is not None and not dry_run:
        return _report("unchanged", job, folder, found)
    if not dry_run or given:
        _make_room(job, folder, run.history)
    job.save(folder)
    command = backend.prepare(job, folder)
    lints = tuple(backend.check(job, folder))
    if dry_run:
        return Trained("prepared", folder, base, None, tuple(command), lints)
    if settings.base_model == TINY:
        _run([sys.executable, "-m", "tilth.training.tiny", JOB_FILE], folder, progress)
        need_folder(base)
    elif settings.backend == "hf" and settings.python is None:
        open_model(base, progress)
    seconds = _run(command, folder, progress, settings.python or sys.executable)
    artifact = _collect(backend, job, folder)
    write_json(
        folder / DONE_FILE,
        {"key": job.key, "data_digest": job.data_digest, "kind": artifact.kind, "seconds": seconds}
        | _last_losses(folder),
    )
    if not given:
        write_training_report(run.report / "training.html", run.path.name, job, folder, lints)
    return _report("trained", job, folder, artifact, tuple(command), lints)


def make_job(settings: Train, run: RunFolder, folder: Path, *, need_base: bool = True) -> Job:
    """The job that a `train` section means for a run.

    Args:
        settings: the `train` section of the recipe.
        run: the run to learn from.
        folder: where the training happens.
        need_base: whether the base model must be here; another machine may have it under that name.

    Raises:
        FolderError: the run has no training side.
        UserError: the base model is no model folder.
    """
    train_file, validation = side_file(run, "train"), side_file(run, "validation")
    if not train_file.exists() or not train_file.stat().st_size:
        raise FolderError(f"{run.path} kept nothing to train on: {train_file.name} is missing or empty.")
    if validation.exists() and not validation.stat().st_size:
        validation = Path()
    files = [train_file, *([validation] if validation.is_file() else [])]
    data_digest = file_digest(*files)
    tiny = settings.base_model == TINY
    base = Path("base") if tiny else Path(settings.base_model)
    absent = not tiny and not need_base and not base.is_dir()
    if not tiny and not absent:
        need_folder(base)
    about = {
        "settings": settings.model_dump(mode="json", exclude={"python", "base_model"}),
        "data": data_digest,
        "base": settings.base_model if tiny or absent else weights_digest(base),
        "format": format_of(run),
    }
    text = json.dumps(about, sort_keys=True, ensure_ascii=False)
    return Job(
        settings=settings,
        base=str(base) if tiny or absent else relative(base, folder),
        format=format_of(run),
        train=relative(train_file, folder),
        validation=relative(validation, folder) if len(files) == 2 else None,
        index=relative(run.index, folder),
        data_digest=data_digest,
        key=hashlib.blake2b(text.encode(), digest_size=8).hexdigest(),
    )


def _holds_another(job: Job, folder: Path) -> bool:
    """Whether the folder holds what another job made, finished or not."""
    old = folder / JOB_FILE
    return old.exists() and read_json(old)["key"] != job.key


def _finished(backend: Backend, job: Job, folder: Path) -> Artifact | None:
    """The result of this very job, if it is there."""
    done = folder / DONE_FILE
    if not done.exists() or read_json(done)["key"] != job.key:
        return None
    try:
        return backend.collect(job, folder)
    except TrainingError:
        return None


def _make_room(job: Job, folder: Path, history: Path) -> None:
    """Set aside what an earlier, different job left: its result goes to `history/`, its checkpoints go away."""
    folder.mkdir(parents=True, exist_ok=True)
    old = folder / JOB_FILE
    if not old.exists():
        return
    old_key = str(read_json(old)["key"])
    if old_key == job.key:
        (folder / DONE_FILE).unlink(missing_ok=True)
        return
    kept = history / f"model-{old_key}" if (folder / DONE_FILE).exists() else None
    if kept is not None:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
    for path in sorted(folder.iterdir()):
        if path.name in _KEPT:
            continue
        if kept is not None and not path.name.startswith("checkpoint-"):
            path.rename(kept / path.name)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _run(
    command: list[str], folder: Path, progress: Callable[[str], None], python: str = sys.executable
) -> float:
    """Run one command; returns its seconds."""
    try:
        return launch(command, folder, progress, python).seconds
    except FileNotFoundError as error:
        raise UserError(
            f"{error.filename} cannot be started.", "Set train.python to an interpreter that exists."
        ) from error


def _collect(backend: Backend, job: Job, folder: Path) -> Artifact:
    try:
        return backend.collect(job, folder)
    except TrainingError as error:
        exit_code = read_json(folder / "launch.json")["exit"]
        raise TrainingError(
            f"{backend.name} stopped before it was done (exit {exit_code}): {error.message}\n"
            f"{last_lines(folder)}",
            f"The whole log is {folder / 'train.log'}. The same command goes on from the last checkpoint.",
        ) from error


def _last_losses(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"steps": 0, "loss": None, "eval_loss": None}
    for row in read_jsonl(folder / LOSS_FILE):
        found |= {"steps": row["step"], "loss": row["loss"]}
        found["eval_loss"] = row.get("eval_loss", found["eval_loss"])
    return found


def _report(
    state: Literal["trained", "unchanged"],
    job: Job,
    folder: Path,
    artifact: Artifact,
    command: tuple[str, ...] = (),
    lints: tuple[Lint, ...] = (),
) -> Trained:
    done = read_json(folder / DONE_FILE)
    numbers = {name: done[name] for name in ("steps", "loss", "eval_loss", "seconds")}
    return Trained(state, folder, folder / job.base, artifact, command, lints, **numbers)

"""What of a recipe's `train` section can be seen to be wrong before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from tilth.errors import NotFoundError, Problem, UserError, did_you_mean
from tilth.models.loader import need_folder
from tilth.recipe.plan import Plan
from tilth.training import BACKENDS
from tilth.training.shape import TINY


def check_train(plan: Plan) -> Iterator[Problem]:
    """A backend that nobody registered, and a base model that is no folder with a model although it is written as one."""
    train = plan.recipe.train
    if train is None:
        return
    try:
        BACKENDS.get(train.backend)
    except NotFoundError as error:
        yield Problem(error.message, "train.backend", plan.file, hint=error.hint)
    folder = Path(train.base_model)
    if train.base_model == TINY or _is_name(train.base_model):
        return
    if not folder.is_dir():
        beside = [entry.name for entry in folder.parent.iterdir()] if folder.parent.is_dir() else []
        hint = _guess(folder.name, beside) or f"Name a folder with a model, or `{TINY}`."
        yield Problem(f"there is no folder {folder}.", "train.base_model", plan.file, hint=hint)
        return
    try:
        need_folder(folder)
    except UserError as error:
        yield Problem(error.message, "train.base_model", plan.file, hint=error.hint)


def train_notes(plan: Plan) -> list[str]:
    """What is no fault, but worth knowing: a base model that only has a name here."""
    train = plan.recipe.train
    if train is None or train.base_model == TINY or not _is_name(train.base_model):
        return []
    name = train.base_model
    guess = _guess(name, [TINY])
    text = f"train.base_model: {name} is no folder here. `tilth export` writes the name as it is; `tilth train` needs a folder."
    return [f"{text} {guess}".rstrip()]


def _guess(name: str, known: list[str]) -> str:
    """The hint with the closest known name; empty where none comes near."""
    return did_you_mean(name, known) if get_close_matches(name, known) else ""


def _is_name(base: str) -> bool:
    """Whether it reads as a name on a hub, `model` or `owner/model`, and leads to nothing here."""
    parts = Path(base).parts
    written_as_path = base.startswith((".", "~", "/", "\\")) or "\\" in base or Path(base).is_absolute()
    return not (
        written_as_path
        or len(parts) > 2
        or Path(base).exists()
        or (len(parts) == 2 and Path(parts[0]).is_dir())
    )

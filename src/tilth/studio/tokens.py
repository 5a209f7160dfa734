"""The tokens page: what the trainer will see of the training side, and of one sample."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilth.engine.replay import plan_of
from tilth.errors import TilthError, UserError
from tilth.models.loader import load_template, load_tokenizer
from tilth.recipe.schema import Train
from tilth.sample import Sample
from tilth.store.catalog import Entry
from tilth.store.folder import RunFolder
from tilth.training.data import format_of, read_data, side_file
from tilth.training.rows import encoded
from tilth.training.tokens import Shown, Tokens, count_tokens, show
from tilth.training.tokens_page import page_facts

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from tilth.studio.shell import Studio

COUNTED = 2_000
"""Samples that the page counts; `tilth tokens` counts all."""


def routes(studio: Studio) -> list[Route]:
    """`/tokens`."""
    from starlette.routing import Route

    def page(request: Request) -> Response:
        folder = studio.folder
        try:
            folder.require_done()
            model, _ = reader_of(folder, *_stamps(folder))
            files = (side_file(folder, "train"), model / "tokenizer.json")
            found, more = counted(folder, *_stamps(folder), *map(_stamp, files))
        except TilthError as problem:
            return studio.page(request, "studio_tokens.html", problem=problem, run_path=str(folder.path))
        facts = {**page_facts(found), "model": model.name, "more": more}
        return studio.page(request, "studio_tokens.html", problem=None, run_path=str(folder.path), **facts)

    return [Route("/tokens", page)]


def reader(folder: RunFolder) -> tuple[Path, Train]:
    """The folder of the model that will read the samples, and the settings of the training to come.

    Raises:
        UserError: the recipe trains nothing, or its model is not there yet.
        FolderError: the run does not hold its plan.
    """
    train = plan_of(folder).recipe.train
    if train is None:
        raise UserError("the recipe has no `train` section.", "Add one that names a base_model.")
    tiny = train.base_model == "tiny"
    model = folder.model / "base" if tiny else Path(train.base_model)
    if not model.is_dir():
        raise UserError(
            "the tiny base model of this run is not made yet." if tiny else f"there is no model at {model}.",
            f"Make it with: tilth train {folder.path}" if tiny else "Mend train.base_model in the recipe.",
        )
    return model, train


@lru_cache(maxsize=2)
def counted(folder: RunFolder, *stamps: int) -> tuple[Tokens, bool]:
    """The tokens of the training side's first samples, and whether there are more; remembered."""
    model, settings = reader(folder)
    samples = iter(read_data(side_file(folder, "train"), folder.index, format_of(folder)))
    found = count_tokens(islice(samples, COUNTED), model, settings)
    return found, next(samples, None) is not None


def mask(folder: RunFolder, row: Entry) -> Shown | None:
    """One sample's loss mask; `None` where it is not learned from, or nobody has said which model will read it."""
    if row.sample is None or row.door != "kept" or row.split not in ("", "train"):
        return None
    try:
        model, settings = reader_of(folder, *_stamps(folder))
        template, tokenizer = _loaded(model, _stamp(model / "tokenizer.json"))
        return next(_shown(row.sample, template, tokenizer, settings.max_length), None)
    except TilthError:
        return None


def _shown(sample: Sample, template: Any, tokenizer: Any, limit: int) -> Iterator[Shown]:
    for found in encoded([sample], template, tokenizer, limit):
        yield show(found, template, tokenizer, limit)


@lru_cache(maxsize=2)
def reader_of(folder: RunFolder, *stamps: int) -> tuple[Path, Train]:
    """`reader`, remembered until a file it depends on changes."""
    return reader(folder)


@lru_cache(maxsize=2)
def _loaded(model: Path, *stamps: int) -> tuple[Any, Any]:
    return load_template(model), load_tokenizer(model)


def _stamps(folder: RunFolder) -> tuple[int, int]:
    """When that changed which decides what reads the samples."""
    return _stamp(folder.run_json), _stamp(folder.model / "base")


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0

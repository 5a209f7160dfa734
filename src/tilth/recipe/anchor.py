"""Where the files lie that a recipe names: a relative path is relative to the recipe's folder, whoever reads it.

On the command line it is relative to the current folder: `override` makes it absolute there.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from tilth.recipe.schema import Compare, Recipe


def anchored(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe of this folder with the files and folders that `train` and `compare` name found from there."""
    train, compare = recipe.train, recipe.compare
    if train is not None and (folder / train.base_model).exists():
        # What is no folder here may be the name of a model on a hub.
        train = train.model_copy(update={"base_model": str(folder / train.base_model)})
    if compare is not None:
        compare = anchored_compare(compare, recipe.models, folder)
    return recipe.model_copy(update={"train": train, "compare": compare})


def anchored_compare(compare: Compare, models: Collection[str], folder: Path) -> Compare:
    """The section `compare` of a recipe in this folder, with the files and folders that it names found from there.

    Args:
        compare: the section as written.
        models: the names under `models:`, which are no paths.
        folder: where the recipe lies.
    """

    def found(name: str | None, *words: str) -> str | None:
        return name if name is None or name in words else str(folder / name)

    asked = compare.questions
    return compare.model_copy(
        update={
            "questions": asked if isinstance(asked, list) else found(asked, "test"),
            "general": found(compare.general, "general"),
            "before": found(compare.before, *models),
            "after": found(compare.after, *models),
        }
    )

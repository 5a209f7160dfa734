"""Which run a command means: a run folder, or the recipe that makes it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from tilth.engine.replay import plan_of
from tilth.errors import UserError
from tilth.evaluation.named import Named
from tilth.recipe import Recipe, load
from tilth.recipe.anchor import anchored
from tilth.recipe.check import check
from tilth.recipe.override import override as change
from tilth.recipe.plan import Plan
from tilth.recipe.schema import Compare
from tilth.store.folder import RunFolder


def find_run(what: str, assignments: list[str] | None = None) -> tuple[RunFolder, Recipe]:
    """The run folder and its recipe, with overrides.

    Args:
        what: a run folder, a recipe file, or the name of a shipped recipe (then the run is `runs/<name>`).
        assignments: `key=value` overrides.

    Raises:
        FolderError: there is no such run.
        RecipeError: the recipe has problems.
    """
    folder, plan = find_plan(what, assignments)
    return folder, anchored(plan.recipe, plan.folder)


def find_plan(what: str, assignments: list[str] | None = None) -> tuple[RunFolder, Plan]:
    """The run folder and its plan, which also says where the recipe lies; as `find_run`.

    Raises:
        FolderError: there is no such run.
        RecipeError: the recipe has problems.
    """
    folder = RunFolder(Path(what))
    if folder.path.is_dir():
        folder.read_run()
        plan = plan_of(folder)
        return folder, override(plan, assignments) if assignments else plan
    plan = load(what, assignments or [])
    folder = RunFolder(Path("runs") / plan.name)
    folder.read_run()
    return folder, plan


def override(plan: Plan, assignments: list[str]) -> Plan:
    """The plan with some values changed."""
    return check(json.dumps(plan.document), plan.file, plan.folder, assignments, need_sources=False)


def settings_from(recipe: str | None, assignments: list[str]) -> tuple[Compare, Named]:
    """The `compare` section and the models of a recipe that need not have been run; defaults where there is none.

    Raises:
        RecipeError: the recipe has problems.
        UserError: an override is of another section, and there is no recipe.
    """
    if recipe is not None:
        plan = load(recipe, assignments)
        found = anchored(plan.recipe, plan.folder)
        return found.compare or Compare(), Named.of(found, plan.folder)
    given: dict[str, object] = {}
    problems = change(given, assignments)
    other = [name for name in given if name != "compare"]
    if problems or other:
        raise UserError(
            str(problems[0]) if problems else f"--set {other[0]}.… needs a recipe.", "Name one with --recipe."
        )
    try:
        return Compare.model_validate(given.get("compare", {})), Named()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"compare.{where}: {first['msg']}.", "Correct --set.") from None

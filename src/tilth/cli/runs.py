"""Which run a command means: a run folder, or the recipe that makes it."""

from __future__ import annotations

import json
from pathlib import Path

from tilth.engine.replay import plan_of
from tilth.recipe import Recipe, load
from tilth.recipe.check import check
from tilth.recipe.plan import Plan
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
    folder = RunFolder(Path(what))
    if folder.path.is_dir():
        folder.read_run()
        plan = plan_of(folder)
        return folder, override(plan, assignments).recipe if assignments else plan.recipe
    plan = load(what, assignments or [])
    folder = RunFolder(Path("runs") / plan.name)
    folder.read_run()
    return folder, plan.recipe


def override(plan: Plan, assignments: list[str]) -> Plan:
    """The plan with some values changed."""
    return check(json.dumps(plan.document), plan.file, plan.folder, assignments, need_sources=False)

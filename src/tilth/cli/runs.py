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
        return folder, anchored(override(plan, assignments) if assignments else plan)
    plan = load(what, assignments or [])
    folder = RunFolder(Path("runs") / plan.name)
    folder.read_run()
    return folder, anchored(plan)


def anchored(plan: Plan) -> Recipe:
    """The recipe with the files and folders that `train` and `compare` name found from where it lies."""

    def found(value: str | None) -> str | None:
        there = plan.folder / value if value else None
        return str(there) if there is not None and there.exists() else value

    train, compare = plan.recipe.train, plan.recipe.compare
    if train is not None:
        train = train.model_copy(update={"base_model": found(train.base_model)})
    if compare is not None:
        named = {"before": found(compare.before), "after": found(compare.after)}
        if isinstance(compare.questions, str) and compare.questions != "test":
            named["questions"] = found(compare.questions)
        compare = compare.model_copy(update=named)
    return plan.recipe.model_copy(update={"train": train, "compare": compare})


def override(plan: Plan, assignments: list[str]) -> Plan:
    """The plan with some values changed."""
    return check(json.dumps(plan.document), plan.file, plan.folder, assignments, need_sources=False)

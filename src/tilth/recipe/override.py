"""`--set data.steps.filter.length.min_chars=2`: change one value of a recipe from the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tilth.errors import Problem, RecipeError
from tilth.recipe.yaml import value as value_of

PATH_KEYS = {
    "data.from",
    "compare.questions",
    "compare.before",
    "compare.after",
    "compare.general",
    "train.base_model",
}
"""Values that name files: given on the command line they are relative to the current folder."""


def override(document: Any, assignments: list[str]) -> list[Problem]:
    """Apply `key=value` pairs to a parsed recipe, in place; returns what could not be applied.

    The value is read as YAML, so `0.3`, `true` and `[a, b]` mean what they mean in the recipe.
    """
    problems = []
    for assignment in assignments:
        key, sign, text = assignment.partition("=")
        if not sign or not key:
            problems.append(Problem(f"--set {assignment}: expected key=value, for example train.epochs=1."))
            continue
        try:
            _put(document, key.split("."), _absolute(key, value_of(text)))
        except yaml.YAMLError:
            problems.append(Problem(f"--set {assignment}: the value is no YAML."))
        except LookupError as error:
            problems.append(Problem(f"--set {assignment}: {error.args[0]}"))
    return problems


def _absolute(key: str, value: Any) -> Any:
    if key not in PATH_KEYS and not re.fullmatch(r"models\.\w+\.(answers|path|adapter)", key):
        return value
    if isinstance(value, list):
        return [_absolute(key, item) for item in value]
    if isinstance(value, str):
        looks_like_path = Path(value).exists() or (key == "data.from" and not Path(value).is_absolute())
        return str(Path(value).resolve()) if looks_like_path and "://" not in value else value
    return value


def _put(node: Any, keys: list[str], value: Any) -> None:
    if isinstance(node, list):
        _put_step(node, keys, value)
        return
    if not isinstance(node, dict):
        raise LookupError(f"there is nothing under '{keys[0]}' to set.")
    if len(keys) == 1:
        node[keys[0]] = value
        return
    if node.get(keys[0]) is None:
        node[keys[0]] = {}
    _put(node[keys[0]], keys[1:], value)


def _put_step(steps: list[Any], keys: list[str], value: Any) -> None:
    name = ".".join(keys[:2])
    matches = [i for i, step in enumerate(steps) if step == name or (isinstance(step, dict) and name in step)]
    if len(matches) != 1 or len(keys) < 3:
        found = "there is no step" if not matches else "there are several steps"
        raise LookupError(f"{found} '{name}' in the recipe; expected data.steps.FAMILY.NAME.SETTING=value.")
    index = matches[0]
    settings = steps[index][name] if isinstance(steps[index], dict) else {}
    steps[index] = {name: dict(settings or {})}
    _put(steps[index][name], keys[2:], value)


def raise_for(problems: list[Problem]) -> None:
    """Stop when there are problems.

    Raises:
        RecipeError: with all of them.
    """
    if problems:
        raise RecipeError(problems)

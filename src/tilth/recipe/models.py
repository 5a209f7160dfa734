"""The `models:` section of a recipe, and the steps that name its models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tilth.errors import did_you_mean
from tilth.models.settings import KINDS, Endpoint, Local, Scripted, variables
from tilth.operators.base import Operator

Say = Callable[[str, str, str], None]
"""Told (path in the recipe, message, hint)."""


@dataclass(frozen=True)
class Named:
    """A model under the name that a recipe gives it."""

    name: str
    settings: Endpoint | Local | Scripted
    folder: Path
    """The recipe's folder."""

    @cached_property
    def identity(self) -> str:
        """What of it enters the keys of steps."""
        from tilth.models.connect import identity

        return identity(self.settings, self.folder)


def read_models(
    section: Any, folder: Path, say: Say, tell: Callable[[ValidationError, str, Any], None]
) -> dict[str, Named]:
    """The models of a recipe; what is wrong with one is told, and the others are still read."""
    found: dict[str, Named] = {}
    for name, given in section.items() if isinstance(section, Mapping) else ():
        path = f"models.{name}"
        kind = given.get("kind") if isinstance(given, Mapping) else None
        if kind not in KINDS:
            hint = did_you_mean(str(kind), KINDS) if kind else f"Known: {', '.join(KINDS)}."
            say(path, f"a model needs a kind, got {kind!r}.", hint)
            continue
        try:
            found[str(name)] = Named(str(name), KINDS[kind].model_validate(given), folder)
        except ValidationError as error:
            tell(error, path, KINDS[kind])
    return found


def unset(named: Named) -> Iterator[str]:
    """What an environment variable or a file is missing for, before the model can be asked."""
    settings = named.settings
    offline = os.environ.get("TILTH_OFFLINE") == "1"
    for variable in variables(settings.name if offline and isinstance(settings, Endpoint) else settings):
        if not os.environ.get(variable):
            yield f"the environment variable {variable} is not set"
    paths = {Local: ("path", "adapter"), Scripted: ("answers",)}.get(type(settings), ())
    for key in paths:
        value = getattr(settings, key)
        if value and "$" not in value and not (named.folder / value).exists():
            yield f"there is no {named.folder / value}"


def models_of_step(
    path: str, declared: Operator, values: Mapping[str, Any], known: Mapping[str, Named], say: Say
) -> dict[str, Named]:
    """Setting → model, for the settings of a step that name one."""
    found: dict[str, Named] = {}
    for setting in declared.models:
        name = values.get(setting)
        if name is None:
            continue
        if name in known:
            found[setting] = known[name]
        else:
            hint = did_you_mean(name, known) if known else "Describe it under `models:`."
            say(path, f"{declared.name}: there is no model '{name}' under `models:`.", hint)
    return found

"""The models of a recipe, by the names that its `compare` section uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tilth.errors import NotFoundError, UserError, did_you_mean
from tilth.models.base import AsyncChatModel
from tilth.models.connect import connect
from tilth.models.settings import Local, ModelSettings, resolve
from tilth.recipe.schema import Recipe


@dataclass(frozen=True)
class Weights:
    """A model on disk."""

    folder: Path
    adapter: Path | None = None
    name: str = ""
    """What reports call it; the folder's name where it is empty."""


@dataclass(frozen=True)
class Named:
    """What `models:` says, and where the recipe lies."""

    models: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()
    recipe: str = ""

    @classmethod
    def of(cls, recipe: Recipe, folder: Path) -> Named:
        """The models of a recipe that lies in `folder`."""
        return cls(recipe.models, folder, recipe.name)

    def open(self, name: str) -> AsyncChatModel | Weights:
        """The model of this name: a folder is to be loaded here, so that its losses can be measured.

        Raises:
            NotFoundError: the recipe has no model of this name.
            UserError: what the recipe says of it cannot be used.
        """
        settings = self._settings(name)
        if isinstance(settings, Local):
            adapter = settings.adapter
            return Weights(
                self.folder / resolve(settings.path), self.folder / resolve(adapter) if adapter else None
            )
        return connect(settings, self.folder, payer=f"{self.recipe}/{name}")

    def ask(self, name: str) -> AsyncChatModel:
        """The model of this name as something to be asked, whatever its kind.

        Raises:
            NotFoundError: the recipe has no model of this name.
            UserError: what the recipe says of it cannot be used.
        """
        return connect(self._settings(name), self.folder, payer=f"{self.recipe}/{name}")

    def _settings(self, name: str) -> Any:
        if name not in self.models:
            hint = (
                did_you_mean(Path(name).name, self.models)
                if self.models
                else "The recipe has no section `models`."
            )
            raise NotFoundError(f"'{name}' is no model of the recipe, no folder and no file.", hint)
        try:
            return TypeAdapter(ModelSettings).validate_python(self.models[name])
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(f"models.{name}: {first['msg']}", "Mend the recipe.") from None

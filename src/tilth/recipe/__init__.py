"""One YAML file → a checked plan."""

from tilth.recipe.check import load, shipped_names
from tilth.recipe.plan import Plan, Step
from tilth.recipe.schema import Recipe

__all__ = ["Plan", "Recipe", "Step", "load", "shipped_names"]

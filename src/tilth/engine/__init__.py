"""Walks the plan; the only room that catches an operator's error, counts, and starts workers."""

from tilth.engine.check import check_input
from tilth.engine.convert import convert
from tilth.engine.diff import diff
from tilth.engine.driver import run
from tilth.engine.dry import dry_run
from tilth.engine.life import explain
from tilth.engine.look import preview, restore, show

__all__ = ["check_input", "convert", "diff", "dry_run", "explain", "preview", "restore", "run", "show"]

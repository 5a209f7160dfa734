"""The templates that static reports and the studio share."""

from tilth.pages.render import language, render

__all__ = ["language", "render"]

"""The web application that shows a run: its doors, its samples, one sample's life, its training."""

from tilth.studio.app import app
from tilth.studio.serve import serve

__all__ = ["app", "serve"]

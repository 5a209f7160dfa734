"""From a run's training file to a trained model: prepare, launch, collect; one backend a file."""

from __future__ import annotations

from tilth.training import hf, llamafactory, xtuner  # noqa: F401  importing a backend registers it
from tilth.training.base import BACKENDS, Artifact, Backend, Job, Lint

__all__ = ["BACKENDS", "Artifact", "Backend", "Job", "Lint"]

"""What a training backend is: files and a command out, an artifact back in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from tilth.recipe.schema import Train
from tilth.registry import Registry
from tilth.store.files import read_json, write_json

JOB_FILE = "job.json"


@dataclass(frozen=True)
class Job:
    """One training, complete: `job.json` in the folder where it happens. Paths are relative to that folder."""

    settings: Train
    base: str
    """The folder of the base model."""
    format: str
    """The format of the data files, a name of `tilth.formats`."""
    train: str
    validation: str | None
    """A file whose answer loss is logged on the way; nothing is learnt from it."""
    index: str
    """The run's index, which names the samples of the data files."""
    data_digest: str
    key: str
    """A digest of everything that decides the result: settings, data and base model."""

    def save(self, folder: Path) -> Path:
        """Write `job.json` into the folder; returns its path."""
        path = folder / JOB_FILE
        write_json(path, asdict(self) | {"settings": self.settings.model_dump(mode="json")})
        return path

    @classmethod
    def load(cls, path: Path) -> Job:
        """The job that `save` wrote."""
        record: dict[str, Any] = read_json(path)
        return cls(**record | {"settings": Train.model_validate(record["settings"])})


@dataclass(frozen=True)
class Artifact:
    """What a trainer left, in safetensors."""

    kind: Literal["adapter", "full"]
    path: Path


@dataclass(frozen=True)
class Lint:
    """Something about a job that will probably disappoint, though it runs."""

    rule: str
    """A stable snake_case word."""
    message: str
    fix: str


def whole(number: float) -> float | int:
    """The number without its `.0`, as people and other trainers write it."""
    return int(number) if number == int(number) else number


class Backend(Protocol):
    """A trainer that runs in a process of its own."""

    name: str

    def prepare(self, job: Job, folder: Path) -> list[str]:
        """Write what the trainer reads into the folder; returns the command that trains, to be run there.

        Raises:
            UserError: this trainer cannot do this job.
        """

    def check(self, job: Job, folder: Path) -> list[Lint]:
        """What is likely to go wrong. Called after `prepare`."""

    def collect(self, job: Job, folder: Path) -> Artifact:
        """Find the result. Exit codes are not believed, files are.

        Raises:
            TrainingError: there is no result.
        """


BACKENDS: Registry[Backend] = Registry("training backend")

"""Where the files of a run are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tilth.errors import FolderError
from tilth.sample import SIDES
from tilth.store.files import read_json


@dataclass(frozen=True)
class RunFolder:
    """One run: a folder whose files a person can read. Paths only; nothing is opened here but `run.json`."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def recipe(self) -> Path:
        """The recipe as it was written."""
        return self.path / "recipe.yaml"

    @property
    def lock(self) -> Path:
        """The recipe with every default, version, seed and input digest."""
        return self.path / "recipe.lock.yaml"

    @property
    def run_json(self) -> Path:
        """Status and counts."""
        return self.path / "run.json"

    @property
    def data(self) -> Path:
        """The training files."""
        return self.path / "data"

    def side(self, split: str) -> Path:
        """`data/train.jsonl` and its neighbours; with another suffix where the format is a table."""
        tables = (self.data / f"{split}.{suffix}" for suffix in ("csv", "tsv"))
        return next((path for path in tables if path.exists()), self.data / f"{split}.jsonl")

    @property
    def sides(self) -> dict[str, Path]:
        """The sides that exist, by name."""
        return {side: self.side(side) for side in SIDES if self.side(side).exists()}

    @property
    def index(self) -> Path:
        """For each output line: file, line, id, place, family, split."""
        return self.data / "index.jsonl"

    @property
    def card(self) -> Path:
        """The dataset card."""
        return self.data / "card.md"

    def door(self, name: str) -> Path:
        """`dropped.jsonl`, `quarantined.jsonl` or `held.jsonl`."""
        return self.path / f"{name}.jsonl"

    @property
    def splits(self) -> Path:
        """Sample id → side, read back by the next run."""
        return self.path / "splits.jsonl"

    @property
    def decisions(self) -> Path:
        """People's decisions and restorations, append-only."""
        return self.path / "decisions.jsonl"

    @property
    def chats(self) -> Path:
        """Exchanges kept from the chat, append-only; a recipe can read them."""
        return self.path / "chats.jsonl"

    @property
    def chats_accepted(self) -> Path:
        """Of those the ones that people accepted or edited, written anew at each decision about one."""
        return self.path / "chats-accepted.jsonl"

    @property
    def votes(self) -> Path:
        """People's blind votes on pairs of answers, append-only."""
        return self.path / "votes.jsonl"

    @property
    def steps(self) -> Path:
        """Checkpoints at stage ends, and facts."""
        return self.path / "steps"

    @property
    def origin(self) -> Path:
        """The recipe after overrides, and the folder its paths are relative to."""
        return self.steps / "origin.json"

    @property
    def proposals(self) -> Path:
        """Changes that steps proposed, for a person to accept."""
        return self.steps / "proposals.jsonl"

    def catalog(self, key: str) -> Path:
        """What the studio finds samples with; made from the other files, and again whenever they change."""
        return self.steps / f"catalog-{key}.sqlite"

    @property
    def model(self) -> Path:
        """What training made: adapter/, merged/, checkpoint-<step>/, log.jsonl."""
        return self.path / "model"

    @property
    def report(self) -> Path:
        """data.html, compare.html and the answers."""
        return self.path / "report"

    @property
    def worklist(self) -> Path:
        """Training samples and topics that the last comparison wants looked at."""
        return self.report / "worklist.jsonl"

    @property
    def history(self) -> Path:
        """What earlier runs left: their run.json and splits.jsonl."""
        return self.path / "history"

    def read_run(self) -> dict[str, Any]:
        """The contents of `run.json`.

        Raises:
            FolderError: this is no run folder.
        """
        if not self.run_json.exists():
            raise FolderError(
                f"{self.path} is no run folder: it has no run.json.", "Make one with: tilth run RECIPE"
            )
        try:
            found: dict[str, Any] = read_json(self.run_json)
        except ValueError:
            raise FolderError(
                f"{self.run_json} is damaged.", "Run the recipe again: it is written anew."
            ) from None
        return found

    def require_done(self) -> dict[str, Any]:
        """`run.json` of a run that later commands may build on.

        Raises:
            FolderError: the run failed, or has not finished.
        """
        run = self.read_run()
        if run["status"] == "failed":
            raise FolderError(
                f"{self.path} failed: {run.get('reason', 'unknown reason')}", "Mend it and run again."
            )
        if run["status"] == "running":
            raise FolderError(f"{self.path} has not finished.", "Run the same `tilth run` again to go on.")
        return run

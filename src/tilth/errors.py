"""Every error Tilth raises on purpose.

    TilthError                 something Tilth can explain; exit code 1
    ├── UserError              wrong use or wrong input; exit code 2
    │   ├── RecipeError        the recipe has problems; all of them are listed
    │   ├── FormatError        a record does not have the shape its format promises
    │   ├── SourceError        a data source cannot be read
    │   ├── FolderError        a run folder is missing, locked, failed or not what the command needs
    │   ├── NotFoundError      a name, place or id is unknown
    │   └── MissingExtra       an optional dependency is not installed
    ├── BalanceError           the doors do not add up; our failure, never the user's
    └── TrainingError          a trainer stopped before it was done

All of them pickle, because engines send them between processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a recipe or its input."""

    message: str
    """What is wrong, in one sentence."""
    path: str = ""
    """Where in the recipe, for example `data.steps[2]`."""
    file: str = ""
    line: int | None = None
    hint: str = ""
    """What to do next."""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        where = ", ".join(part for part in (place, self.path) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} {self.hint}".rstrip()

    def as_dict(self) -> dict[str, str | int | None]:
        """The shape that `tilth check --json` prints."""
        return asdict(self)


class TilthError(Exception):
    """Something went wrong that Tilth can explain."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UserError(TilthError):
    """Wrong use or wrong input: the person can mend it."""

    exit_code = 2


class RecipeError(UserError):
    """The recipe has problems; `problems` lists all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        TilthError.__init__(self, "\n".join(str(problem) for problem in self.problems))
        self.args = (self.problems,)


class FormatError(UserError):
    """A record does not have the shape its format promises, or a shape cannot carry a sample."""


class SourceError(UserError):
    """A data source is missing, unreadable or of an unknown kind."""


class FolderError(UserError):
    """A run folder is missing, locked, failed or not what the command needs."""


class NotFoundError(UserError):
    """A name, place or id is unknown."""


class MissingExtra(UserError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional dependency.", f"Install it with: pip install 'tilth[{extra}]'"
        )
        self.args = (feature, extra)


class BalanceError(TilthError):
    """The four doors do not add up to what came in. This is a defect in Tilth."""


class TrainingError(TilthError):
    """A trainer stopped before it was done."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the closest known word, or lists what is known when nothing is close."""
    choices = sorted(known)
    close = get_close_matches(name, choices, n=1, cutoff=0.6)
    if close:
        return f"Did you mean '{close[0]}'?"
    if len(choices) <= 20:
        return f"Known: {', '.join(choices)}."
    return ""

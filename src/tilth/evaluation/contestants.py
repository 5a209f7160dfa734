"""The two models of a comparison: from a trained run, from model folders, or from files with ready answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tilth.errors import FolderError, NotFoundError
from tilth.evaluation.ask import Speaker
from tilth.evaluation.inputs import AFTER, BEFORE, read_side_file
from tilth.evaluation.losses import Scorer
from tilth.evaluation.named import Named, Weights
from tilth.evaluation.protocol import Contestant
from tilth.models.base import AsyncChatModel, ChatModel
from tilth.models.local import LocalModel, LocalPair
from tilth.models.scripted import ScriptedModel
from tilth.recipe.plan import content_key
from tilth.store.files import read_json
from tilth.store.folder import RunFolder
from tilth.training.base import BACKENDS, JOB_FILE, Job
from tilth.training.data import file_digest
from tilth.training.run import DONE_FILE


@dataclass(frozen=True)
class Pair:
    """Both sides, ready to be asked."""

    before: Speaker
    after: Speaker
    scorers: tuple[Scorer, Scorer] | None = None
    """The same models where both can tell the loss of an expected answer."""
    templates: tuple[str, str] = ("", "")
    answers_anything: bool = True
    """Whether both can be asked other questions too; a file with ready answers cannot."""

    @property
    def contestants(self) -> tuple[Contestant, Contestant]:
        """What the protocol says of them."""
        first, second = self.templates
        return (
            Contestant(self.before.name, self.before.identity, first),
            Contestant(self.after.name, self.after.identity, second),
        )


def open_pair(
    before: str | None, after: str | None, run: RunFolder | None = None, named: Named | None = None
) -> Pair:
    """Load both sides.

    Args:
        before: a name under `models:` of the recipe, a model folder, another run (what its training made), or a file
            with ready answers; by default the base model that the run was trained from.
        after: the same, or an adapter folder (over the model of `before`); by default what the run's training made.
        run: the run that the defaults come from.
        named: the models of the recipe.

    Raises:
        FolderError: a default is asked for and the run has no finished training.
        NotFoundError: a name is neither a model of the recipe nor a folder nor a file.
    """
    first = _trained(run)[0] if before is None else _source(before, None, named)
    base = first.folder if isinstance(first, Weights) else None
    second = _trained(run)[1] if after is None else _source(after, base, named)
    if isinstance(first, Weights) and isinstance(second, Weights):
        return _weights_pair(first, second)
    anything = not isinstance(first, Path) and not isinstance(second, Path)
    models = _opened(first, BEFORE), _opened(second, AFTER)
    return Pair(*models, None, (_template(models[0]), _template(models[1])), anything)


def trained_model(run: Path) -> Weights:
    """What the training of a run made: the base with its adapter, or the whole model.

    Raises:
        FolderError: the run has no finished training.
    """
    return _trained(RunFolder(run))[1]


def both_models(run: RunFolder) -> tuple[Weights, Weights]:
    """The model a run was trained from, and what its training made.

    Raises:
        FolderError: the run has no finished training.
    """
    return _trained(run)


def _trained(run: RunFolder | None) -> tuple[Weights, Weights]:
    """The models before and after the training of a run."""
    if run is None:
        raise FolderError("there is no run to take a model from.", "Name both models: before and after.")
    if not (run.model / DONE_FILE).exists():
        raise FolderError(f"{run.path} holds no finished training.", f"Make one with: tilth train {run.path}")
    job = Job.load(run.model / JOB_FILE)
    artifact = BACKENDS.get(job.settings.backend).collect(job, run.model)
    base = run.model / job.base
    over = artifact.kind == "adapter"
    tuned = Weights(base if over else artifact.path, artifact.path if over else None, run.name)
    return Weights(base), tuned


def _source(name: str, base: Path | None, named: Named | None) -> Weights | Path | AsyncChatModel:
    """What a name in the recipe or on the command line stands for."""
    path = Path(name)
    if named is not None and name in named.models:
        return named.open(name)
    if (path / "adapter_config.json").exists() and base is not None:
        return Weights(base, path)
    if RunFolder(path).run_json.exists():
        return _trained(RunFolder(path))[1]
    if path.is_dir():
        return Weights(path)
    if path.is_file():
        return path
    if named is not None:
        return named.open(name)
    raise NotFoundError(f"{name} is neither a model folder nor a file with answers.", "Check the path.")


def _opened(source: Weights | Path | AsyncChatModel, column: Sequence[str]) -> Speaker:
    if isinstance(source, Weights):
        return cast(ChatModel, LocalModel(source.folder, source.adapter, source.name))
    if isinstance(source, Path):
        return ScriptedModel(read_side_file(source, column), name=source.name)
    return source


def _weights_pair(first: Weights, second: Weights) -> Pair:
    if first.folder == second.folder and first.adapter is None and second.adapter is not None:
        before, after = LocalPair.load(second.folder, second.adapter)
    else:
        before = LocalModel(first.folder, first.adapter, first.name)
        after = LocalModel(second.folder, second.adapter, second.name)
    models = cast(ChatModel, before), cast(ChatModel, after)
    return Pair(*models, (before, after), (_template(before), _template(after)))


def _template(model: Speaker) -> str:
    """Digest of the template a model is asked through; empty where another program holds it."""
    if not isinstance(model, LocalModel):
        return ""
    return content_key(model.template.text, dict(model.template.tokens))


def is_stale(run: RunFolder) -> bool | None:
    """Whether the model was trained on other data than the run now holds; `None` where nothing records it."""
    path = run.model / JOB_FILE
    if not path.exists():
        return None
    recorded = str(read_json(path)["data_digest"])
    train, validation = run.side("train"), run.side("validation")
    files = [train] if not validation.exists() or not validation.stat().st_size else [train, validation]
    return not train.exists() or recorded != file_digest(*files)

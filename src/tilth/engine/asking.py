"""Model steps: many samples wait for their answers at once, in this process, and go on in source order."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from tilth.engine.shard import Mark, Pass, Task
from tilth.errors import TilthError
from tilth.models.base import AsyncChatModel, Reply, Request
from tilth.models.connect import Connected, connect
from tilth.models.requests import FILE, RequestStore
from tilth.models.structured import Structured
from tilth.recipe.models import Named
from tilth.recipe.plan import Plan, Step
from tilth.sample import Sample

AHEAD = 2
"""Chunks that are read before the oldest one is settled, so that its last answers keep nobody waiting."""


class Answering(AsyncChatModel, Protocol):
    """A model whose requests have a key."""

    def key(self, request: Request) -> str:
        """What the cache knows the request by."""

    async def close(self) -> None:
        """Close connections."""


class Desk:
    """The models of a run, connected when the first step needs them, and the event loop they live in."""

    def __init__(self, connect: Callable[[Named], Answering]) -> None:
        self._connect = connect
        self._runner = asyncio.Runner()
        self.models: dict[str, Answering] = {}
        """Name in the recipe → the model, of those that were asked."""

    def model(self, named: Named) -> Answering:
        """The model of a name."""
        if named.name not in self.models:
            self.models[named.name] = self._connect(named)
        return self.models[named.name]

    def walk(self, tasks: Sequence[Task], step: Step, progress: Callable[[int, int], None]) -> list[Mark]:
        """Let all shards walk a model step.

        Args:
            tasks: the shards that are not done, in order.
            step: the step.
            progress: told how many samples are answered, and how many there are as far as is known.
        """
        models = {setting: self.model(named) for setting, named in step.models.items()}
        return self._runner.run(_Walk(step, models, progress).go(tasks))

    def close(self) -> None:
        """Close what is open."""
        for model in self.models.values():
            self._runner.run(model.close())
        self._runner.close()


class Recorder:
    """A model that notes what it answered for one sample."""

    def __init__(self, model: Answering, alias: str, place: str, lines: list[dict[str, Any]]) -> None:
        self._model, self._alias, self._place, self._lines = model, alias, place, lines
        self.name = model.name

    @property
    def identity(self) -> str:
        """The model's."""
        return self._model.identity

    async def answer(self, request: Request) -> Reply:
        """The model's answer."""
        about = {"place": self._place, "model": self._alias, "name": self.name}
        line: dict[str, Any] = {**about, "key": self._model.key(request)}
        self._lines.append(line)
        reply = await self._model.answer(request)
        said = {name: value for name, value in vars(reply).items() if name != "data"}
        line |= said if reply.thinking else {name: said[name] for name in said if name != "thinking"}
        return reply


class Recorded:
    """The answers that a sample got in a run, in the order it asked for them."""

    def __init__(self, alias: str, lines: Sequence[Mapping[str, Any]]) -> None:
        self.name = self.identity = str(lines[0]["name"]) if lines else alias
        self._lines = iter(lines)

    async def answer(self, request: Request) -> Reply:
        """The next answer."""
        line = next(self._lines, None)
        if line is None:
            return Reply("", "failed", "the run holds no further answer")
        kept = ("text", "state", "reason", "prompt_tokens", "completion_tokens", "thinking")
        return Reply(**{name: line[name] for name in kept if name in line})


class _Walk:
    """All samples of all shards through one step."""

    def __init__(
        self, step: Step, models: Mapping[str, Answering], progress: Callable[[int, int], None]
    ) -> None:
        self._step, self._models, self._progress = step, models, progress
        self._names = {setting: named.name for setting, named in step.models.items()}
        self._done = self._seen = 0
        self._waiting: deque[tuple[Pass, list[Sample], dict[str, bytes], Answers] | Pass] = deque()
        self._marks: list[Mark] = []

    async def go(self, tasks: Sequence[Task]) -> list[Mark]:
        """Read ahead, ask, and settle in order."""
        total = sum(task.before.rows - len(task.before.gone) for task in tasks if task.before is not None)
        with ExitStack() as stack:
            for task in tasks:
                work = stack.enter_context(Pass(task, [self._outcome]))
                for samples, raws in work.chunks():
                    self._seen += len(samples)
                    answers = Answers(self, samples, max(total, self._seen))
                    self._waiting.append((work, samples, raws, answers))
                    while len(self._waiting) > AHEAD:
                        await self._settle()
                self._waiting.append(work)
            while self._waiting:
                await self._settle()
        return self._marks

    async def _settle(self) -> None:
        first = self._waiting.popleft()
        if isinstance(first, Pass):
            self._marks.append(first.finish())
            return
        work, samples, raws, answers = first
        self._current = await answers.all()
        work.walk(samples, raws)
        for sample in samples:
            work.asked += answers.lines[sample.place]

    def _outcome(self, sample: Sample) -> Any:
        outcome = self._current[sample.place]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    async def ask(self, sample: Sample, lines: list[dict[str, Any]], total: int) -> Any:
        """What the step says of one sample."""
        settings = dict(self._step.settings)
        for setting, model in self._models.items():
            settings[setting] = Recorder(model, self._names[setting], sample.place, lines)
        try:
            return await self._step.declared.target(sample, **settings)
        finally:
            self._done += 1
            self._progress(self._done, total)


class Answers:
    """The outcomes of one chunk, on their way."""

    def __init__(self, walk: _Walk, samples: Sequence[Sample], total: int) -> None:
        self.lines: dict[str, list[dict[str, Any]]] = {sample.place: [] for sample in samples}
        self._places = [sample.place for sample in samples]
        self._tasks = [
            asyncio.ensure_future(walk.ask(sample, self.lines[sample.place], total)) for sample in samples
        ]

    async def all(self) -> dict[str, Any]:
        """Place → outcome, or the error that the step raised.

        Raises:
            TilthError: a fault of the recipe or of Tilth, which every sample would meet.
        """
        found = await asyncio.gather(*self._tasks, return_exceptions=True)
        for outcome in found:
            if isinstance(outcome, TilthError):
                raise outcome
        return dict(zip(self._places, found, strict=True))


def replayed(step: Step, lines: Sequence[Mapping[str, Any]], sample: Sample) -> Any:
    """What a model step said of a sample, from the answers that the run stored."""
    settings = dict(step.settings)
    for setting, named in step.models.items():
        own = [line for line in lines if line["model"] == named.name]
        settings[setting] = Structured(Recorded(named.name, own))
    # A loop of its own, in a thread of its own: the caller may already be inside one.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_call(step, sample, settings))).result()


async def _call(step: Step, sample: Sample, settings: Mapping[str, Any]) -> Any:
    return await step.declared.target(sample, **settings)


class Connector:
    """Connects the models of a plan, all to one cache beside the recipe; `TILTH_OFFLINE=1` sends nothing."""

    def __init__(self, plan: Plan, store: RequestStore | None = None) -> None:
        self._plan, self._store = plan, store

    @property
    def store(self) -> RequestStore:
        """The answers that were paid for."""
        if self._store is None:
            self._store = RequestStore(self._plan.folder / FILE)
        return self._store

    def __call__(self, named: Named) -> Connected:
        """The model of a name."""
        offline = os.environ.get("TILTH_OFFLINE") == "1"
        payer = f"{self._plan.name}/{named.name}"
        return connect(named.settings, self._plan.folder, payer=payer, offline=offline, store=self.store)

    def close(self) -> None:
        """Close the cache."""
        if self._store is not None:
            self._store.close()

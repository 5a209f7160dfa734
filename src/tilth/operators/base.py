"""How an operator is declared: a function on one sample, or a dataclass that observes all and then decides.

A function on one sample is `async` when it asks a model, which it takes as a setting of the type `AsyncChatModel`:
the recipe gives a name under `models:`, the engine hands over the object. A function that takes a second argument,
a `Settled`, waits for people: the engine hands over what they decided about the sample.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, is_dataclass
from dataclasses import fields as dataclass_fields
from functools import cached_property, partial
from itertools import compress
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as Setting

from tilth.models.base import AsyncChatModel
from tilth.operators import load
from tilth.registry import Registry
from tilth.sample import Message, Outcome, Role, Sample, Verdict

if TYPE_CHECKING:
    import numpy as np

    from tilth.operators.texts import Gate

Field = Literal["question", "answer", "both"]
"""Which messages a step reads or edits: the user's, the assistant's, or both. System and tool turns are the
author's own and are left alone."""

Read = Callable[[str], Sample]
"""Fetches a sample by its place, to verify a candidate."""

Kind = Literal["sample", "set", "model", "person"]
"""`model` and `person` are functions on one sample that wait for an answer."""

Share = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]
"""`map` over tasks, in their order, by as many processes as there are; function, tasks and results must pickle."""

Beside = Callable[[Callable[[Any], Any], Any], Callable[[], Any]]
"""Begins a task in another process, where there is one; what is returned waits for the result. All must pickle."""

Look = Callable[[Sequence[Sample]], Any]
"""A pure function of some samples; it pickles, so that other processes can be told of it, and so does what it returns."""

LOOKED_AT = 4096
"""Samples that a `Look` is given at most."""


@dataclass(frozen=True)
class Facts:
    """What a set operator observed, in the order (source, path, n)."""

    rows: np.ndarray
    """One fixed-width row a sample, of the operator's `fact` dtype."""
    places: Sequence[str]
    """The place of each row."""
    history: Mapping[str, str] = field(default_factory=dict)
    """Sides that earlier runs gave, by sample id. Only split operators read it."""
    spread: Callable[[Look, np.ndarray | None], Iterator[Any]] | None = None
    """Lets several processes look at the samples that a mask names, or at all; `None` where there is one."""
    share: Share = map
    """Lets several processes work on what a decision takes."""
    beside: Beside = lambda function, task: lambda: function(task)
    """Lets another process begin something."""
    workers: int = 1
    """How many processes there are, for cutting the work. What is decided must never depend on it."""
    prepared: np.ndarray | None = None
    """What the operator's `prepare` made of these facts; `None` where nobody has asked it."""

    def gather(self, look: Look, read: Read, among: np.ndarray | None = None) -> Iterator[Any]:
        """What `look` says of the samples, block by block in their order; several processes may look.

        For what only some sets need, and what is too long for a fact. `among` names the rows to look at, as a mask: all
        without it.
        """
        if self.spread is not None:
            return self.spread(look, among)
        places = self.places if among is None else list(compress(self.places, among.tolist()))
        blocks = (places[first : first + LOOKED_AT] for first in range(0, len(places), LOOKED_AT))
        return (look([read(place) for place in block]) for block in blocks)

    def __len__(self) -> int:
        return len(self.places)


class SetOperator(Protocol):
    """Looks at all samples: a small fact from each, then one decision about all of them.

    A class may name the settings that `observe` reads in `observes`; then a change of the others makes no new facts.

    It may also split the decision: `prepare(facts, read)` gives an array that follows from the samples, and of the
    settings from those that it names in `prepares` (without that, from all). The engine keeps it from run to run and
    hands it to `decide` as `facts.prepared`; it never shows the history to `prepare`.
    """

    fact: ClassVar[Any]
    """The numpy dtype of one fact."""

    def observe(self, sample: Sample) -> Any:
        """The fact about one sample, as a value that `fact` can hold. Pure."""

    def decide(self, facts: Facts, read: Read) -> Iterable[tuple[str, Verdict]]:
        """Verdicts by place. Samples that are not named go on unchanged."""


SampleFunction = Callable[..., Outcome | Awaitable[Outcome]]
S = TypeVar("S", bound=type)
F = TypeVar("F", bound=SampleFunction)


@dataclass(frozen=True)
class Operator:
    """A registered operator. Its signature is the only source of its settings, help and checks."""

    name: str
    kind: Kind
    target: Callable[..., Any]
    version: int
    examples: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Settings that name files: relative to the recipe, and their content is part of the step's key."""
    prompts: tuple[str, ...] = ()
    """The prompts it uses, by name; their text is part of the step's key."""
    gate: Gate | None = None
    """Says of many samples at once which of them the operator must see; `None` for all."""

    @property
    def family(self) -> str:
        """The part before the dot, which is also the module."""
        return self.name.split(".")[0]

    @property
    def help(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.target) or "").split("\n")[0]

    @cached_property
    def settings(self) -> type[BaseModel]:
        """A pydantic model of the settings, made from the signature."""
        hints = self._hints
        made = {
            f.name: Setting(default_factory=f.default_factory)
            for f in (dataclass_fields(self.target) if is_dataclass(self.target) else ())
            if f.default_factory is not MISSING
        }
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(self.target).parameters.values():
            if self.kind != "set" and parameter.kind is not parameter.KEYWORD_ONLY:
                continue
            default = ... if parameter.default is parameter.empty else parameter.default
            hint = _named(hints[parameter.name]) if parameter.name in self.models else hints[parameter.name]
            fields[parameter.name] = (hint, made.get(parameter.name, default))
        name = "".join(word.title() for word in self.name.replace(".", "_").split("_"))
        return create_model(
            name,
            __config__=ConfigDict(extra="forbid", strict=False, frozen=True),
            __doc__=self.help,
            **fields,
        )

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Settings that name a model of the recipe."""
        hints = self._hints
        return tuple(name for name, hint in hints.items() if hint in (AsyncChatModel, AsyncChatModel | None))

    @property
    def _hints(self) -> dict[str, Any]:
        return get_type_hints(
            self.target.__init__ if self.kind == "set" else self.target, include_extras=True
        )

    def bind(self, settings: Mapping[str, Any]) -> Callable[..., Any] | SetOperator:
        """The operator with its settings filled in, ready to run.

        `settings` must have passed `self.settings`; nothing is checked a second time. Of an operator that asks, the
        engine has put the models in the place of their names.
        """
        if self.kind == "set":
            made: SetOperator = self.target(**settings)
            return made
        if not settings:
            return self.target
        return partial(self.target, **settings)


OPERATORS: Registry[Operator] = Registry("operator", load)


def _declare(declared: Operator) -> None:
    if not declared.target.__module__.startswith("tilth.operators."):
        # A plugin that takes the name of an operator of ours meets it here, not when somebody asks for ours.
        OPERATORS.load(declared.name)
    OPERATORS.add(declared.name, declared)


def operator(
    name: str,
    *,
    version: int = 1,
    examples: Sequence[str] = (),
    files: Sequence[str] = (),
    prompts: Sequence[str] = (),
    gate: Gate | None = None,
) -> Callable[[F], F]:
    """Declare a per-sample operator: a pure function of a `Sample` whose settings are keyword-only.

    It may be `async` and ask a model: then its outcome must follow from the sample and the replies alone.

    Args:
        name: `family.verb_object`, the name a recipe uses.
        version: raised when the same input would now give another output, so that old results are not reused.
        examples: `before → after` pairs for the reference.
        files: names of settings that hold file names.
        prompts: names of the prompt files it uses, of `operators/data/prompts`.
        gate: see `Gate`; `texts.touching` makes one from a set of characters.
    """

    def register(function: F) -> F:
        more = (version, tuple(examples), tuple(files), tuple(prompts), gate)
        _declare(Operator(name, _kind(function), function, *more))
        return function

    return register


def set_operator(
    name: str, *, version: int = 1, examples: Sequence[str] = (), files: Sequence[str] = ()
) -> Callable[[S], S]:
    """Declare a set operator: a frozen dataclass with `fact`, `observe` and `decide`. Arguments as `operator`."""

    def register(cls: S) -> S:
        _declare(Operator(name, "set", cls, version, tuple(examples), tuple(files)))
        return cls

    return register


def _kind(function: Callable[..., Any]) -> Kind:
    if inspect.iscoroutinefunction(function):
        return "model"
    given = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    return "person" if len(given) > 1 else "sample"


def _named(hint: Any) -> Any:
    """What a recipe writes for a model: its name."""
    return str if hint is AsyncChatModel else str | None


ROLES: dict[str, tuple[Role, ...]] = {
    "question": ("user",),
    "answer": ("assistant",),
    "both": ("user", "assistant"),
}
"""Whose messages a `Field` means."""


def edit(sample: Sample, change: Callable[[str], str], field: Field) -> Sample:
    """The sample with `change` applied to the text of the chosen messages; the very same object if none changed.

    The rejected answer of a preference pair is edited like the chosen one, so that noise never tells them apart.
    """
    roles = ROLES[field]
    messages = _edit_messages(sample.messages, change, roles)
    rejected = sample.rejected and _edit_messages(sample.rejected, change, roles)
    if messages is sample.messages and rejected is sample.rejected:
        return sample
    return sample.replace(messages=messages, rejected=rejected)


def _edit_messages(
    messages: tuple[Message, ...], change: Callable[[str], str], roles: tuple[str, ...]
) -> tuple[Message, ...]:
    edited = None
    for index, message in enumerate(messages):
        if message.role not in roles:
            continue
        text = change(message.content)
        if text != message.content:
            edited = list(messages) if edited is None else edited
            edited[index] = message.replace(content=text)
    return messages if edited is None else tuple(edited)


def text(sample: Sample, field: Field) -> str:
    """The text a measure or filter looks at: question, answer, or both joined by a line feed."""
    if field == "question":
        return sample.question
    if field == "answer":
        return sample.answer
    return f"{sample.question}\n{sample.answer}"

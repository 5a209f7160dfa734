"""The same questions to both models, with the same settings; every answer is on disk as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol as TypingProtocol
from typing import runtime_checkable

from tilth.errors import TilthError
from tilth.evaluation.cached import Progress, append, read_lines, run
from tilth.evaluation.protocol import BOTH, Protocol, Question, SideName
from tilth.models.base import AsyncChatModel, ChatModel, Generation, Reply, Request, State
from tilth.sample import Message
from tilth.store.files import write_jsonl

BATCH = 16
"""Answers that a model which draws many at once is asked for at a time; a kill loses at most these."""


@runtime_checkable
class Batching(TypingProtocol):
    """A model in this process that draws many answers at once."""

    def ask_many(self, conversations: Sequence[Sequence[Message]], generation: Generation) -> list[Reply]:
        """One answer for each conversation, in their order."""


Speaker = ChatModel | AsyncChatModel
"""What can be asked: a model in this process, one by one or in batches, or a server, everything at once."""


@dataclass(frozen=True)
class Answer:
    """What one side said to one question: a line of `report/answers.jsonl`."""

    id: str
    place: str
    side: SideName
    model: str
    text: str
    state: State
    reason: str
    prompt_tokens: int
    completion_tokens: int
    key: str
    """Digest of everything that decides the answer."""
    thinking: str = ""
    """What the model wrote for itself before it answered; nobody votes on it."""


Answers = Mapping[SideName, Mapping[str, Answer]]
"""Side → place → answer; a question has one on each side, a failure included."""


def ask(
    protocol: Protocol, models: Mapping[SideName, Speaker], file: Path, progress: Progress | None = None
) -> Answers:
    """The answers of both sides, one for each question; `file` keeps them.

    Answers already in `file` are used again when model, template, conversation and settings are the same, except
    failures, which are asked again. A kill loses the answers that were being drawn.
    """
    wanted = [(side, question) for side in BOTH for question in protocol.questions]
    keys = {(side, q.place): protocol.key(side, q) for side, q in wanted}
    known = {a.key: a for a in read_answers(file) if a.state != "failed"}
    write_jsonl(file, map(asdict, known.values()))
    with file.open("ab") as handle:
        for side in BOTH:
            missing = {keys[side, q.place]: q for q in protocol.questions if keys[side, q.place] not in known}

            def done(question: Question, reply: Reply, side: SideName = side) -> None:
                answer = _answer(question, side, protocol, reply)
                known[answer.key] = answer
                append(handle, answer)
                if progress:
                    progress(sum(key in known for key in keys.values()), len(wanted))

            _draw(models[side], [*missing.values()], protocol.generation, done)
    found: dict[SideName, dict[str, Answer]] = {side: {} for side in BOTH}
    for side, question in wanted:
        found[side][question.place] = _at(known[keys[side, question.place]], side, question)
    write_jsonl(file, (asdict(found[side][q.place]) for side, q in wanted))
    return found


Done = Callable[[Question, Reply], None]


def _draw(model: Speaker, questions: Sequence[Question], generation: Generation, done: Done) -> None:
    """Ask for the answers in the way the model is fastest."""
    if isinstance(model, Batching):
        for start in range(0, len(questions), BATCH):
            part = questions[start : start + BATCH]
            for question, reply in zip(
                part, model.ask_many([q.messages for q in part], generation), strict=True
            ):
                done(question, reply)
    elif isinstance(model, Asking):
        for question in questions:
            done(question, _reply(model, question, generation))
    elif questions:
        run(_all_at_once(model, questions, generation, done), model)


@runtime_checkable
class Asking(TypingProtocol):
    """A model in this process that draws one answer at a time."""

    def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """One whole answer."""


def _reply(model: Asking, question: Question, generation: Generation) -> Reply:
    try:
        return model.ask(question.messages, generation)
    except TilthError as error:
        return Reply("", "failed", str(error))


async def _all_at_once(
    model: AsyncChatModel, questions: Sequence[Question], generation: Generation, done: Done
) -> None:
    async def one(question: Question) -> None:
        try:
            reply = await model.answer(Request(question.messages, generation))
        except TilthError as error:
            reply = Reply("", "failed", str(error))
        done(question, reply)

    await asyncio.gather(*map(one, questions))


def _answer(question: Question, side: SideName, protocol: Protocol, reply: Reply) -> Answer:
    model, key = protocol.side(side).identity, protocol.key(side, question)
    said = {name: value for name, value in asdict(reply).items() if name != "data"}
    return Answer(question.id, question.place, side, model, **said, key=key)


def _at(answer: Answer, side: SideName, question: Question) -> Answer:
    """The answer as this side's answer to this question: equal requests are asked once."""
    return Answer(**{**asdict(answer), "side": side, "id": question.id, "place": question.place})


def read_answers(file: Path) -> Iterator[Answer]:
    """The answers in a file; a line that a kill cut short is passed over, and asked again."""
    return read_lines(file, Answer)


def read_sides(file: Path) -> Answers:
    """The answers in a file, by side and place."""
    found: dict[SideName, dict[str, Answer]] = {side: {} for side in BOTH}
    for answer in read_answers(file):
        found[answer.side][answer.place] = answer
    return found

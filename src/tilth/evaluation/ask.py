"""The same questions to both models, with the same settings; every answer is on disk before the next is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from tilth.errors import TilthError
from tilth.evaluation.protocol import BOTH, Protocol, Question, SideName
from tilth.models.base import ChatModel, Generation, Reply, State
from tilth.store.files import json_line, write_jsonl

Progress = Callable[[int, int], None]
"""Called with the answers that are there and the answers wanted."""


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


Answers = Mapping[SideName, Mapping[str, Answer]]
"""Side → place → answer; a question has one on each side, a failure included."""


def ask(
    protocol: Protocol, models: Mapping[SideName, ChatModel], file: Path, progress: Progress | None = None
) -> Answers:
    """The answers of both sides, one for each question; `file` keeps them.

    Answers already in `file` are used again when model, template, conversation and settings are the same, except
    failures, which are asked again. A kill loses the one answer that was being drawn.
    """
    wanted = [(side, question) for side in BOTH for question in protocol.questions]
    keys = {(side, q.place): protocol.key(side, q) for side, q in wanted}
    known = {a.key: a for a in read_answers(file) if a.state != "failed"}
    write_jsonl(file, map(asdict, known.values()))
    found: dict[SideName, dict[str, Answer]] = {side: {} for side in BOTH}
    with file.open("ab") as handle:
        for done, (side, question) in enumerate(wanted, start=1):
            key = keys[side, question.place]
            if key not in known:
                reply = _reply(models[side], question, protocol.generation)
                known[key] = _answer(question, side, protocol, reply)
                handle.write(json_line(asdict(known[key])).encode("utf-8"))
                handle.flush()
                os.fsync(handle.fileno())
            found[side][question.place] = _at(known[key], side, question)
            if progress:
                progress(done, len(wanted))
    write_jsonl(file, (asdict(found[side][q.place]) for side, q in wanted))
    return found


def _reply(model: ChatModel, question: Question, generation: Generation) -> Reply:
    try:
        return model.ask(question.messages, generation)
    except TilthError as error:
        return Reply("", "failed", str(error))


def _answer(question: Question, side: SideName, protocol: Protocol, reply: Reply) -> Answer:
    model, key = protocol.side(side).identity, protocol.key(side, question)
    said = {name: value for name, value in asdict(reply).items() if name != "data"}
    return Answer(question.id, question.place, side, model, **said, key=key)


def _at(answer: Answer, side: SideName, question: Question) -> Answer:
    """The answer as this side's answer to this question: equal requests are asked once."""
    return Answer(**{**asdict(answer), "side": side, "id": question.id, "place": question.place})


def read_answers(file: Path) -> Iterator[Answer]:
    """The answers in a file; a line that a kill cut short is passed over, and asked again."""
    if not file.exists():
        return
    for line in file.read_bytes().splitlines():
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(line, type=Answer)


def read_sides(file: Path) -> Answers:
    """The answers in a file, by side and place."""
    found: dict[SideName, dict[str, Answer]] = {side: {} for side in BOTH}
    for answer in read_answers(file):
        found[answer.side][answer.place] = answer
    return found

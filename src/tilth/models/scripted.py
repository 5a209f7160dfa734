"""A model whose answers are written beforehand: for tests, for examples, and for answers read from a file."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from tilth.errors import UserError
from tilth.models.base import Generation, Reply, Request, State
from tilth.models.structured import thinking_apart
from tilth.sample import Message


class ScriptedModel:
    """Answers by the last user message, the same way every time.

    A token is one character here, so limits and counts can be checked by eye.

    >>> model = ScriptedModel({"你好": "你好！"}, default="不知道。")
    >>> model.ask([Message("user", "你好")], Generation()).text
    '你好！'
    """

    def __init__(
        self, answers: Mapping[str, str], default: str | None = None, name: str = "scripted"
    ) -> None:
        """Take the script.

        Args:
            answers: the answer to each last user message.
            default: what to answer otherwise; `None` makes such a request fail, with its reason.
            name: what the model is called.
        """
        self.name = name
        self._answers = dict(answers)
        self._default = default
        script = json.dumps([self._answers, default], sort_keys=True).encode("ascii")
        self.identity = f"scripted:{name}:{blake2b(script, digest_size=8).hexdigest()}"

    def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """The scripted answer, cut at the first stop text and at `max_new_tokens`."""
        question = next((m.content for m in reversed(messages) if m.role == "user"), "")
        prompt_tokens = sum(len(m.content) for m in messages)
        text = self._answers.get(question, self._default)
        if text is None:
            return Reply("", "failed", "the script has no answer to this question", prompt_tokens)
        ends = [text.find(stop) for stop in generation.stop if stop in text]
        text = text[: min(ends)] if ends else text
        shown = text[: generation.max_new_tokens]
        if len(shown) < len(text):
            return Reply(shown, "truncated", "max_new_tokens", prompt_tokens, len(shown))
        return Reply(shown, "done", "", prompt_tokens, len(shown))

    def stream(self, messages: Sequence[Message], generation: Generation) -> Generator[str, None, Reply]:
        """The same answer, two characters at a time; the generator returns the whole `Reply`."""
        reply = self.ask(messages, generation)
        for start in range(0, len(reply.text), 2):
            yield reply.text[start : start + 2]
        return reply

    async def answer(self, request: Request) -> Reply:
        """The same answer as `ask` gives; without settings in the request it is never cut."""
        return self.ask(request.messages, request.generation or Generation(max_new_tokens=1 << 20))


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a script file."""

    say: str | dict[str, Any] | list[str | dict[str, Any]]
    """The answer; an object is written as JSON; a list has one answer for each draw, and its last for all later ones."""
    when: str | list[str] = ""
    """Texts that all stand in the request; none is for every request."""
    state: State = "done"
    reason: str = ""


class Script:
    """Answers from a file of JSON lines: the first line whose `when` stands in the request answers it."""

    def __init__(self, path: Path, name: str = "scripted") -> None:
        """Read the script.

        Raises:
            UserError: there is no such file, or a line of it is no `{when, say}`.
        """
        self.name = name
        self._lines = list(_read(path))
        self.identity = f"scripted:{name}:{blake2b(path.read_bytes(), digest_size=8).hexdigest()}"

    async def answer(self, request: Request) -> Reply:
        """The first line that fits; a request that no line fits fails."""
        asked = "\n".join(message.content for message in request.messages)
        for line in self._lines:
            wanted = [line.when] if isinstance(line.when, str) else line.when
            if all(text in asked for text in wanted):
                return _said(line, request.draw, len(asked))
        return Reply("", "failed", "no line of the script fits this request", len(asked))


def _said(line: Line, draw: int, prompt_tokens: int) -> Reply:
    said = line.say
    if isinstance(said, list):
        said = said[min(draw, len(said) - 1)]
    text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    return thinking_apart(Reply(text, line.state, line.reason, prompt_tokens, len(text)))


def _read(path: Path) -> Iterator[Line]:
    if not path.is_file():
        raise UserError(f"there is no script {path}.", 'Write JSON lines: {"when": "…", "say": "…"}')
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        if not text.strip():
            continue
        try:
            yield msgspec.json.decode(text, type=Line)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise UserError(f"{path}:{number} is no line of a script: {error}.", "Mend the line.") from None

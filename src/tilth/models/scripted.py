"""A model whose answers are written beforehand: for tests, for examples, and for answers read from a file."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from hashlib import blake2b

from tilth.models.base import Generation, Reply
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

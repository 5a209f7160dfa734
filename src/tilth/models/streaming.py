"""From token ids, one at a time, to text that can be shown."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING

from tilth.models.template import Tokenizer

if TYPE_CHECKING:
    import torch


class TokenQueue:
    """What transformers calls a streamer: new ids go in here, the reader takes them out in another thread."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._ids: SimpleQueue[int | None] = SimpleQueue()
        self._prompt_seen = False

    def put(self, value: torch.Tensor) -> None:
        """Take the ids of one step; the first call brings the prompt."""
        if self._prompt_seen:
            for token in value.flatten().tolist():
                self._ids.put(token)
        self._prompt_seen = True

    def end(self) -> None:
        """No more ids will come."""
        self._ids.put(None)

    def __iter__(self) -> Iterator[int]:
        while (token := self._ids.get()) is not None:
            yield token


def texts(tokenizer: Tokenizer, tokens: Iterable[int]) -> Iterator[str]:
    """Text as soon as its bytes are whole: one hanzi is often several tokens."""
    ids: list[int] = []
    shown = 0
    for token in tokens:
        ids.append(token)
        text = tokenizer.decode(ids)
        if len(text) > shown and not text.endswith("\ufffd"):
            yield text[shown:]
            shown = len(text)
    text = tokenizer.decode(ids)
    if len(text) > shown:
        yield text[shown:]


def before_stop(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """The text before the first stop string; what might be the beginning of one is held back until it is known."""
    text = ""
    shown = 0
    held = max(map(len, stops), default=1) - 1
    for piece in pieces:
        text += piece
        found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
        end = min(found) if found else max(shown, len(text) - held)
        if end > shown:
            yield text[shown:end]
            shown = end
        if found:
            return
    if len(text) > shown:
        yield text[shown:]

"""A language model in this process: transformers over a folder of safetensors, with or without an adapter."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilth.errors import FormatError
from tilth.models.base import Generation, Reply
from tilth.models.loader import (
    Hardware,
    find_hardware,
    load_adapter,
    load_model,
    load_template,
    load_tokenizer,
    weights_digest,
)
from tilth.models.streaming import TokenQueue, before_stop, texts
from tilth.models.template import ChatTemplate, Tokenizer
from tilth.sample import Message, Sample

if TYPE_CHECKING:
    import torch

IGNORED = -100
"""The label of a token that carries no loss, as torch's cross entropy has it."""


class AnswerLoss(NamedTuple):
    """How surprised a model is by the answers of one sample."""

    mean: float | None
    """Nats per trained token; `None` where the sample has none. `exp` of a mean over tokens is the perplexity."""
    tokens: int


@dataclass(frozen=True)
class _Loaded:
    """What both sides of a pair share: one model in memory, and the lock that keeps their requests apart."""

    model: Any
    tokenizer: Tokenizer
    template: ChatTemplate
    hardware: Hardware
    base: Path
    adapter: Path | None
    lock: threading.RLock


class LocalModel:
    """A chat model that runs in this process. One request at a time; a second thread waits."""

    def __init__(self, folder: Path, adapter: Path | None = None, name: str = "") -> None:
        """Load a model folder, and an adapter over it.

        Raises:
            MissingExtra: torch, transformers or peft is not installed.
            UserError: a folder is not what it should be.
        """
        self._loaded = _load(folder, adapter)
        self._adapted = adapter is not None
        self.name = name or (adapter or folder).name

    @property
    def template(self) -> ChatTemplate:
        """How this model's conversations are written."""
        return self._loaded.template

    @property
    def tokenizer(self) -> Tokenizer:
        """This model's tokenizer."""
        return self._loaded.tokenizer

    @cached_property
    def identity(self) -> str:
        """`local` with a digest of the weights that answer; reading them all takes about as long as loading."""
        parts = [weights_digest(self._loaded.base)]
        if self._adapted and self._loaded.adapter is not None:
            parts.append(weights_digest(self._loaded.adapter))
        return f"local:{'+'.join(parts)}"

    @cached_property
    def description(self) -> str:
        """Device, precision and threads in one line, for people."""
        import torch

        threads = f", {torch.get_num_threads()} threads" if self._loaded.hardware.device == "cpu" else ""
        return f"{self.name} on {self._loaded.hardware}{threads}"

    def without_adapter(self, name: str = "") -> LocalModel:
        """The base model under the same adapter: it shares the weights in memory."""
        other = object.__new__(LocalModel)
        other._loaded, other._adapted = self._loaded, False
        other.name = name or self._loaded.base.name
        return other

    def ask(self, messages: Sequence[Message], generation: Generation) -> Reply:
        """One whole answer."""
        return self.ask_many([messages], generation)[0]

    def ask_many(
        self, conversations: Sequence[Sequence[Message]], generation: Generation, batch_size: int = 8
    ) -> list[Reply]:
        """One answer for each conversation, in their order.

        Greedy answers are drawn in batches of about equal length. Sampled ones are drawn one by one, so that each
        depends on its own seed and not on its neighbours.
        """
        prompts = [self.template.prompt_ids(self.tokenizer, messages) for messages in conversations]
        replies: list[Reply | None] = [self._too_long(prompt) for prompt in prompts]
        waiting = sorted(
            (i for i, reply in enumerate(replies) if reply is None), key=lambda i: len(prompts[i])
        )
        size = 1 if generation.temperature > 0 else batch_size
        for at in range(0, len(waiting), size):
            batch = waiting[at : at + size]
            for i, reply in zip(batch, self._answer([prompts[i] for i in batch], generation), strict=True):
                replies[i] = reply
        return [reply for reply in replies if reply is not None]

    def stream(self, messages: Sequence[Message], generation: Generation) -> Iterator[str]:
        """The same answer, piece by piece. Closing the iterator stops the model.

        Raises:
            FormatError: the conversation is longer than the model can read.
        """
        prompt = self.template.prompt_ids(self.tokenizer, messages)
        refusal = self._too_long(prompt)
        if refusal is not None:
            raise FormatError(refusal.reason, "Shorten the conversation.")
        queue = TokenQueue()
        worker = threading.Thread(target=self._feed, args=(prompt, generation, queue), daemon=True)
        worker.start()
        try:
            yield from before_stop(texts(self.tokenizer, queue), generation.stop)
        finally:
            queue.stopped.set()
            worker.join()

    def losses(
        self, samples: Sequence[Sample], max_length: int | None = None, batch_size: int = 8
    ) -> list[AnswerLoss]:
        """The mean loss over the answer tokens of each sample, prompts masked exactly as in training."""
        from torch.nn.functional import cross_entropy

        limit = min(max_length or self._context, self._context)
        rows = [self.template.encode(self.tokenizer, s.messages, s.tools) for s in samples]
        found = []
        for at in range(0, len(rows), batch_size):
            batch = [(row.ids[:limit], row.trained[:limit]) for row in rows[at : at + batch_size]]
            inputs, labels = self._padded(batch)
            with self._running():
                logits = self._loaded.model(**inputs).logits[:, :-1].float()
            target = labels[:, 1:]
            loss = cross_entropy(logits.transpose(1, 2), target, ignore_index=IGNORED, reduction="none")
            counts = (target != IGNORED).sum(1).tolist()
            sums = loss.sum(1).tolist()
            found += [AnswerLoss(total / n if n else None, n) for total, n in zip(sums, counts, strict=True)]
        return found

    @property
    def _context(self) -> int:
        """How many tokens the model can read at once."""
        return int(self._loaded.model.config.max_position_embeddings)

    def _too_long(self, prompt: list[int]) -> Reply | None:
        if len(prompt) < self._context:
            return None
        reason = f"the prompt has {len(prompt)} tokens and the model reads at most {self._context - 1}."
        return Reply("", "failed", reason, len(prompt))

    @contextmanager
    def _running(self) -> Iterator[None]:
        """The model alone with this request: adapter on or off, no gradients."""
        import torch

        loaded = self._loaded
        plain = loaded.adapter is not None and not self._adapted
        with loaded.lock, torch.inference_mode(), loaded.model.disable_adapter() if plain else nullcontext():
            yield

    def _padded(self, rows: Sequence[tuple[list[int], list[int]]]) -> tuple[dict[str, Any], torch.Tensor]:
        """A batch padded on the right, and its labels."""
        import torch

        width = max(len(ids) for ids, _ in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        labels = torch.full_like(ids, IGNORED)
        for i, (row, trained) in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
            labels[i, : len(row)] = torch.where(torch.tensor(trained) == 1, torch.tensor(row), IGNORED)
        device = self._loaded.hardware.device
        return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}, labels.to(device)

    def _answer(self, prompts: Sequence[list[int]], generation: Generation) -> list[Reply]:
        import torch

        width = max(map(len, prompts))
        ids = torch.zeros(len(prompts), width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for i, prompt in enumerate(prompts):
            ids[i, width - len(prompt) :] = torch.tensor(prompt)
            mask[i, width - len(prompt) :] = 1
        output = self._generate(ids, mask, generation)[:, width:].tolist()
        return [self._reply(prompt, row, generation) for prompt, row in zip(prompts, output, strict=True)]

    def _generate(self, ids: torch.Tensor, mask: torch.Tensor, generation: Generation, **more: Any) -> Any:
        import torch
        from transformers import GenerationConfig

        device = self._loaded.hardware.device
        sampled = generation.temperature > 0
        config = GenerationConfig(
            max_new_tokens=min(generation.max_new_tokens, self._context - ids.shape[1]),
            do_sample=sampled,
            **(
                {"temperature": generation.temperature, "top_p": generation.top_p, "top_k": 0}
                if sampled
                else {}
            ),
            eos_token_id=sorted(self._stops) or None,
            pad_token_id=0,
        )
        with self._running(), torch.random.fork_rng(enabled=generation.seed is not None):
            if generation.seed is not None:
                torch.manual_seed(generation.seed)
            return self._loaded.model.generate(
                input_ids=ids.to(device), attention_mask=mask.to(device), generation_config=config, **more
            )

    def _reply(self, prompt: list[int], output: list[int], generation: Generation) -> Reply:
        end = next((i for i, token in enumerate(output) if token in self._stops), None)
        full = self.tokenizer.decode(output[:end])
        text = "".join(before_stop([full], generation.stop))
        written = len(output) if end is None else end + 1
        if end is None and text == full:
            reason = f"no end within {written} tokens."
            return Reply(text, "truncated", reason, len(prompt), written)
        return Reply(text, "done", "", len(prompt), written)

    @cached_property
    def _stops(self) -> frozenset[int]:
        """The ids that end an answer: those the model's maker named, and the template's end of turn."""
        named = self._loaded.model.generation_config.eos_token_id
        ids = set(named if isinstance(named, list) else [named]) | {self.template.end_of_turn(self.tokenizer)}
        return frozenset(i for i in ids if i is not None)

    def _feed(self, prompt: list[int], generation: Generation, queue: TokenQueue) -> None:
        import torch
        from transformers import StoppingCriteriaList

        def stopped(ids: torch.Tensor, _scores: Any, **_more: Any) -> torch.Tensor:
            return torch.full((ids.shape[0],), queue.stopped.is_set(), dtype=torch.bool, device=ids.device)

        ids = torch.tensor([prompt])
        try:
            self._generate(
                ids,
                torch.ones_like(ids),
                generation,
                streamer=queue,
                stopping_criteria=StoppingCriteriaList([stopped]),
            )
        finally:
            queue.end()


def _load(folder: Path, adapter: Path | None) -> _Loaded:
    hardware = find_hardware()
    model: Any = load_model(folder, hardware)
    if adapter is not None:
        model = load_adapter(model, adapter)
    model.eval()
    return _Loaded(
        model, load_tokenizer(folder), load_template(folder), hardware, folder, adapter, threading.RLock()
    )


class LocalPair(NamedTuple):
    """The model before and after training, over one base in memory."""

    base: LocalModel
    tuned: LocalModel

    @classmethod
    def load(cls, folder: Path, adapter: Path) -> LocalPair:
        """Load both sides; raises as `LocalModel` does."""
        tuned = LocalModel(folder, adapter, name="tuned")
        return cls(tuned.without_adapter("base"), tuned)

"""The chat template: the one object that turns messages into the token ids a model reads and learns from.

Token counts, training, evaluation, chat and serving all call it, so that what a model was trained on and what it
is asked are the same ids.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

import jinja2

from tilth.errors import FormatError
from tilth.models.marking import marked
from tilth.models.plans import render
from tilth.models.rendering import CLOSE, OPEN, Span, has_markers, render_plainly
from tilth.sample import Message

INTERNLM2 = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if message.role not in ('system', 'user', 'assistant') or message.tool_calls %}
        {{- raise_exception('it has no place for ' ~ message.role ~ ' turns or tool calls') }}
    {%- endif %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}{{- message.content ~ '<|im_end|>' }}{%- endgeneration %}
    {%- else %}
        {{- message.content ~ '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""
"""The InternLM2 chat shape (Cai et al. 2024, arXiv 2403.17297): `<s>` once, then `<|im_start|>role`, the text and
`<|im_end|>`. The markers train each answer and its `<|im_end|>`, not the line feed after it."""

PLAIN = """\
{{- bos_token }}
{%- for message in messages %}
    {%- if message.role not in ('system', 'user', 'assistant') or message.tool_calls %}
        {{- raise_exception('it has no place for ' ~ message.role ~ ' turns or tool calls') }}
    {%- endif %}
    {%- if message.role == 'system' %}
        {{- message.content ~ '\\n\\n' }}
    {%- elif message.role == 'user' %}
        {{- 'User:\\n' ~ message.content ~ '\\n\\n' }}
    {%- else %}
        {{- 'Assistant:\\n' }}
        {%- generation %}{{- message.content ~ eos_token }}{%- endgeneration %}
        {{- '\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- 'Assistant:\\n' }}
{%- endif %}
"""
"""For a base model that brings no template: two words and the vocabulary's own end token. The answer starts after a line
feed, so that its first id does not melt into the prompt's last."""


class Encoding(Protocol):
    """What a tokenizer says about a text."""

    @property
    def ids(self) -> list[int]:
        """The ids, in order."""

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """For each id the characters [start, end) it stands for."""

    def __len__(self) -> int:
        """How many ids there are."""

    def char_to_token(self, char_pos: int) -> int | None:
        """The first token that stands for a character; `None` where none does."""

    def token_to_chars(self, token_index: int) -> tuple[int, int] | None:
        """The characters [start, end) that a token stands for."""


class Tokenizer(Protocol):
    """The part of `tokenizers.Tokenizer` that we use."""

    def encode(self, sequence: str, *, add_special_tokens: bool) -> Encoding:
        """Ids and offsets of a text."""

    def encode_batch(self, input: Sequence[str], *, add_special_tokens: bool) -> Sequence[Encoding]:
        """The same for many texts at once, on all processors."""

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """The text of ids."""

    def token_to_id(self, token: str) -> int | None:
        """The id of a token, or `None` where the vocabulary lacks it."""


class Encoded(NamedTuple):
    """A conversation as a trainer sees it."""

    ids: list[int]
    trained: list[int]
    """1 for each id that carries loss, else 0."""


class Conversation(NamedTuple):
    """What is encoded: messages, and the tools that they may call."""

    messages: Sequence[Message]
    tools: Sequence[Mapping[str, Any]] | None = None


class Traced(NamedTuple):
    """A conversation as a trainer sees it, with the text each id stands for."""

    text: str
    ids: list[int]
    trained: list[int]
    offsets: list[tuple[int, int]]
    """For each id the characters [start, end) of the text."""


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja chat template with the special tokens it may name."""

    text: str = INTERNLM2
    tokens: Mapping[str, str] = field(default_factory=lambda: {"bos_token": "<s>", "eos_token": "</s>"})
    """`bos_token`, `eos_token` and their like, as the tokenizer writes them."""

    def render(
        self,
        messages: Sequence[Message],
        add_generation_prompt: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """The text of a conversation, up to where the next answer would start if that is asked for.

        Raises:
            FormatError: the template refuses these messages, or would leave a part of them out.
        """
        return self._render(messages, add_generation_prompt, tools)[0]

    def encode(
        self,
        tokenizer: Tokenizer,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> Encoded:
        """The ids of a whole conversation and which of them are trained.

        Assistant turns are trained with the token that ends them, unless the message says `loss: false`. An id is
        trained when it stands for at least one trained character.

        Raises:
            FormatError: as `render`; or a turn that is not the assistant's asks to be trained.
        """
        traced = self.trace(tokenizer, messages, tools)
        return Encoded(traced.ids, traced.trained)

    def trace(
        self,
        tokenizer: Tokenizer,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> Traced:
        """As `encode`, with the text that each id stands for; raises as it does."""
        text, wanted = self._marked(messages, tools)
        encoding = tokenizer.encode(text, add_special_tokens=False)
        offsets = encoding.offsets
        return Traced(text, encoding.ids, _cover(offsets, wanted), offsets)

    def encode_many(
        self, tokenizer: Tokenizer, conversations: Iterable[Conversation]
    ) -> list[Encoded | FormatError]:
        """As `encode` for each conversation, several times as fast; a refusal stands where its ids would."""
        rendered: list[tuple[str, list[Span]] | FormatError] = []
        for messages, tools in conversations:
            try:
                rendered.append(self._marked(messages, tools))
            except FormatError as error:
                rendered.append(error)
        texts = [found[0] for found in rendered if not isinstance(found, FormatError)]
        encodings = iter(tokenizer.encode_batch(texts, add_special_tokens=False))
        result: list[Encoded | FormatError] = []
        for found in rendered:
            if isinstance(found, FormatError):
                result.append(found)
            else:
                encoding = next(encodings)
                result.append(Encoded(encoding.ids, _covered(encoding, found[1])))
        return result

    def prompt_ids(
        self,
        tokenizer: Tokenizer,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[int]:
        """The ids after which the model writes its answer."""
        return tokenizer.encode(self.render(messages, True, tools), add_special_tokens=False).ids

    def end_of_turn(self, tokenizer: Tokenizer) -> int | None:
        """The id the model is taught to end its answer with; `None` where the template ends answers with text."""
        probe = [Message(role="user", content="?"), Message(role="assistant", content="!")]
        ids, trained = self.encode(tokenizer, probe)
        last = max((i for i, mark in enumerate(trained) if mark), default=None)
        if last is None or "!" in tokenizer.decode([ids[last]], skip_special_tokens=False):
            return None
        return ids[last]

    def _marked(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None
    ) -> tuple[str, list[Span]]:
        """The text of a conversation and the spans of it that are to be trained."""
        if tools:
            return self._marked_carefully(messages, tools)
        return marked(self.text, self.tokens, messages, lambda: self._marked_carefully(messages, None))

    def _marked_carefully(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] | None
    ) -> tuple[str, list[Span]]:
        text, spans = self._render(messages, False, tools, plainly=True)
        if not has_markers(self.text):
            spans = self._spans_by_prefix(messages, text, tools)
        return text, _wanted(messages, spans)

    def _render(
        self,
        messages: Sequence[Message],
        add_generation_prompt: bool,
        tools: Sequence[Mapping[str, Any]] | None,
        plainly: bool = False,
    ) -> tuple[str, list[Span]]:
        try:
            how = render_plainly if plainly else render
            text, spans = how(self.text, self.tokens, messages, add_generation_prompt, tools)
        except (jinja2.TemplateError, TypeError, ValueError) as error:
            raise FormatError(
                f"the chat template cannot show this conversation: {error}.",
                "Choose a model whose template can, or change the messages.",
            ) from error
        _check_nothing_lost(messages, text)
        return text, spans

    def _spans_by_prefix(
        self, messages: Sequence[Message], text: str, tools: Sequence[Mapping[str, Any]] | None
    ) -> list[Span]:
        """Where the answers stand, for a template without generation markers.

        An answer starts where the prompt before it ends, and runs to the end of its turn without the white space
        behind it. Both are read off by rendering the conversation up to there, which must be a prefix of the whole.
        """
        spans = []
        for k, message in enumerate(messages):
            if message.role != "assistant":
                continue
            prompt = self._render(messages[:k], True, tools, plainly=True)[0]
            last = k + 1 == len(messages)
            turn = text if last else self._render(messages[: k + 1], False, tools, plainly=True)[0]
            if not (text.startswith(turn) and turn.startswith(prompt)):
                raise FormatError(
                    "the chat template rewrites earlier turns, so it does not tell which tokens are the answer.",
                    "Put {% generation %} … {% endgeneration %} around the answer in the model's chat template.",
                )
            spans.append(Span(len(prompt), len(turn.rstrip())))
        return spans


def _check_nothing_lost(messages: Sequence[Message], text: str) -> None:
    """Templates drop what they do not know without a word; a trainer would then learn another conversation."""
    for message in messages:
        if OPEN in message.content or CLOSE in message.content:
            raise FormatError("a message holds a Unicode noncharacter (U+FDD0 or U+FDD1).", "Remove it.")
        for what, value in (("text", message.content), ("thinking", message.thinking or "")):
            if value.strip() not in text:
                raise FormatError(
                    f"the chat template leaves out the {what} of a {message.role} turn.",
                    "Choose a model whose template shows it.",
                )


def _wanted(messages: Sequence[Message], spans: Sequence[Span]) -> list[Span]:
    """The spans of the assistant turns that are to be trained."""
    for message in messages:
        if message.loss and message.role != "assistant":
            raise FormatError(
                f"a {message.role} turn asks to be trained, and a chat template marks assistant turns only.",
                "Remove its `loss`.",
            )
    answers = [message for message in messages if message.role == "assistant"]
    if len(answers) != len(spans):
        raise FormatError(
            f"the chat template marks {len(spans)} answers where the conversation has {len(answers)}.",
            "Mend the generation markers in the model's chat template.",
        )
    return [span for message, span in zip(answers, spans, strict=True) if message.loss is not False]


def _covered(encoding: Encoding, spans: Sequence[Span]) -> list[int]:
    """As `_cover`, asking for the tokens at the ends of each span alone: all offsets cost more than the mask."""
    marks = [0] * len(encoding)
    for span in spans:
        if span.end <= span.start:
            continue
        first, last = encoding.char_to_token(span.start), encoding.char_to_token(span.end - 1)
        if first is None or last is None:
            return _cover(encoding.offsets, spans)
        last += 1
        while last < len(marks) and (encoding.token_to_chars(last) or (span.end,))[0] < span.end:
            last += 1
        marks[first:last] = [1] * (last - first)
    return marks


def _cover(offsets: Sequence[tuple[int, int]], spans: Sequence[Span]) -> list[int]:
    """1 for each token that overlaps a span. Both run in the order of the text."""
    marks = [0] * len(offsets)
    first = 0
    for span in spans:
        first = bisect_right(offsets, span.start, lo=first, key=itemgetter(1))
        last = bisect_left(offsets, span.end, lo=first, key=itemgetter(0))
        marks[first:last] = [1] * (last - first)
    return marks

"""What in a chat template, or in how it meets the data, is likely to disappoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tilth.errors import FormatError
from tilth.models.rendering import has_markers
from tilth.models.template import PLAIN, ChatTemplate, Tokenizer
from tilth.sample import Message
from tilth.training.base import Lint

SYSTEM = Message("system", "Xyzzy one.")
QUESTION, ANSWER = Message("user", "Xyzzy two?"), Message("assistant", "Xyzzy three.")
TALK = (QUESTION, ANSWER)


def template_faults(template: ChatTemplate, tokenizer: Tokenizer) -> list[Lint]:
    """The faults of a template that no data is needed to see."""
    try:
        return [
            *_plain(template),
            *_mismatch(template, tokenizer),
            *_markers(template),
            *_injected(template),
            *_double_begin(template, tokenizer),
            *_untrained_end(template, tokenizer),
        ]
    except FormatError as error:
        return [
            Lint(
                "refuses_plain_talk",
                str(error),
                "Choose a model whose template shows a question and an answer.",
            )
        ]


def _plain(template: ChatTemplate) -> Iterator[Lint]:
    if template.text == PLAIN:
        yield Lint(
            "no_chat_template",
            "the model folder has no chat template, as base models have none. Training, chat and comparison use a plain "
            f"one: User: and Assistant: on lines of their own, each answer ended by {template.tokens['eos_token']}.",
            "Put chat_template.jinja into the folder where the model was trained with another.",
        )


def _mismatch(template: ChatTemplate, tokenizer: Tokenizer) -> Iterator[Lint]:
    """Whether each answer is learned after exactly the ids after which it is asked for in a chat."""
    talk = (*TALK, *TALK)
    ids, trained = template.encode(tokenizer, talk)
    starts = [i for i, mark in enumerate(trained) if mark and not trained[i - 1]]
    for k, start in zip((1, 3), starts, strict=False):
        prompt = template.prompt_ids(tokenizer, talk[:k])
        if ids[:start] != prompt:
            asked = tokenizer.decode(prompt, skip_special_tokens=False)
            learned = tokenizer.decode(ids[:start], skip_special_tokens=False)
            yield Lint(
                "template_mismatch",
                f"answers are learned after {_end(learned, asked)!r} and asked for after {_end(asked, learned)!r}.",
                "Mend the chat template: what it writes before an answer must be the same in training and in chat.",
            )
            return


def _end(text: str, other: str) -> str:
    """A text from a little before the place where it begins to differ from another one."""
    same = next(
        (i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other))
    )
    return text[max(0, same - 24) :][:80]


def _markers(template: ChatTemplate) -> Iterator[Lint]:
    if not has_markers(template.text):
        yield Lint(
            "no_generation_markers",
            "the chat template does not say which tokens are the answer. The backend hf finds them by rendering each "
            "conversation up to its answers; trl on its own refuses such a template.",
            "Nothing for Tilth; for other trainers put {% generation %} … {% endgeneration %} around the answer.",
        )


def _injected(template: ChatTemplate) -> Iterator[Lint]:
    """A system prompt that stands where none was given."""
    bare = template.render([QUESTION], True).partition(QUESTION.content)[0]
    try:
        given = template.render([SYSTEM, QUESTION], True).partition(QUESTION.content)[0]
    except FormatError:
        return
    before, _, behind = given.partition(SYSTEM.content)
    if bare.startswith(before) and bare.endswith(behind) and len(bare) > len(before) + len(behind):
        words = bare[len(before) : len(bare) - len(behind)]
        if any(character.isalpha() for character in words):
            yield Lint(
                "injected_system",
                f"the template gives conversations without a system message one of its own: {words[:80]!r}.",
                "Give every conversation the system message you mean, or take the default out of the template.",
            )


def _double_begin(template: ChatTemplate, tokenizer: Tokenizer) -> Iterator[Lint]:
    begin = template.tokens.get("bos_token")
    ids = template.encode(tokenizer, TALK).ids
    token = tokenizer.token_to_id(begin) if begin else None
    if token is None or ids[0] != token:
        return
    if ids[1] == token:
        yield Lint("double_bos", f"conversations begin with {begin} twice.", "Write it once in the template.")
    elif tokenizer.encode(template.render(TALK), add_special_tokens=True).ids[:2] == [token, token]:
        yield Lint(
            "double_bos_elsewhere",
            f"the template writes {begin}, and the tokenizer adds another where it is asked for special tokens. "
            "Tilth does not ask; a trainer that tokenizes the rendered text may.",
            "Nothing for Tilth; elsewhere tokenize rendered conversations with add_special_tokens=False.",
        )


def _untrained_end(template: ChatTemplate, tokenizer: Tokenizer) -> Iterator[Lint]:
    if template.end_of_turn(tokenizer) is None:
        yield Lint(
            "untrained_end",
            "no token that ends an answer is trained, so the model will not learn to stop.",
            "Put the end token inside the template's generation markers.",
        )


def data_faults(
    totals: Mapping[str, int], refused: Mapping[str, str], marked: Mapping[str, str]
) -> Iterator[Lint]:
    """The faults of data under a template and a limit.

    Args:
        totals: of `tilth tokens`.
        refused: place → why the template cannot show the sample.
        marked: place → a control token that stands in the text of a message.
    """
    if refused:
        place, why = next(iter(refused.items()))
        message = f"the chat template refuses {len(refused)} sample(s); {place}: {why}"
        yield Lint("refused_by_template", message, "Change the messages, or choose another model.")
    if marked:
        place, token = next(iter(marked.items()))
        message = (
            f"{len(marked)} sample(s) hold a control token of the template in their text; {place}: {token}"
        )
        yield Lint("control_token_in_text", message, "Clean it away, for example with clean.strip_markers.")
    if totals["truncated"]:
        message = f"{totals['truncated']} of {totals['samples']} samples are longer than the limit and lose their end."
        yield Lint("truncated", message, "Raise train.max_length, or filter by length.")
    if totals["untrained"]:
        message = f"{totals['untrained']} of {totals['samples']} samples teach nothing: no answer token is within the limit."
        yield Lint("untrained", message, "Raise train.max_length, or drop them with filter.length.")

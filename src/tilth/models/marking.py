"""Marks the answers of conversations of one shape from a plan, as rendering each of them would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from tilth.models.plans import Edge, Guard, Plan, Shape, holds_marks, plan_of, texts_of
from tilth.models.rendering import Span, has_markers
from tilth.sample import Message

Marked = tuple[str, list[Span]]
"""The text of a conversation, and what of it is to be trained."""
Tokens = tuple[tuple[str, str], ...]
Turns = tuple[tuple[str, bool, bool, bool | None, bool], ...]
"""For each message: its role, whether it has a text and a thinking, its `loss`, and whether it has anything else."""


def marked(
    template: str, tokens: Mapping[str, str], messages: Sequence[Message], carefully: Callable[[], Marked]
) -> Marked:
    """What `carefully()` gives, mostly without asking it.

    Args:
        template: a chat template.
        tokens: what it may name.
        messages: a conversation without tools.
        carefully: renders these messages, finds their answers and checks that nothing is lost.
    """
    turns = tuple(
        [
            (
                m.role,
                bool(m.content),
                bool(m.thinking),
                m.loss,
                bool(m.tool_calls or m.name or m.tool_call_id),
            )
            for m in messages
        ]
    )
    plan = _plan(template, tuple(tokens.items()), turns)
    if plan is None or not plan.sound:
        return carefully()
    texts = texts_of(messages)
    if not plan.fits(texts):
        return carefully()
    found = plan.fill(texts)
    if plan.due():
        careful = carefully()
        plan.sound = careful == found
        return careful
    return carefully() if holds_marks(found[0]) else found


@lru_cache(maxsize=512)
def _plan(template: str, tokens: Tokens, turns: Turns) -> Plan | None:
    """The plan of whole conversations; `None` where each must be looked at, or would be refused."""
    if any(more or (loss and role != "assistant") for role, _, _, loss, more in turns):
        return None
    shape = tuple([(role, text, thinking) for role, text, thinking, *_ in turns])
    whole = plan_of(template, tokens, False, shape)
    if whole is None or not _keeps_all(whole, shape):
        return None
    answers = [loss is not False for role, _, _, loss, _ in turns if role == "assistant"]
    guards: list[Guard] = list(whole.guards)
    spans = (
        whole.spans if has_markers(template) else tuple(_by_prefix(template, tokens, shape, whole, guards))
    )
    if len(spans) != len(answers):
        return None
    wanted = tuple(span for span, trained in zip(spans, answers, strict=True) if trained)
    return Plan(whole.pieces, whole.holes, wanted, tuple(guards))


def _by_prefix(
    template: str, tokens: Tokens, shape: Shape, whole: Plan, guards: list[Guard]
) -> Iterator[tuple[Edge, Edge]]:
    """The answers that can be told from plans alone; what these take for granted is added to the guards."""
    for k, (role, *_) in enumerate(shape):
        if role != "assistant":
            continue
        prompt = plan_of(template, tokens, True, shape[:k])
        last = k + 1 == len(shape)
        turn = whole if last else plan_of(template, tokens, False, shape[: k + 1])
        if prompt is None or turn is None or not (_begins(turn, prompt) and _begins(whole, turn)):
            return
        if not (_keeps_all(prompt, shape[:k]) and _keeps_all(turn, shape[: k + 1])):
            return
        end = len(turn.pieces[-1].rstrip())
        if not end:
            # What an answer ends with then depends on its text.
            return
        guards += [*prompt.guards, *turn.guards]
        yield Edge(len(prompt.holes), len(prompt.pieces[-1])), Edge(len(turn.holes), end)


def _keeps_all(plan: Plan, shape: Shape) -> bool:
    """Whether every text of these messages has its place in the plan."""
    said = {2 * k + part for k, (_, *has) in enumerate(shape) for part in (0, 1) if has[part]}
    return said <= set(plan.holes)


def _begins(whole: Plan, part: Plan) -> bool:
    """Whether a text made from one plan always begins with the other's."""
    n = len(part.holes)
    return (
        whole.holes[:n] == part.holes
        and whole.pieces[:n] == part.pieces[:n]
        and whole.pieces[n].startswith(part.pieces[n])
    )

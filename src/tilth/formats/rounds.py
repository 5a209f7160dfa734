"""The order of turns: what shapes need that know only rounds of question and answer, or a prompt and its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tilth.errors import FormatError
from tilth.formats.base import turn
from tilth.formats.turns import write_messages
from tilth.sample import Message, Sample

Triple = tuple[str | None, str, str]
"""System text or none, question, answer."""


def rounds(sample: Sample, name: str, *, systems: bool = False) -> list[Triple]:
    """The conversation as rounds of (system, question, answer), for shapes that know no other order.

    Args:
        sample: the sample about to be written.
        name: the format's name, for the message.
        systems: whether every round may begin with a system message, not only the first.

    Raises:
        FormatError: the turns come in another order, or are fewer than a question and its answer, or a speaker has a name.
    """
    refuse_names(sample, name)
    found: list[Triple] = []
    rest = list(sample.messages)
    while rest:
        system = rest.pop(0).content if rest[0].role == "system" and (systems or not found) else None
        if [message.role for message in rest[:2]] != ["user", "assistant"]:
            break
        found.append((system, rest.pop(0).content, rest.pop(0).content))
    else:
        if found:
            return found
    roles = ", ".join(message.role for message in sample.messages) or "none"
    raise FormatError(
        f"{name} cannot carry the turns {roles}.", "Choose a format that can, for example `openai`."
    )


def refuse_names(sample: Sample, name: str) -> None:
    """Stop where a shape without names for speakers would lose one.

    Raises:
        FormatError: a message has a name.
    """
    if any(message.name is not None for message in sample.messages):
        raise FormatError(f"{name} cannot carry the names of speakers.", "Choose for example `openai`.")


def of_rounds(triples: Sequence[Triple]) -> tuple[Message, ...]:
    """The messages that `rounds` would take apart again."""
    found = []
    for system, question, answer in triples:
        if system:
            found.append(turn("system", system))
        found += [turn("user", question), turn("assistant", answer)]
    return tuple(found)


def prompt_and_answer(sample: Sample, name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What stands before the last message, and the last message, which must be the assistant's.

    Raises:
        FormatError: there is no prompt, or no answer at the end.
    """
    written = write_messages(sample.messages)
    if len(written) < 2 or written[-1]["role"] != "assistant":
        raise FormatError(
            f"{name} needs a prompt and, at the end, an answer.", "Set aside what has no answer."
        )
    return written[:-1], written[-1]

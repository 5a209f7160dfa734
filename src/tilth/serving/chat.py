"""Talking to models in a terminal: one conversation, any number of models, base and tuned side by side."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tilth.errors import TilthError, did_you_mean
from tilth.models.base import ChatModel, Generation
from tilth.sample import Message
from tilth.store.decisions import person
from tilth.store.files import json_line, write_jsonl

Write = Callable[[str], None]
"""Shows a piece of text at once, without adding a line feed."""

HELP = """\
/help                 this list
/system TEXT          speak under this system message; without TEXT: none
/reset                forget the conversation
{models}
/set NAME VALUE       temperature, top_p, max_new_tokens or seed
/keep                 keep the conversation for review, as it stands: one line a model that took part
/save FILE            write the conversation as JSON Lines in the `openai` format, one line a model
/quit                 leave (also Ctrl-D); Ctrl-C stops an answer
"""

SETTINGS: Mapping[str, tuple[type[int] | type[float], float, float]] = {
    "temperature": (float, 0, 2),
    "top_p": (float, 1e-6, 1),
    "max_new_tokens": (int, 1, 1 << 20),
    "seed": (int, 0, 1 << 62),
}
"""What `/set` takes: its kind, its smallest and its largest value."""


@dataclass(frozen=True)
class Exchange:
    """What was asked, and what each model that was asked said."""

    question: str
    answers: Mapping[str, str]


@dataclass
class Session:
    """The state of one chat."""

    models: Mapping[str, ChatModel]
    write: Write
    generation: Generation
    width: int = 0
    system: str = ""
    speaking: tuple[str, ...] = ()
    """The models that answer, by name."""
    exchanges: list[Exchange] = field(default_factory=list)
    kept: Path | None = None
    """Where `/keep` puts conversations."""

    def history(self, name: str) -> list[Message]:
        """The conversation as one model knows it: what it was asked and what it answered itself."""
        messages = [Message("system", self.system)] if self.system else []
        for exchange in self.exchanges:
            if name in exchange.answers:
                messages.append(Message("user", exchange.question))
                messages.append(Message("assistant", exchange.answers[name]))
        return messages


def chat(
    models: Mapping[str, ChatModel],
    lines: Iterable[str],
    write: Write,
    *,
    generation: Generation | None = None,
    width: int = 0,
    system: str = "",
    kept: Path | None = None,
) -> None:
    """Talk until the lines end or `/quit`.

    Args:
        models: name → model; the last one speaks first. With more than one, `/name` chooses and `/both` asks all.
        lines: what the person types. An iterator may raise KeyboardInterrupt for Ctrl-C at the prompt.
        write: shows text.
        generation: how answers are drawn at first.
        width: columns of the terminal; answers of several models stand beside each other in it. 0, where there is
            no terminal: one below the other, each as it comes.
        system: the system message at first.
        kept: the file that `/keep` adds conversations to, in the format `openai`, for a recipe or a reviewer to read.
    """
    session = Session(models, write, generation or Generation(max_new_tokens=1024), width, system, kept=kept)
    session.speaking = tuple(models)[-1:]
    write(f"{' and '.join(models)} can speak; {session.speaking[0]} does. /help lists the commands.\n")
    for line in _typed(iter(lines), write):
        text = line.strip()
        if text in ("/quit", "/exit"):
            return
        if text.startswith("/"):
            _command(session, text)
        elif text:
            _say(session, text)


def _typed(lines: Iterator[str], write: Write) -> Iterator[str]:
    while True:
        try:
            yield next(lines)
        except KeyboardInterrupt:
            write("\n/quit or Ctrl-D leaves.\n")
        except StopIteration:
            return


def _say(session: Session, question: str) -> None:
    """Ask every speaking model, one after the other, and show what they say."""
    beside = session.width > 0 and len(session.speaking) > 1
    answers: dict[str, str] = {}
    for name in session.speaking:
        if len(session.models) > 1 and not beside:
            session.write(f"[{name}] ")
        messages = [*session.history(name), Message("user", question)]
        answer = _answer(session, name, messages, shown=not beside)
        if answer is None:
            break
        answers[name] = answer
    if beside and answers:
        session.write(_columns(answers, session.width))
    if answers:
        session.exchanges.append(Exchange(question, answers))


def _answer(session: Session, name: str, messages: list[Message], shown: bool) -> str | None:
    """What one model says, shown while it comes; `None` where it was stopped or could not answer."""
    pieces: list[str] = []
    try:
        for piece in session.models[name].stream(messages, session.generation):
            pieces.append(piece)
            if shown:
                session.write(piece)
    except KeyboardInterrupt:
        session.write(f" ({name} was stopped; its answer is forgotten)\n")
        return None
    except TilthError as error:
        session.write(f"{error}\n")
        return None
    if shown:
        session.write("\n")
    return "".join(pieces)


def _columns(answers: Mapping[str, str], width: int) -> str:
    """Answers beside each other; a hanzi takes two columns."""
    table = Table(box=SIMPLE, expand=True)
    for name in answers:
        table.add_column(name, overflow="fold", ratio=1)
    table.add_row(*map(Text, answers.values()))
    page = Console(width=width, file=io.StringIO(), color_system=None)
    with page.capture() as captured:
        page.print(table)
    return captured.get()


def _command(session: Session, text: str) -> None:
    name, _, rest = text[1:].partition(" ")
    rest = rest.strip()
    actions: dict[str, Callable[[], str]] = {
        "help": lambda: HELP.format(models=_model_help(session)),
        "system": lambda: _system(session, rest),
        "reset": lambda: _reset(session),
        "set": lambda: _set(session, rest),
        "save": lambda: _save(session, rest),
        "keep": lambda: _keep(session),
    }
    actions |= {model: partial(_speak, session, (model,)) for model in session.models}
    if len(session.models) > 1:
        actions["both"] = partial(_speak, session, tuple(session.models))
    if name in actions:
        session.write(actions[name]())
    else:
        session.write(f"There is no /{name}. {did_you_mean(name, actions)}\n")


def _model_help(session: Session) -> str:
    lines = [f"/{name:<20} {name} answers" for name in session.models]
    if len(session.models) > 1:
        lines.append(f"/{'both':<20} all of them answer the same question")
    return "\n".join(lines)


def _system(session: Session, text: str) -> str:
    session.system = text
    return "The system message is set.\n" if text else "There is no system message now.\n"


def _reset(session: Session) -> str:
    session.exchanges.clear()
    return "The conversation is forgotten.\n"


def _speak(session: Session, names: tuple[str, ...]) -> str:
    session.speaking = names
    return f"{' and '.join(names)} will answer.\n"


def _set(session: Session, text: str) -> str:
    name, _, value = text.partition(" ")
    if name not in SETTINGS:
        return f"/set knows no '{name}'. {did_you_mean(name, SETTINGS)}\n"
    kind, low, high = SETTINGS[name]
    try:
        number = kind(value)
    except ValueError:
        return f"{name} takes a {'whole ' if kind is int else ''}number, for example: /set {name} {high:g}\n"
    if not low <= number <= high:
        return f"{name} goes from {low:g} to {high:g}.\n"
    changes: dict[str, Any] = {name: number}
    session.generation = replace(session.generation, **changes)
    return f"{name} is {number:g} now.\n"


def _save(session: Session, name: str) -> str:
    if not name:
        return "Name a file: /save chat.jsonl\n"
    rows = [{"messages": messages, "model": model} for model, messages in _conversations(session).items()]
    try:
        count = write_jsonl(Path(name).expanduser(), rows)
    except OSError as error:
        return f"{name} cannot be written: {error.strerror}.\n"
    return f"{count} conversation{'' if count == 1 else 's'} written to {name}.\n"


def _conversations(session: Session) -> dict[str, list[dict[str, str]]]:
    """What each model that took part was asked and answered."""
    spoken = [model for model in session.models if any(model in e.answers for e in session.exchanges)]
    return {
        model: [{"role": m.role, "content": m.content} for m in session.history(model)] for model in spoken
    }


def _keep(session: Session) -> str:
    if session.kept is None:
        return "Only a chat with a run keeps conversations: tilth chat RUN. Here /save FILE writes them.\n"
    found = _conversations(session)
    if not found:
        return "Nothing has been said yet.\n"
    about = {"kept_by": person()}
    rows = [
        {"event_id": uuid4().hex, "messages": messages, "said_by": model} | about
        for model, messages in found.items()
    ]
    try:
        with session.kept.open("ab") as handle:
            handle.write("".join(map(json_line, rows)).encode())
    except OSError as error:
        return f"{session.kept} cannot be written: {error.strerror}.\n"
    return f"{len(rows)} conversation{'' if len(rows) == 1 else 's'} kept in {session.kept}; `tilth studio` reviews them.\n"

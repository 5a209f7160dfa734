"""What a format is: two pure functions between one shape of record and a `Sample`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tilth.errors import FormatError
from tilth.registry import Registry
from tilth.sample import Message, Sample

Record = Any
"""A parsed record: usually a JSON object, for some shapes a bare list."""

Reader = Callable[[Record, str, str], Sample]
Writer = Callable[[Sample], dict[str, Any]]


@dataclass(frozen=True)
class Format:
    """One shape of record."""

    name: str
    read: Reader
    """`read(record, id, place)`; raises FormatError that names the key at fault."""
    write: Writer | None = None
    """`write(sample)`; raises FormatError for what the shape cannot carry. `None`: read only.

    What it writes does not depend on the side of a split: a record is rendered once and kept for whichever side.
    """
    fits: Callable[[Record], bool] = lambda record: False
    """Whether a record looks like this shape, for `--from auto`."""
    rank: int = 100
    """Where several shapes fit, the lowest rank wins: the more particular shape first."""
    columns: tuple[str, ...] = ()
    """The keys the shape reads; everything else a record holds is kept in `meta`."""
    container: Literal["jsonl", "csv", "tsv"] = "jsonl"
    """How the written records are laid down in a file; also its suffix."""
    companions: Callable[[Sequence[str]], Mapping[str, str]] | None = None
    """Given the names of the data files, the text of the files that must lie beside them, by name."""

    @property
    def help(self) -> str:
        """The first line of the module that defines it."""
        import sys

        doc = sys.modules[self.read.__module__].__doc__ or ""
        return doc.strip().split("\n")[0]


FORMATS: Registry[Format] = Registry("format")


def register(fmt: Format) -> Format:
    """Add a format to the ones a recipe may name."""
    return FORMATS.add(fmt.name, fmt)


def need_object(record: Record, name: str) -> Mapping[str, Any]:
    """The record as an object.

    Raises:
        FormatError: it is something else.
    """
    if not isinstance(record, dict):
        raise FormatError(f"not a {name} record: expected an object, got {kind_of(record)}.")
    return record


def need_text(record: Mapping[str, Any], key: str, name: str) -> str:
    """The string under `key`.

    Raises:
        FormatError: the key is missing, null or not a string.
    """
    if key not in record:
        raise FormatError(f"not a {name} record: `{key}` is missing.")
    value = record[key]
    if not isinstance(value, str):
        raise FormatError(f"not a {name} record: `{key}` is {kind_of(value)}, expected text.")
    return value


def optional_text(record: Mapping[str, Any], key: str, name: str) -> str:
    """The string under `key`, or an empty one where the key is absent or null.

    Raises:
        FormatError: the value is neither a string nor null.
    """
    return need_text(record, key, name) if record.get(key) is not None else ""


def rest(record: Mapping[str, Any], used: tuple[str, ...]) -> dict[str, Any]:
    """What a shape does not read: it goes to `meta`."""
    return {key: value for key, value in record.items() if key not in used}


def kind_of(value: Any) -> str:
    """A JSON value's type in a word a person uses."""
    names = {type(None): "null", bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


def refuse(sample: Sample, name: str, *what: str) -> None:
    """Stop where a shape would lose something of this sample.

    Args:
        sample: the sample about to be written.
        name: the format's name, for the message.
        what: any of `system`, `turns`, `tools`, `thinking`, `loss`, `preference`, `label`, `calls`, `empty`:
            the things the shape has no place for.

    Raises:
        FormatError: the sample has one of them.
    """
    for thing in what:
        found = _HAS[thing](sample)
        if found:
            other = _CARRIES.get(thing, "openai")
            raise FormatError(
                f"{name} cannot carry {found}.", f"Choose a format that can, for example `{other}`."
            )


def _system(sample: Sample) -> str:
    return "a system message" if any(m.role == "system" for m in sample.messages) else ""


def _turns(sample: Sample) -> str:
    talk = [m.role for m in sample.messages if m.role != "system"]
    return "" if talk in (["user", "assistant"], ["user"]) else f"the turns {', '.join(talk) or 'none'}"


def _calls(sample: Sample) -> str:
    return "tool calls" if any(m.tool_calls or m.role == "tool" for m in sample.messages) else ""


def _loss(sample: Sample) -> str:
    marked = any(m.loss is not None and m.loss != (m.role == "assistant") for m in sample.messages)
    return "a per-message loss mask" if marked else ""


_HAS: dict[str, Callable[[Sample], str]] = {
    "system": _system,
    "turns": _turns,
    "calls": _calls,
    "loss": _loss,
    "tools": lambda s: "tool definitions" if s.tools else "",
    "thinking": lambda s: "thinking" if any(m.thinking for m in s.messages) else "",
    "preference": lambda s: "a rejected answer" if s.rejected is not None else "",
    "label": lambda s: "a KTO label" if s.label is not None else "",
    "empty": lambda s: "" if s.messages else "a sample without messages",
}


_CARRIES = {"preference": "preference", "label": "kto", "empty": "tilth"}
"""Who carries what `openai` cannot."""


def turn(role: str, content: str) -> Message:
    """A plain message."""
    return Message(role=role, content=content)  # type: ignore[arg-type]  # role is checked by the caller

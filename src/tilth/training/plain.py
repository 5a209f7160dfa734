"""Plain data files for tools that read `messages` and need nothing else, each with what that tool calls a loss mask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tilth.engine.convert import convert
from tilth.errors import UserError
from tilth.store.files import read_jsonl, write_jsonl
from tilth.store.folder import RunFolder

FORMAT = "openai"
PLAIN = ("trl", "openai")
"""The tools; `trl` is also what ms-swift and axolotl load."""


def write_plain(run: RunFolder, format_name: str, tool: str, out: Path) -> dict[str, int]:
    """Write each side of a run as `SIDE.jsonl`; returns the records by path.

    Args:
        run: a finished run.
        format_name: the format of its data files.
        tool: one of `PLAIN`.
        out: the folder to write.

    Raises:
        UserError: the tool would lose a part of a record: its loss mask, or its thinking.
    """
    written = {}
    for side, path in run.sides.items():
        target = out / f"{side}.jsonl"
        found = convert(path, format_name, FORMAT, target)
        if found["problems"]:
            first = found["problems"][0]
            raise UserError(
                f"{len(found['problems'])} records of {path} cannot be exported; {first['place']}: {first['error']}"
            )
        write_jsonl(target, _adapted(target, tool))
        written[str(target)] = int(found["written"])
    return written


def _adapted(path: Path, tool: str) -> Iterator[dict[str, Any]]:
    for n, record in enumerate(read_jsonl(path), 1):
        yield record | {"messages": [_turn(turn, f"{path}:{n}", tool) for turn in record["messages"]]}


def _turn(turn: dict[str, Any], place: str, tool: str) -> dict[str, Any]:
    """One message as the tool reads it. OpenAI calls the mask `weight`; TRL learns every answer, whatever is said."""
    loss = turn.get("loss")
    if tool == "trl" and loss is False and turn["role"] == "assistant":
        raise UserError(
            f"{place} keeps an answer out of the loss, and TRL would learn it.",
            "Train it with `backend: hf`, or export to openai.",
        )
    if tool == "openai" and "thinking" in turn:
        raise UserError(
            f"{place} has thinking, which OpenAI's format cannot carry.", "Strip it, or export to trl."
        )
    kept = {key: value for key, value in turn.items() if key != "loss"}
    weighed = tool == "openai" and loss is not None and turn["role"] == "assistant"
    return kept | {"weight": int(bool(loss))} if weighed else kept

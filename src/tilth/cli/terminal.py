"""How commands speak: facts to stdout, progress to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""

Json = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


def emit(value: Any) -> None:
    """One JSON value on stdout, Chinese unescaped."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def say(text: str = "") -> None:
    """A line for people, on stdout."""
    print(text)


def note(text: str) -> None:
    """A line about how work goes on, on stderr."""
    print(text, file=sys.stderr, flush=True)


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], numbers: Sequence[int] = ()
) -> None:
    """A table as wide as the terminal; `numbers` are the columns set to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, name in enumerate(columns):
        right = index in numbers
        made.add_column(
            name, justify="right" if right else "left", overflow="fold", no_wrap=index == 0 or right
        )
    for row in rows:
        made.add_row(*(Text(str(cell)) for cell in row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
    console.print(made)


def counts_line(counts: Mapping[str, int]) -> str:
    """`240 taken = 237 kept + 2 dropped + 1 quarantined + 0 held`."""
    made = f" + {counts['made']} made" if counts["made"] else ""
    left = " + ".join(f"{counts[door]} {door}" for door in ("kept", "dropped", "quarantined", "held"))
    blank = f" ({counts['blank']} blank lines skipped)" if counts["blank"] else ""
    return f"{counts['taken']} taken{made} = {left}{blank}"


@contextmanager
def progress() -> Iterator[Any]:
    """A function (step, done, total): a bar on a terminal, one line a finished step elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def told(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield told


def _lines() -> Any:
    finished: set[str] = set()

    def told(step: str, done: int, total: int) -> None:
        if done >= total and step not in finished:
            finished.add(step)
            note(f"{step}: {done}/{total}")

    return told

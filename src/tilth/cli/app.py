"""The `tilth` command: a table of verbs that read like the journey."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Collection
from importlib import import_module
from typing import Any

import typer

from tilth import __version__
from tilth.errors import TilthError

COMMANDS = {
    "Prepare data": ("init", "check", "run", "convert"),
    "Look at a run": ("status", "show", "explain", "diff", "restore", "report", "requests", "studio"),
    "Train and compare": ("tokens", "train", "merge", "export", "chat", "serve", "compare"),
    "Help": ("list", "doctor"),
}

OURS = (errno.ENOSPC, errno.EIO, errno.ENOMEM, errno.EMFILE)
"""Refusals that no other argument would have avoided: exit code 1. The others are wrong use: 2."""

ALL = tuple(name for names in COMMANDS.values() for name in names)


def application(verbs: Collection[str] = ALL) -> typer.Typer:
    """The command line.

    Args:
        verbs: the commands it has. To read the others' options takes longer than most commands need to start.
    """
    made = typer.Typer(
        name="tilth",
        help="Turn raw text into fine-tuning data you can defend, train on it, and see what the training changed.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(_root)
    for panel, names in COMMANDS.items():
        for name in names:
            if name in verbs:
                home = f"tilth.cli.{name}_" if name in ("list", "init") else f"tilth.cli.{name}"
                made.command(name, rich_help_panel=panel)(import_module(home).command)
    return made


def __getattr__(name: str) -> Any:
    """`app`, the whole command line, is put together when somebody asks for it."""
    if name != "app":
        raise AttributeError(f"module 'tilth.cli.app' has no attribute '{name}'")
    globals()["app"] = application()
    return globals()["app"]


def _version(show: bool) -> None:
    if show:
        print(f"tilth {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Start with `tilth init DATA`, then `tilth run recipe.yaml`."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 our failure, 2 wrong use or input, 3 waiting."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    typed = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        application([typed] if typed in ALL else ALL)()
    except TilthError as error:
        print(f"tilth: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except SystemExit as stop:
        # The library below turns a reader that has seen enough (`| head`) into exit 1.
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return
        where = f" ({error.filename})" if error.filename else ""
        print(f"tilth: the system refused: {error.strerror or error}{where}", file=sys.stderr)
        sys.exit(1 if error.errno in OURS else 2)


if __name__ == "__main__":
    main()

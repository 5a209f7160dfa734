"""`tilth convert`: one shape of record to another, losing nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A data file or folder.")],
    to: Annotated[str, typer.Option("--to", help="The format to write.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")],
    from_: Annotated[str, typer.Option("--from", help="The format to read; auto detects it.")] = "auto",
    with_meta: Annotated[bool, typer.Option("--with-meta", help="Keep the source's other keys.")] = False,
    encoding: Annotated[str, typer.Option(help="The text encoding of the input.")] = "utf-8",
    json: Json = False,
) -> None:
    """Convert a data file from one format to another in one pass.

    Example: tilth convert raw.jsonl --from coig_cqia --to xtuner -o data.jsonl
    """
    from tilth.engine import convert

    found = convert(source, from_, to, out, with_meta=with_meta, encoding=encoding)
    if json:
        emit(found)
    else:
        read_as = f"{source} read as {found['from']}" + (" (detected)" if from_ == "auto" else "")
        say(f"{read_as}: {found['written']} records written to {out} as {to}")
        if found["meta_left_out"]:
            say(f"Left out: the source's {', '.join(found['meta_left_out'])}. Keep them with --with-meta.")
    for problem in found["problems"][:10]:
        note(f"{problem['place']}: {problem['error']}")
    if found["problems"]:
        note(
            f"tilth: {len(found['problems'])} record(s) could not be converted; they stand in {found['rejects']}."
        )
        raise typer.Exit(2)

"""`tilth convert`: one shape of record to another, or one layout of a model to another, losing nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tilth.cli.terminal import Json, emit, note, say


def command(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A data file or folder, or an InternLM2 model.")
    ],
    to: Annotated[str, typer.Option("--to", help="The format to write; llama for a model.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file to write; a model's default is MODEL-llama.")
    ] = None,
    from_: Annotated[str, typer.Option("--from", help="The format to read; auto detects it.")] = "auto",
    with_meta: Annotated[bool, typer.Option("--with-meta", help="Keep the source's other keys.")] = False,
    encoding: Annotated[str, typer.Option(help="The text encoding of the input.")] = "utf-8",
    allow_bin: Annotated[
        bool, typer.Option("--allow-bin", help="Open a model's *.bin; nothing in them is run.")
    ] = False,
    json: Json = False,
) -> None:
    """Convert a data file from one format to another in one pass.

    Example: tilth convert raw.jsonl --from coig_cqia --to xtuner -o data.jsonl
    """
    from tilth.engine import convert
    from tilth.errors import UserError
    from tilth.models.opened import is_internlm2

    if is_internlm2(source):
        _model(source, to, out, allow_bin, json)
        return
    if out is None:
        raise UserError("say where to write.", f"For example: tilth convert {source} --to {to} -o data.jsonl")
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


def _model(folder: Path, to: str, out: Path | None, allow_bin: bool, json: bool) -> None:
    from tilth.errors import NotFoundError
    from tilth.models.opened import convert_internlm2, counterpart

    if to != "llama":
        raise NotFoundError(f"{folder} is a model, and '{to}' is no layout of models.", "Write: --to llama")
    converted = convert_internlm2(folder, out or counterpart(folder), allow_bin=allow_bin, say=note)
    if json:
        emit({"path": str(converted.path), "made": converted.made})
    else:
        say(f"{converted.path} holds the model in the Llama layout" + ("" if converted.made else " already"))

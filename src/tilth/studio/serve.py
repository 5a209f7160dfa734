"""Listening: which address, whether a token is asked for, and the server's life."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from tilth.errors import MissingExtra
from tilth.serving.guard import LOOPBACK, is_loopback
from tilth.serving.listening import address_of, listen
from tilth.store.folder import RunFolder
from tilth.studio.app import app
from tilth.studio.index import Progress


def serve(
    run: RunFolder,
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    announce: Callable[[str], None] = lambda line: None,
    progress: AbstractContextManager[Progress] | None = None,
) -> None:
    """Show a run until interrupted. On an address that others can reach, a token made for this time is asked for.

    Args:
        run: the run folder.
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        announce: gets the address as a line for people.
        progress: gives a function that is told (what, done, total) while the index is made.

    Raises:
        MissingExtra: starlette or uvicorn is not installed.
        FolderError: this is no run folder, and holds no comparison either.
        UserError: the address cannot be listened on.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtra("tilth studio", "studio") from error
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    listener = listen(host, port)
    hosts = LOOPBACK if token is None else None
    with progress or nullcontext(lambda *_: None) as told:
        made = app(run, hosts=hosts, token=token, progress=told)
    key = f"?token={token}" if token else ""
    announce(f"Showing {run.name} at {address_of(host, listener)}/{key}")
    uvicorn.Server(uvicorn.Config(made, log_level="warning")).run(sockets=[listener])

"""Listening: which address, whether a token is asked for, and the server's life."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from tilth.errors import MissingExtra, UserError
from tilth.serving.guard import LOOPBACK, is_loopback
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
    listener = _listen(host, port)
    hosts = LOOPBACK if token is None else None
    with progress or nullcontext(lambda *_: None) as told:
        made = app(run, hosts=hosts, token=token, progress=told)
    shown = f"[{host}]" if ":" in host else host
    key = f"?token={token}" if token else ""
    announce(f"Showing {run.name} at http://{shown}:{listener.getsockname()[1]}/{key}")
    uvicorn.Server(uvicorn.Config(made, log_level="warning")).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
        # Links inherit it. asyncio sets it only on sockets whose protocol is named; without it every answer on a link
        # that is used again waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot listen on {host}:{port} ({error}).", "Choose another with --port.") from None

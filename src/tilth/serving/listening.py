"""The socket that a server of ours listens on, taken before anything is loaded or said."""

from __future__ import annotations

import socket

from tilth.errors import UserError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        UserError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
        # Links inherit it. asyncio sets it only on sockets whose protocol is named; without it every answer on a link
        # that is used again waits 40 ms for an acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        raise UserError(f"cannot listen on {host}:{port} ({error}).", "Choose another with --port.") from None


def address_of(host: str, listener: socket.socket) -> str:
    """The address for people, with the port that was really taken."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"

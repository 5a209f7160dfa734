"""A site on this machine that answers as told, faults included."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = -1
    """How many bytes are sent before the connection breaks; -1 sends all."""
    claim: int = -1
    """The Content-Length claimed; -1 tells the truth."""
    ranges: bool = True


def page(value: Any, **options) -> Answer:
    return Answer(json.dumps(value, ensure_ascii=False).encode(), **options)


class Site:
    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        """By path, with or without the query; each request takes the next answer, and the last one stays."""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""

    def put(self, path: str, *answers: Answer | bytes) -> None:
        self.answers[path] = [Answer(a) if isinstance(a, bytes) else a for a in answers]

    def paths(self, method: str = "GET") -> list[str]:
        return [path for asked, path, _ in self.asked if asked == method]

    def answer(self, path: str) -> Answer:
        queue = (
            self.answers.get(path) or self.answers.get(path.split("?")[0]) or [Answer(b"nothing here", 404)]
        )
        return queue.pop(0) if len(queue) > 1 else queue[0]


@contextmanager
def serving():
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.reply(site.answers.get(self.path.split("?")[0], [Answer(status=404)])[-1], head=True)

        def do_GET(self):
            self.reply(site.answer(self.path), head=False)

        def reply(self, answer, *, head):
            site.asked.append((self.command, self.path, dict(self.headers)))
            body, status, headers = answer.body, answer.status, dict(answer.headers)
            asked = self.headers.get("Range", "")
            if asked and answer.ranges and status == 200:
                start = int(asked.removeprefix("bytes=").split("-")[0])
                headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                body, status = body[start:], 206
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) if answer.claim < 0 else answer.claim))
            self.end_headers()
            if not head:
                self.wfile.write(body if answer.cut < 0 else body[: answer.cut])
            self.close_connection = answer.cut >= 0 or answer.claim >= 0

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""Starts the studio on a large run and asks it for every page, beside a server that has one empty page."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from urllib.parse import quote

from benchmarks.speed.data import write_rows
from benchmarks.speed.measure import as_installed
from benchmarks.today import today

from tilth.engine import run
from tilth.store.folder import RunFolder

HERE = Path(__file__).parent
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "studio.md"
EMPTY = """
import sys, uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
app = FastAPI()
@app.get("/")
def page(): return HTMLResponse("<!doctype html><title>empty</title>")
import socket
listener = socket.create_server(("127.0.0.1", 0))
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
print("at http://127.0.0.1:%d/" % listener.getsockname()[1], file=sys.stderr, flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
"""
ROUNDS = 7
"""Starts of each server, of which the median counts."""
TICK = os.sysconf("SC_CLK_TCK")
Ask = Callable[[random.Random], tuple[str, str, str]]
"""Gives method, address and body of a request."""


@dataclass(frozen=True)
class Figure:
    """What one kind of request took."""

    name: str
    first_ms: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """Processor time of the server for each request."""
    wanted_ms: float | None


class Server:
    """A server in a process of its own."""

    def __init__(self, command: list[str]) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=as_installed())
        for line in self.process.stderr:
            if " http://" in line:
                self.port = int(line.split(" http://")[1].split(":")[1].split("/")[0])
                break
        self.link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        self.ask("GET", "/", "")
        self.start_s = time.perf_counter() - started
        self.start_cpu_s = self.cpu_s()

    def ask(self, method: str, address: str, body: str) -> int:
        """The bytes of an answer; anything but success ends the benchmark."""
        kind = {"content-type": "application/json"} if body else {}
        self.link.request(method, address, body.encode() or None, kind)
        answer = self.link.getresponse()
        said = answer.read()
        assert answer.status == 200, (address, answer.status, said[:500])
        return len(said)

    def cpu_s(self) -> float:
        """Processor seconds of the server so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory now, and the most there ever was."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024

    def stop(self) -> None:
        self.link.close()
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def serving(*command: str) -> Iterator[Server]:
    """A running server."""
    server = Server([sys.executable, *command])
    try:
        yield server
    finally:
        server.stop()


def measure(server: Server, name: str, ask: Ask, wanted: float | None, requests: int) -> Figure:
    """Ask many times, one after the other; the first request is told apart, because it may load something."""
    rng = random.Random(name)
    # The server closes a link that was idle for some seconds, and while another server was asked this one was.
    server.link.close()

    def once() -> float:
        began = time.perf_counter()
        server.ask(*ask(rng))
        return 1000 * (time.perf_counter() - began)

    first, cpu = once(), server.cpu_s()
    times = sorted(once() for _ in range(requests))
    spent = 1000 * (server.cpu_s() - cpu) / requests
    return Figure(name, first, median(times), times[int(0.95 * len(times)) - 1], spent, wanted)


def pages(places: list[str], words: list[str]) -> list[tuple[str, Ask, float]]:
    """Every page with the time we want to read for it, in milliseconds at the 95th percentile."""

    def get(address: Callable[[random.Random], str]) -> Ask:
        return lambda rng: ("GET", address(rng), "")

    def review(queue: str) -> Ask:
        return lambda rng: (
            "POST",
            "/api/review/next",
            json.dumps({"queue": queue, "person": f"p{rng.random()}"}),
        )

    return [
        ("overview", get(lambda _: "/"), 100),
        ("explorer", get(lambda rng: f"/samples?page={rng.randint(1, len(places) // 60)}"), 100),
        ("explorer, two facets", get(lambda rng: f"/samples?door={rng.choice(('kept', 'dropped'))}&language={rng.choice(('zh', 'en'))}"), 100),
        ("explorer, range of a number", get(lambda rng: f"/samples?answer_chars={rng.randint(1, 99)}..{rng.randint(100, 900)}"), 100),
        ("search, two hanzi", get(lambda rng: f"/samples?q={quote(rng.choice(words))}"), 50),
        ("sample", get(lambda rng: f"/sample?place={quote(rng.choice(places))}"), 100),
        ("tokens", get(lambda _: "/tokens"), 100),
        ("training", get(lambda _: "/training"), 100),
        ("review", get(lambda _: "/review?queue=spot"), 100),
        ("next record in review", review("spot"), 50),
        ("compare", get(lambda _: "/compare"), 100),
        ("chat", get(lambda _: "/chat"), 100),
    ]  # fmt: skip


def known(folder: RunFolder) -> tuple[list[str], list[str]]:
    """Places of the run, and words of two hanzi that stand in it."""
    rng = random.Random(0)
    lines = folder.index.read_text(encoding="utf-8").splitlines()
    places = [json.loads(line)["place"] for line in rng.sample(lines, min(400, len(lines)))]
    texts = folder.side("train").read_text(encoding="utf-8").splitlines()
    hanzi = [
        "".join(c for c in line if "\u4e00" <= c <= "\u9fff")
        for line in rng.sample(texts, min(400, len(texts)))
    ]
    words = [text[i : i + 2] for text in hanzi if len(text) > 40 for i in (rng.randrange(len(text) - 2),)]
    return places, words


def make(work: Path, rows: int, recipe: Path, name: str) -> RunFolder:
    """The run, made where it is not there yet."""
    place = work / f"{name}-{rows}"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "rows.jsonl").exists():
        write_rows(place / "rows.jsonl", rows, 7)
    (place / "recipe.yaml").write_text(recipe.read_text(encoding="utf-8"), encoding="utf-8")
    run(place / "recipe.yaml", place / "run", workers=1)
    return RunFolder(place / "run")


def main() -> int:
    """Measure, print, and with `--write` renew the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tilth-bench-studio")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--start", action="store_true", help="Read only how long the start takes.")
    asked = parser.parse_args()
    if asked.start:
        return start_alone(asked.work, asked.write)
    large = make(asked.work, asked.rows, HERE / "recipe.yaml", "large")
    small = make(asked.work, 240, HERE / "recipe.yaml", "small")
    for old in large.steps.glob("catalog-*"):
        old.unlink()
    with serving("-m", "tilth.cli.app", "studio", str(large.path), "--port", "0") as first:
        index_s, index_cpu = first.start_s, first.start_cpu_s
    places, words = known(large)
    with (
        serving("-c", EMPTY) as empty,
        serving("-m", "tilth.cli.app", "studio", str(large.path), "--port", "0") as studio,
    ):
        started = studio.memory_mb()[0]
        base = measure(empty, "an empty FastAPI page", lambda _: ("GET", "/", ""), None, asked.requests)
        found = [measure(studio, name, ask, want, asked.requests) for name, ask, want in pages(places, words)]
        memory, empty_memory = (started, *studio.memory_mb()), empty.memory_mb()[0]
    starts = [_starts(small) for _ in range(ROUNDS)]
    size = next(large.steps.glob("catalog-*")).stat().st_size / 1e6
    text = report(asked, base, found, memory, empty_memory, (index_s, index_cpu, size), starts)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
    return 0


def start_alone(work: Path, write: bool) -> int:
    """Read the start of a small run's studio, and with `write` renew its lines in the page."""
    small = make(work, 240, HERE / "recipe.yaml", "small")
    said = f"Start read on {today()} by `python -m benchmarks.studio --start --write`."
    lines = [*_start_lines([_starts(small) for _ in range(ROUNDS)]), "", said, ""]
    print("\n".join(lines))
    if write:
        kept = re.split(r"^\| start until", PAGE.read_text(encoding="utf-8"), maxsplit=1, flags=re.M)[0]
        PAGE.write_text(kept + "\n".join(lines), encoding="utf-8")
    return 0


def _starts(small: RunFolder) -> tuple[float, float, float, float]:
    """Wall and processor seconds until the first page: an empty FastAPI page, and the studio of a small run."""
    with serving("-c", EMPTY) as empty:
        bare = empty.start_s, empty.start_cpu_s
    with serving("-m", "tilth.cli.app", "studio", str(small.path), "--port", "0") as studio:
        return *bare, studio.start_s, studio.start_cpu_s


def report(
    asked: argparse.Namespace,
    base: Figure,
    found: list[Figure],
    memory: tuple[float, float, float],
    empty_memory: float,
    index: tuple[float, float, float],
    starts: list[tuple[float, float, float, float]],
) -> str:
    """The page in Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "numpy", "jinja2"))
    lines = [
        "# Speed of the studio",
        "",
        f"Written by `python -m benchmarks.studio --rows {asked.rows} --requests {asked.requests} --write` on {today()}: "
        f"Tilth {version('tilth')}, Python {platform.python_version()}, {versions}, {os.cpu_count()} cores. Only the ratios carry over to another "
        "machine.",
        "",
        f"One server over a run of {asked.rows:,} generated samples (`benchmarks/studio/recipe.yaml`), {asked.requests} requests a page, one after the "
        "other over one connection, addresses drawn by a seed; beside it, in the same minutes, a FastAPI server with one empty page. "
        "`first` is the first request of its kind, which may load something. `CPU` is the server's processor time a request: it says more than "
        "the clock where the machine has other work.",
        "",
        "| request | first ms | p50 ms | p95 ms | p95 / empty page | CPU ms | wanted p95 |  |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(_line(figure, base) for figure in (base, *found)),
        "",
        "| | measured | wanted | |",
        "| --- | ---: | ---: | ---: |",
        _wanted("memory of the server after all of it, MB", memory[1], 500),
        _wanted("the most it ever had, MB", memory[2], 500),
        f"| memory when started, and of the empty page's server, MB | {memory[0]:.0f}, {empty_memory:.0f} | | |",
        f"| making the index: seconds, processor seconds, MB on disk | {index[0]:.0f}, {index[1]:.0f}, {index[2]:.0f} | | |",
        *_start_lines(starts),
        "",
    ]
    return "\n".join(lines)


def _start_lines(starts: list[tuple[float, float, float, float]]) -> list[str]:
    """The rows about the start: medians of rounds in which both servers were started in turn."""
    bare_wall, bare_cpu, wall, cpu = (median(column) for column in zip(*starts, strict=True))
    name = (
        "start until the first page, 240 samples, against importing fastapi and serving an empty page (CPU)"
    )
    return [
        _wanted(name, cpu / bare_cpu, 2, "×"),
        f"| the same by the clock | {wall / bare_wall:.2f}× | | |",
        f"| the same, CPU seconds of the studio and of the empty page | {cpu:.2f}, {bare_cpu:.2f} | | |",
    ]


def _line(figure: Figure, base: Figure) -> str:
    wanted = "" if figure.wanted_ms is None else f"< {figure.wanted_ms:g}"
    verdict = (
        "" if figure.wanted_ms is None else "holds" if figure.p95_ms < figure.wanted_ms else "**missed**"
    )
    return (
        f"| {figure.name} | {figure.first_ms:.1f} | {figure.p50_ms:.1f} | {figure.p95_ms:.1f} | {figure.p95_ms / base.p95_ms:.1f}× "
        f"| {figure.cpu_ms:.1f} | {wanted} | {verdict} |"
    )


def _wanted(name: str, value: float, limit: float, unit: str = "") -> str:
    shown = f"{value:.2f}{unit}" if unit else f"{value:.0f}"
    return f"| {name} | {shown} | {'≤' if unit else '<'} {limit}{unit} | {'holds' if value <= limit else '**missed**'} |"

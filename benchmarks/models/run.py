"""Takes both sides in turn against servers of fixed latency, and our side against one that refuses, and writes the page."""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.today import today

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks" / "models.md"
LATENCIES = {0.05: 256, 0.2: 256, 1.0: 192}
"""Seconds → requests of one turn: short turns, so that what else the machine does meets both sides alike."""
SLOTS = 64
RATE, REFUSED_REQUESTS = 20, 700
SIDES = ("bare", "tilth")


@contextmanager
def server(latency_s: float, rate: float = 0) -> Iterator[int]:
    """A server in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.models.server", str(latency_s), str(rate)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def take(port: int, requests: int, rounds: int) -> list[dict[str, dict[str, float]]]:
    """What both sides take in each round; with no rounds our side asks alone, and nothing is said."""
    words = [sys.executable, "-m", "benchmarks.models.client", *map(str, (port, requests, SLOTS, rounds))]
    said = subprocess.run(words, check=True, capture_output=True).stdout
    found: list[dict[str, dict[str, float]]] = json.loads(said) if rounds else []
    return found


def compare(latency_s: float, requests: int, rounds: int) -> dict[str, Any]:
    """Medians of both sides, in turn against one server, and the medians of the ratios of each round."""
    with server(latency_s) as port:
        taken = take(port, requests, rounds)
    return {
        "latency_s": latency_s,
        "requests": requests,
        "rate": {side: median(requests / row[side]["wall"] for row in taken) for side in SIDES},
        "cpu_ms": {side: median(1000 * row[side]["cpu"] / requests for row in taken) for side in SIDES},
        "rate_ratio": median(row["bare"]["wall"] / row["tilth"]["wall"] for row in taken),
        "cpu_ratio": median(row["tilth"]["cpu"] / row["bare"]["cpu"] for row in taken),
    }


def refused(requests: int = REFUSED_REQUESTS) -> dict[str, Any]:
    """How our side settles against a server that answers 429 above a rate."""
    with server(0.05, RATE) as port:
        take(port, requests, 0)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as response:
            seen = json.load(response)
    first, last = min(seen["answered"]), max(seen["answered"])
    settled = [t for t in seen["answered"] if t > first + 5]
    seconds = [sum(s <= t - first < s + 1 for t in seen["refused"]) for s in range(int(last - first) + 1)]
    return {
        "requests": len(seen["answered"]),
        "refusals": len(seen["refused"]),
        "rate": len(settled) / (last - first - 5),
        "worst_second": max(seconds),
        "worst_later_second": max(seconds[2:], default=0),
        "later_refusals": sum(seconds[2:]),
    }


def page(rows: list[dict[str, Any]], limited: dict[str, Any], rounds: int) -> str:
    """The page in docs/benchmarks."""
    versions = f"Tilth {version('tilth')}, Python {platform.python_version()}, openai {version('openai')}"
    lines = [
        "# Asking models",
        "",
        f"Written by `python -m benchmarks.models --rounds {rounds} --write` on {today()}: {versions}. "
        "Only the ratios carry over to another machine, and those of rates only where the machine has nothing else to do.",
        "",
        f"{SLOTS} requests in flight against a server on loopback that answers after a fixed time. **bare** is the official "
        "asynchronous client and a semaphore; **tilth** is a connected model as a run asks it: cache, budget, pace and retries "
        f"included. Both took short turns in one process, {rounds} times; rates and CPU are medians, ratios the medians of each "
        "round's ratio.",
        "",
        "| latency | requests | bare, 1/s | tilth, 1/s | rate, of bare | wanted | bare, CPU ms | tilth, CPU ms | CPU, of bare | wanted |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        good = "met" if row["rate_ratio"] >= 0.95 else "**missed**"
        cheap = "met" if row["cpu_ratio"] <= 1.3 else "**missed**"
        lines.append(
            f"| {1000 * row['latency_s']:.0f} ms | {row['requests']} | {row['rate']['bare']:.0f} | {row['rate']['tilth']:.0f} "
            f"| {row['rate_ratio']:.2f}× | ≥ 0.95: {good} | {row['cpu_ms']['bare']:.2f} | {row['cpu_ms']['tilth']:.2f} "
            f"| {row['cpu_ratio']:.2f}× | ≤ 1.3: {cheap} |"
        )
    lines += [
        "",
        f"## A server that answers 429 above {RATE} a second",
        "",
        f"It answers without Retry-After, from a bucket that holds {RATE}. {limited['requests']} requests, {SLOTS} slots.",
        "",
        "| what | measured |",
        "| --- | ---: |",
        f"| requests answered a second, after the first five seconds | {limited['rate']:.1f} |",
        f"| refusals in all | {limited['refusals']} |",
        f"| refusals after the first two seconds | {limited['later_refusals']} |",
        f"| most refusals in one second, at the start | {limited['worst_second']} |",
        f"| most refusals in one second, later | {limited['worst_later_second']} |",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run everything; `--write` also writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    rows = [compare(latency, requests, asked.rounds) for latency, requests in LATENCIES.items()]
    text = page(rows, refused(), asked.rounds)
    print(text)
    if asked.write:
        PAGE.write_text(text, encoding="utf-8")
    return 0

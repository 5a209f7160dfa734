"""Run a trainer's command in a process of its own, keep its log, and never leave it behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tilth.store.files import write_json

LOG_FILE = "train.log"
PACKAGES = ("tilth", "torch", "transformers", "trl", "peft", "accelerate", "xtuner", "llamafactory")
_ASK_VERSIONS = """
import sys
from importlib.metadata import PackageNotFoundError, version
print('python', sys.version.split()[0])
for name in sys.argv[1:]:
    try:
        print(name, version(name))
    except PackageNotFoundError:
        pass
"""


@dataclass(frozen=True)
class Launched:
    """How a command went."""

    command: tuple[str, ...]
    exit: int
    seconds: float
    versions: dict[str, str]


def launch(
    command: Sequence[str], folder: Path, on_line: Callable[[str], None], python: str = sys.executable
) -> Launched:
    """Run a command in a folder until it ends; its output goes to `train.log` there and, line by line, to `on_line`.

    The command runs under a guard (this module as a program) that ends it, and all it started, as soon as our
    process is gone, however that happened.

    Args:
        command: the program and its arguments.
        folder: where it runs; `train.log` and `launch.json` are written there.
        on_line: gets each line without its line feed.
        python: the interpreter whose packages the record names.
    """
    start = time.monotonic()
    guarded = [sys.executable, "-m", __name__, *command]
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    with (folder / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            guarded,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with process:
            try:
                for line in process.stdout or ():
                    log.write(line)
                    log.flush()
                    on_line(line.decode("utf-8", "replace").rstrip("\r\n"))
            finally:
                if process.stdin:
                    process.stdin.close()
                process.wait()
    done = Launched(
        tuple(command), process.returncode, round(time.monotonic() - start, 3), _versions(python, folder)
    )
    write_json(folder / "launch.json", asdict(done))
    return done


def last_lines(folder: Path, count: int = 5) -> str:
    """The end of the log, for an error message."""
    path = folder / LOG_FILE
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-count:])


def _versions(python: str, folder: Path) -> dict[str, str]:
    answer = subprocess.run(
        [python, "-c", _ASK_VERSIONS, *PACKAGES], capture_output=True, text=True, check=False, cwd=folder
    )
    return dict(line.split(" ", 1) for line in answer.stdout.splitlines())


def guard(command: Sequence[str]) -> int:
    """Run a command and end it when standard input closes; returns its exit code."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_when_input_closes, args=(child,), daemon=True).start()
    try:
        return child.wait()
    finally:
        _end(child)


def _end_when_input_closes(child: subprocess.Popen[bytes]) -> None:
    # Not through sys.stdin: a thread that waits inside it keeps Python from shutting down.
    while os.read(0, 4096):
        pass
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1:]))
